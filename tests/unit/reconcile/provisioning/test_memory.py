"""What a process spares itself, and what makes it look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dbalias.api.alias import Credentials
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.memory import Memory
from dbalias.reconcile.provisioning.status import Report
from dbalias.servers.plot import Cause, Obstacle, Standing
from unit.reconcile.provisioning.serving import NOW, Found, a_claim, a_plot

LOGIN = "shop_users_a"
WELL = Report(Reason.PROVISIONED, "")
ILL = Report(Reason.STATEMENT_FAILED, "")
MADE = {"login": LOGIN, "incarnation": "1"}


def a_status(reason: Reason = Reason.PROVISIONED) -> JSON:
    """Return a status that says what was made, and what came of the last pass."""
    well = str(reason is Reason.PROVISIONED)
    told = {"type": "Provisioned", "status": well, "reason": reason, "observedGeneration": 1}
    return {"provision": MADE, "conditions": [told]}


def a_settled(**fields: Any) -> tuple[Claim, Found]:
    """Return an alias that reports what its server has."""
    claim = a_claim(**({"status": a_status()} | fields))
    return claim, a_plot(claim, logins=frozenset({LOGIN}))


def a_memory(claim: Claim, report: Report = WELL) -> Memory:
    """Return the memory of one alias, looked at now."""
    memory = Memory()
    memory.note(claim, report, about="server", now=NOW)
    return memory


def test_nothing_is_spared_of_what_was_never_looked_at() -> None:
    """After a restart everything is looked at."""
    claim, plot = a_settled()
    assert not Memory().spares(claim, plot, about="server", now=NOW)


def test_an_alias_that_is_as_it_was_is_spared() -> None:
    """No Secret of it is read."""
    claim, plot = a_settled()
    assert a_memory(claim).spares(claim, plot, about="server", now=NOW)


@pytest.mark.parametrize("refusal", [Reason.NAMESPACE_NOT_ALLOWED, Reason.SERVER_NOT_FOUND])
def test_an_alias_that_was_refused_meanwhile_is_told_that_it_is_served_again(
    refusal: Reason,
) -> None:
    """Nothing of it has changed but what its status says."""
    claim, plot = a_settled(status=a_status(refusal))
    assert not a_memory(claim).spares(claim, plot, about="server", now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"logins": frozenset()},
        {"incarnation": "2"},
        {"standing": Standing.ANOTHERS},
        {"changes": ("grant CONNECT",)},
        {"hindrance": Obstacle(Cause.DECLARED, "words")},
    ],
    ids=["login", "incarnation", "standing", "difference", "obstacle"],
)
def test_an_alias_is_looked_at_when_the_server_differs(change: dict[str, Any]) -> None:
    """A survey shows it without a Secret being read."""
    claim, plot = a_settled()
    found = replace(plot, **change)
    assert not a_memory(claim).spares(claim, found, about="server", now=NOW)


def test_an_alias_is_looked_at_when_it_was_edited_or_asked() -> None:
    """Either can begin a rotation."""
    claim, plot = a_settled()
    memory = a_memory(claim)
    edited = replace(claim.alias.metadata, generation=2)
    asked = replace(claim.alias.metadata, annotations={ROTATE_REQUESTED_AT: "now"})
    aliases = [
        replace(claim.alias, metadata=edited),
        replace(claim.alias, metadata=asked),
    ]
    for alias in aliases:
        other = replace(claim, alias=alias)
        assert not memory.spares(other, plot, about="server", now=NOW)


def test_an_alias_whose_login_arrives_is_looked_at_only_while_a_rotation_waits_for_that() -> None:
    """The workloads of every new alias have its first login a moment later."""
    claim, plot = a_settled()
    arrived = replace(claim.alias, status=a_status() | {"settledLogin": LOGIN})
    arrived_claim = replace(claim, alias=arrived)
    memory = a_memory(claim)
    assert memory.spares(arrived_claim, plot, about="server", now=NOW)
    memory.note(claim, Report(Reason.ROTATION_PENDING, "waits"), about="server", now=NOW)
    assert not memory.spares(arrived_claim, plot, about="server", now=NOW)


def test_an_alias_whose_rotation_waits_is_always_looked_at() -> None:
    """The project says in its status when the wait is over."""
    claim, plot = a_settled()
    memory = a_memory(claim, replace(WELL, reason=Reason.ROTATION_PENDING))
    assert not memory.spares(claim, plot, about="server", now=NOW)


def test_an_alias_is_looked_at_when_its_server_is_another() -> None:
    """The Secret holds its host."""
    claim, plot = a_settled()
    assert not a_memory(claim).spares(claim, plot, about="another", now=NOW)


def test_an_alias_is_looked_at_when_somebody_tells_of_it() -> None:
    """A binding Secret was lost, which no survey shows."""
    claim, plot = a_settled()
    memory = a_memory(claim)
    memory.awaited[claim.key] = NOW
    assert not memory.spares(claim, plot, about="server", now=NOW)
    memory.note(claim, WELL, about="server", now=NOW)
    assert memory.spares(claim, plot, about="server", now=NOW)


def test_an_alias_is_looked_at_again_when_somebody_tells_of_it_meanwhile() -> None:
    """Its Secret had been read by then, and the clock's look is minutes away."""
    claim, plot = a_settled()
    memory = a_memory(claim)
    memory.awaited[claim.key] = NOW + timedelta(seconds=1)
    memory.note(claim, WELL, about="server", now=NOW)
    assert not memory.spares(claim, plot, about="server", now=NOW + timedelta(seconds=2))


