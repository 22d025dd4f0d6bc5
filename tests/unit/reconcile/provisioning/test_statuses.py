"""What an alias and its server say, and that nothing is written when nothing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.api.server import DatabaseServer
from dbalias.reconcile.actions import WriteStatus
from dbalias.reconcile.provisioning.server_status import Holdings, server_status
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.reconcile.provisioning.status import Report, own_part, provisioned, render_report
from unit.reconcile.provisioning.serving import NOW, a_server, an_alias

FIELDS = {"binding": {"name": "users-binding"}, "provision": {"login": "a", "incarnation": "1"}}
WELL = Report(Reason.PROVISIONED, "it is there", FIELDS)
THEIRS = {"type": "Ready", "status": "False", "reason": "Migrating"}
LATER = NOW + timedelta(hours=1)


def told(report: Report | None, status: JSON | None = None) -> JSON | None:
    """Return our part of a status after a report."""
    return render_report(an_alias(status=status or {}), report, LATER)


def test_a_report_says_the_condition_and_the_fields() -> None:
    """For the generation that was looked at."""
    part = told(WELL)
    assert part is not None
    assert part["binding"] == {"name": "users-binding"}
    assert part["conditions"][0]["type"] == "Provisioned"
    assert part["conditions"][0]["observedGeneration"] == 1


def test_the_same_report_again_is_no_write() -> None:
    """Whatever the project's pass wrote beside it."""
    part = told(WELL)
    assert part is not None
    status = part | {"observedGeneration": 1, "conditions": [THEIRS, *part["conditions"]]}
    assert told(WELL, status) is None


def test_a_trouble_leaves_what_was_reported_of_the_database() -> None:
    """The Secret is still there, and says what it said."""
    part = told(WELL)
    report = Report.of(Trouble(Reason.PRIVILEGE_MISSING, "GRANT it"))
    after = told(report, part)
    assert after is not None
    assert after["binding"] == {"name": "users-binding"}
    assert after["conditions"][0]["status"] == "False"


def test_a_rotation_that_waits_is_no_fault() -> None:
    """The alias stays Ready meanwhile."""
    part = told(Report(Reason.ROTATION_PENDING, "waiting", FIELDS))
    assert part is not None
    assert part["conditions"][0]["status"] == "True"


def test_an_alias_that_is_provisioned_no_more_gives_up_our_part() -> None:
    """And one that never was is not written."""
    assert told(None, told(WELL)) == {}
    assert told(None, {"conditions": [THEIRS]}) is None
    unmanaged = {"type": "Provisioned", "status": "True", "reason": "NotManaged"}
    assert told(None, {"conditions": [unmanaged]}) is None


def test_our_part_of_a_status_is_nothing_of_the_projects() -> None:
    """Each compares what it wrote itself."""
    part = told(WELL)
    assert part is not None
    mixed = part | {"migration": {}, "conditions": [*part["conditions"], THEIRS]}
    assert own_part(mixed) == part


def test_an_alias_is_provisioned_for_its_present_generation_alone() -> None:
    """An edit is not yet carried out."""
    alias = an_alias(status=told(WELL))
    assert provisioned(alias)
    edited = replace(alias, metadata=replace(alias.metadata, generation=2))
    assert not provisioned(edited)
    failed = an_alias(status=told(Report(Reason.DATABASE_LOST, "gone")))
    assert not provisioned(failed)


def written(server: DatabaseServer, **fields: Any) -> WriteStatus | None:
    """Return the write of a server's status; None for none."""
    given = {"trouble": None, "holdings": None, "now": NOW} | fields
    return server_status(server, **given)


def a_status(server: DatabaseServer, **fields: Any) -> JSON | None:
    """Return the status that would be written; None for none."""
    action = written(server, **fields)
    return None if action is None else dict(action.status)


HOLDINGS = Holdings("PostgreSQL 15.14", 3, {"count": 0, "databases": []})
DOWN = Trouble(Reason.DATABASE_UNREACHABLE, "no answer", again=LATER)
REFUSED = Trouble(Reason.LOGIN_REFUSED, "refused", again=LATER)


def the(condition: str, status: JSON) -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = next(one for one in status["conditions"] if one["type"] == condition)
    return found["status"], found["reason"]


def test_a_server_that_answers_is_ready_and_says_what_it_is() -> None:
    """Once: the same again is no write."""
    status = a_status(a_server(), holdings=HOLDINGS)
    assert status is not None
    assert (status["version"], status["databases"]) == ("PostgreSQL 15.14", 3)
    assert the("Ready", status) == ("True", "Ready")
    assert the("Connected", status) == ("True", "Available")
    assert a_status(a_server(status=status), holdings=HOLDINGS, now=LATER) is None


def test_a_server_that_does_not_answer_says_when_it_is_tried_again() -> None:
    """What was seen last stays."""
    before = a_status(a_server(), holdings=HOLDINGS)
    status = a_status(a_server(status=before), trouble=DOWN)
    assert status is not None
    assert the("Connected", status) == ("False", "DatabaseUnreachable")
    assert the("Reconciling", status)[0] == "True"
    assert status["nextAttempt"] == "2026-01-01T01:00:00Z"
    assert status["version"] == "PostgreSQL 15.14"


def test_a_server_that_nobody_understands_was_not_tried() -> None:
    """Only an edit helps."""
    trouble = Trouble(Reason.INVALID_CONFIGURATION, "spec.host is missing")
    status = a_status(a_server(), trouble=trouble)
    assert status is not None
    assert the("Connected", status) == ("Unknown", "InvalidConfiguration")
    assert the("Stalled", status)[0] == "True"


def test_a_server_tells_once_what_ails_it_and_once_that_it_is_back() -> None:
    """An event for each change of the reason, however often it is tried."""
    status: JSON = {}
    told = []
    for trouble in (None, DOWN, replace(DOWN, again=NOW), REFUSED, None, None):
        action = written(a_server(status=status), trouble=trouble, holdings=HOLDINGS)
        if action is not None:
            status = dict(action.status)
            told += [(note.reason, note.warning) for note in action.notes]
    assert told == [
        ("Ready", False),
        ("DatabaseUnreachable", True),
        ("LoginRefused", True),
        ("Ready", False),
    ]
