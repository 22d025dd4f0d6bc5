"""Statuses are read as what a person wants to know of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dbalias.cli.output import Cell, Style, lay_out
from dbalias.cli.progress import ProjectProgress, State, read_progress
from dbalias.cli.status_lines import Screen, describe, elapsed_text

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)

Body = dict[str, Any]


def a_condition(kind: str, status: bool, reason: str, message: str = "") -> Body:
    """Return a condition as it stands in a status."""
    return {"type": kind, "status": str(status), "reason": reason, "message": message}


def a_project(*conditions: Body, generation: int = 1, observed: int = 1) -> Body:
    """Return a DjangoProject with these conditions."""
    return {
        "metadata": {"namespace": "prod", "name": "shop", "generation": generation},
        "spec": {},
        "status": {"observedGeneration": observed, "conditions": list(conditions)},
    }


def an_alias(*conditions: Body, generation: int = 1, **status: Any) -> Body:
    """Return the DatabaseAlias ``users`` of it."""
    told = {"observedGeneration": 1, "conditions": list(conditions), **status}
    return {
        "metadata": {"namespace": "prod", "name": "shop-users", "generation": generation},
        "spec": {"projectRef": {"name": "shop"}, "alias": "users"},
        "status": told,
    }


READY = a_condition("Ready", True, "Ready", "all is well")
BUSY = a_condition("Ready", False, "Migrating", "Job m-1 runs")
STALLED = a_condition("Stalled", True, "MigrationFailed", "it broke")


def migrated(status: bool, reason: str) -> Body:
    """Return the condition Migrated."""
    return a_condition("Migrated", status, reason)


def read(*bodies: Body) -> ProjectProgress:
    """Return the one project with these aliases."""
    (project,) = read_progress([a_project(READY)], bodies, now=NOW)
    return project


STATES = [
    (an_alias(READY, migrated(True, "Migrated")), State.MIGRATED),
    (an_alias(READY, migrated(True, "DatabaseAhead")), State.MIGRATED),
    (an_alias(READY, migrated(True, "EmptyDefault")), State.EXEMPT),
    (an_alias(READY, migrated(True, "Replica")), State.EXEMPT),
    (an_alias(BUSY, migrated(False, "Queued")), State.PENDING),
    (an_alias(BUSY, migrated(True, "NotManaged")), State.PENDING),
    (
        an_alias(BUSY, migrated(False, "Migrating"), migration={"outcome": "Running"}),
        State.RUNNING,
    ),
    (
        an_alias(
            BUSY,
            migrated(False, "LoginRefused"),
            migration={"outcome": "Running", "reason": "LoginRefused"},
        ),
        State.RUNNING,
    ),
    (
        an_alias(BUSY, migrated(False, "PodUnschedulable"), migration={"outcome": "Starting"}),
        State.RUNNING,
    ),
    (
        an_alias(BUSY, migrated(False, "Checking"), check={"outcome": "Running"}),
        State.CHECKING,
    ),
    (
        an_alias(BUSY, migrated(False, "Pending"), check={"outcome": "Succeeded"}),
        State.PENDING,
    ),
    (an_alias(BUSY, STALLED, migrated(False, "MigrationFailed")), State.FAILED),
    (
        an_alias(
            BUSY,
            migrated(False, "DatabaseUnreachable"),
            migration={"outcome": "Failed", "reason": "DatabaseUnreachable"},
        ),
        State.FAILED,
    ),
    (
        an_alias(
            BUSY,
            migrated(False, "DatabaseUnreachable"),
            check={"outcome": "Failed", "reason": "DatabaseUnreachable"},
        ),
        State.FAILED,
    ),
    (
        an_alias(
            BUSY,
            migrated(False, "ImageNotPulled"),
            check={"outcome": "Running", "startedAt": "2026-01-01T12:00:00Z"},
        ),
        State.CHECKING,
    ),
    (
        an_alias(
            BUSY,
            migrated(False, "Pending"),
            migration={"outcome": "Starting", "startedAt": "2026-01-01T11:00:00Z"},
            check={"outcome": "Succeeded", "startedAt": "2026-01-01T12:00:00Z"},
        ),
        State.PENDING,
    ),
    (an_alias(READY, migrated(True, "Migrated"), generation=2), State.UNKNOWN),
    ({**an_alias(), "status": {"observedGeneration": -1}}, State.UNKNOWN),
]


@pytest.mark.parametrize(("body", "state"), STATES)
def test_the_state_of_an_alias_is_what_its_conditions_say(body: Body, state: State) -> None:
    """What was said of an older generation counts for nothing."""
    (alias,) = read(body).aliases
    assert alias.state is state


def test_a_run_that_is_under_way_shows_its_job_and_how_long() -> None:
    """Counted from its start; the time alone is no change worth telling."""
    record = {"outcome": "Running", "job": "m-1", "startedAt": "2026-01-01T12:00:00Z"}
    project = read(an_alias(BUSY, migrated(False, "Migrating"), migration=record))
    (alias,) = project.aliases
    assert (alias.job, alias.elapsed) == ("m-1", 30)
    assert "running 30s" in "\n".join(describe([project], screen=Screen(Style())))
    later = read_progress(
        [a_project(READY)],
        [an_alias(BUSY, migrated(False, "Migrating"), migration=record)],
        now=NOW.replace(minute=5),
    )
    assert later == [project]


def test_a_project_is_done_when_its_aliases_are_as_they_stand_now() -> None:
    """An edited alias, whose project says Ready still, is not."""
    assert read(an_alias(READY, migrated(True, "Migrated"))).is_done
    assert not read(an_alias(READY, migrated(True, "Migrated"), generation=2)).is_done
    (stale,) = read_progress([a_project(READY, generation=2)], [], now=NOW)
    assert not stale.is_done


def test_aliases_without_their_project_are_shown_under_its_name() -> None:
    """It does not exist, so nothing of it can be Ready."""
    (project,) = read_progress([], [an_alias(READY)], now=NOW)
    assert not project.declared
    assert not project.is_done
    assert "DjangoProject prod/shop: does not exist" in "\n".join(
        describe([project], screen=Screen(Style()))
    )


def test_what_holds_a_project_up_is_shown_above_its_aliases() -> None:
    """Conditions that are not True, without the three that sum up."""
    bodies = [
        a_project(
            a_condition("Ready", False, "MigrationFailed"),
            a_condition("Stalled", True, "MigrationFailed"),
            a_condition("SettingsPublished", False, "Pending", "waiting for users"),
            a_condition("RolledOut", True, "NotRequired"),
        )
    ]
    lines = list(describe(read_progress(bodies, [], now=NOW), screen=Screen(Style())))
    assert lines[0] == "DjangoProject prod/shop: Stalled"
    assert lines[1].split("  ") == ["", "SettingsPublished", "Pending", "waiting for users"]
    assert not any("RolledOut" in line for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (65, "1m05s"), (3600, "1h00m"), (7325, "2h02m")]
)
def test_durations_are_short(seconds: int, text: str) -> None:
    """Two units at the most."""
    assert elapsed_text(seconds) == text


def test_columns_line_up_with_and_without_colour() -> None:
    """Marks take no room."""
    style = Style(coloured=True)
    rows = [[Cell("a", style.bad("a")), Cell("b", "b")], [Cell("long", "long"), Cell("c", "c")]]
    assert lay_out(rows) == ["  \x1b[31ma\x1b[0m     b", "  long  c"]


ROUTES = {
    "job": "shop-users-m-1",
    "modelsCount": 40,
    "routesCount": 3,
    "destinations": [
        {"apps": ["auth", "admin"], "read": ["r1", "users"], "write": "users",
         "migrate": ["users"], "modelsCount": 9},
        {"models": ["shop.Tag"], "read": ["default"], "modelsCount": 1},
    ],
}  # fmt: skip


def test_check_that_runs_is_told_by_its_own_times() -> None:
    """Not by those of the last migration."""
    began = "2026-01-01T12:00:00Z"
    check = {"outcome": "Running", "job": "c-1", "startedAt": began}
    migration = {"outcome": "Succeeded", "job": "m-1", "startedAt": "2025-01-01T12:00:00Z"}
    busy = an_alias(BUSY, migrated(False, "Checking"), check=check, migration=migration)
    (alias,) = read(busy).aliases
    assert (alias.job, alias.elapsed) == ("c-1", 30)


def test_routes_are_shown_when_asked_for_with_what_is_left_out() -> None:
    """Whole apps by their label, models of split apps by name, a dash for nowhere."""
    body = a_project(READY)
    body["status"]["routes"] = ROUTES
    (project,) = read_progress([body], [], now=NOW)
    assert "shop.Tag" not in "\n".join(describe([project], screen=Screen(Style())))
    lines = list(describe([project], screen=Screen(Style()), routes=True))[-5:]
    assert lines == [
        "  40 model(s), as the Job shop-users-m-1 found them",
        "  READ       WRITE  MIGRATE  MODELS",
        "  r1, users  users  users    9: auth.*, admin.*",
        "  default    -      -        1: shop.Tag",
        "  and 1 more destination(s): see the log of that Job",
    ]


def test_routes_of_an_older_revision_are_said_to_be_so() -> None:
    """They stay in the status until a Job has told of the newer one."""
    body = a_project(READY)
    body["status"] |= {"revision": "new", "routes": ROUTES | {"revision": "old"}}
    (project,) = read_progress([body], [], now=NOW)
    lines = list(describe([project], screen=Screen(Style()), routes=True))
    assert "  That was revision old: no Job has told yet of new" in lines
    body["status"]["revision"] = "old"
    (project,) = read_progress([body], [], now=NOW)
    assert not [
        line for line in describe([project], screen=Screen(Style()), routes=True) if "That" in line
    ]


def test_routes_that_nobody_has_told_are_said_to_be_so() -> None:
    """Before the first Job, and without an image."""
    (project,) = read_progress([a_project(READY)], [], now=NOW)
    last = list(describe([project], screen=Screen(Style()), routes=True))[-1]
    assert last == "  no Job has told yet where the models go"


def provisioned(reason: str, *conditions: Body) -> ProjectProgress:
    """Return the project when its alias asks for a database, and this came of it."""
    made = a_condition("Provisioned", reason == "RotationPending", reason, "of the server pass")
    body = an_alias(*conditions, made)
    body["spec"]["provision"] = {}
    return read(body)


def test_alias_whose_database_is_not_made_says_why() -> None:
    """In a word for programs, and as the reason for people."""
    waiting = a_condition("Ready", False, "Provisioning", "it is being made")
    [alias] = provisioned("Provisioning", waiting).aliases
    assert (alias.provisioned, alias.reason) == ("Provisioning", "Provisioning")
    assert alias.message == "it is being made"


def test_rotation_that_waits_is_told_of_a_ready_alias() -> None:
    """Nothing else would tell what it waits for."""
    [alias] = provisioned("RotationPending", READY, migrated(True, "Migrated")).aliases
    assert (alias.state, alias.reason) == (State.MIGRATED, "RotationPending")
    assert alias.message == "of the server pass"


def test_deleted_alias_says_what_its_deletion_waits_for() -> None:
    """Its last Ready is of before."""
    made = a_condition("Provisioned", False, "ServerUnavailable", "the deletion waits until 12:00")
    body = an_alias(READY, migrated(True, "Migrated"), made)
    body["spec"]["provision"] = {}
    body["metadata"]["deletionTimestamp"] = "2026-01-01T11:50:00Z"
    [alias] = read(body).aliases
    assert (alias.reason, alias.message) == ("ServerUnavailable", "the deletion waits until 12:00")


def test_alias_whose_database_is_made_elsewhere_says_nothing_of_it() -> None:
    """NotManaged is no news."""
    made = a_condition("Provisioned", True, "NotManaged")
    [alias] = read(an_alias(READY, migrated(True, "Migrated"), made)).aliases
    assert (alias.provisioned, alias.reason) == ("", "Migrated")