def test_an_alias_with_a_given_password_is_always_looked_at() -> None:
    """The Secret is a person's, and may have changed."""
    claim, plot = a_settled(credentials=Credentials("given"))
    assert not a_memory(claim).spares(claim, plot, about="server", now=NOW)


def test_an_alias_is_looked_at_when_its_rotation_is_due() -> None:
    """Not before."""
    claim, plot = a_settled()
    due = NOW + timedelta(minutes=10)
    memory = a_memory(claim, replace(WELL, again=due))
    assert memory.due(NOW) == due
    assert memory.spares(claim, plot, about="server", now=NOW)
    assert not memory.spares(claim, plot, about="server", now=due)


def test_what_failed_is_tried_again_later_each_time() -> None:
    """However many events of others arrive meanwhile."""
    claim, plot = a_settled()
    memory, now, pauses = Memory(), NOW, []
    for _ in range(10):
        memory.note(claim, ILL, about="server", now=now)
        due = memory.due(NOW)
        assert due is not None
        assert memory.spares(claim, plot, about="server", now=now)
        pauses.append((due - now).total_seconds())
        now = due
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == 300


def test_an_edit_begins_the_count_of_failures_anew() -> None:
    """Whoever mends it need not wait."""
    claim, _ = a_settled()
    memory = Memory()
    for _ in range(5):
        memory.note(claim, ILL, about="server", now=NOW)
    edited = replace(claim.alias, metadata=replace(claim.alias.metadata, generation=2))
    memory.note(replace(claim, alias=edited), ILL, about="server", now=NOW)
    assert memory.due(NOW) == NOW + timedelta(seconds=5)


def test_a_look_at_everything_forgets_what_is_well() -> None:
    """What failed keeps its back-off."""
    claim, plot = a_settled()
    memory = a_memory(claim)
    memory.clear()
    assert not memory.spares(claim, plot, about="server", now=NOW)
    failed = a_memory(claim, ILL)
    failed.clear()
    assert failed.spares(claim, plot, about="server", now=NOW)


def test_what_is_gone_is_forgotten() -> None:
    """Else a long life would fill the memory."""
    claim, _ = a_settled()
    memory = a_memory(claim, ILL)
    memory.keep(set())
    assert memory.due(NOW) is None
