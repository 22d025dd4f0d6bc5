"""What forbids to work on a database, and what a rotation comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dbalias.api.conditions import STALLING, Reason
from dbalias.api.provision import Provision, ServerRef
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.provisioning.claims import Claim, build_claim
from dbalias.reconcile.provisioning.decide import (
    FAULTS,
    Move,
    find_trouble,
    of_fault,
    passwords_of,
    plan_move,
)
from dbalias.servers.bindings import Foreign, Issued
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Cause, Obstacle, Standing
from dbalias.servers.rotation import Keep, Refuse, Restore, Rotate, Wait, Why, Wishes
from unit.reconcile.provisioning.serving import (
    INSTALLATION,
    NOW,
    a_claim,
    a_plot,
    a_server,
    an_alias,
)

ISSUED = Issued("shop_users_a", SecretBytes(b"old"), NOW - timedelta(days=1))
FRESH = SecretBytes(b"fresh")


def the_move(decision: Keep | Wait | Restore | Rotate | Refuse, **wishes: Any) -> Move | None:
    """Return what a decision comes to, one password having been generated."""
    wanted = replace(Wishes(settled=True), **wishes)
    return plan_move(decision, wanted, generate=lambda: FRESH, now=NOW)


def test_a_database_of_another_alias_is_told_with_its_holder() -> None:
    """And the remedy is another name, which only another object can have."""
    claim = a_claim()
    plot = a_plot(claim, standing=Standing.ANOTHERS, holder=Mark("x", "other", "theirs"))
    trouble = find_trouble(claim, plot)
    assert trouble is not None
    assert trouble.reason is Reason.DATABASE_CLAIMED
    assert "other/theirs" in trouble.message
    assert "Delete this alias and create it with another spec.name" in trouble.message


@pytest.mark.parametrize(
    ("incarnation", "reason"),
    [("7", Reason.DATABASE_EXISTS), (None, Reason.ROLE_EXISTS)],
    ids=["the database", "one of its roles"],
)
def test_what_stands_unmarked_is_told_with_what_adopting_would_change(
    incarnation: str | None, reason: Reason
) -> None:
    """Before anything is changed."""
    claim = a_claim()
    plot = a_plot(
        claim,
        standing=Standing.UNMARKED,
        incarnation=incarnation,
        changes=("own the table orders",),
    )
    trouble = find_trouble(claim, plot)
    assert trouble is not None
    assert trouble.reason is reason
    assert "own the table orders" in trouble.message


@pytest.mark.parametrize(
    ("namespace", "adoptable", "taken"),
    [("shop", (), False), ("shop", ("shop_users",), True), ("databases", (), True)],
    ids=["neither agrees", "the server names it", "the server's own namespace"],
)
def test_adopting_takes_the_consent_of_the_server(
    namespace: str, adoptable: tuple[str, ...], taken: bool
) -> None:
    """What exists on a shared server may be another team's."""
    alias = an_alias(namespace=namespace, provision=Provision(adopt=True), name="shop_users")
    claim = build_claim(alias, a_server(adoptable=frozenset(adoptable)), INSTALLATION)
    trouble = find_trouble(claim, a_plot(claim, standing=Standing.UNMARKED))
    assert (trouble is None) is taken
    if trouble is not None:
        assert trouble.reason is Reason.DATABASE_EXISTS
        assert "once spec.adoptable of DatabaseServer" in trouble.message


MADE = {"server": "databases/main", "database": "shop_users", "incarnation": "7"}
"""What a status remembers of a database."""


def remembering(**other: str) -> Claim:
    """Return an alias that may be adopted, whose status remembers a database, or another one."""
    return a_claim(
        server=ServerRef("databases", "main"),
        provision=Provision(adopt=True),
        status={"provision": MADE | other},
    )


@pytest.mark.parametrize("standing", [Standing.ABSENT, Standing.CLAIMED, Standing.UNMARKED])
def test_a_database_that_was_there_and_is_not_is_lost(standing: Standing) -> None:
    """Its alias remembers it, and adopts no roles instead: they would come with an empty one."""
    plot = a_plot(remembering(), standing=standing, incarnation=None)
    trouble = find_trouble(remembering(), plot)
    assert trouble is not None
    assert trouble.reason is Reason.DATABASE_LOST


def test_a_database_that_its_server_was_led_away_from_is_told_with_both_places() -> None:
    """Nobody is advised to begin anew with an empty one for a slip of the pen."""
    claim = remembering(place="old.db.svc")
    trouble = find_trouble(claim, a_plot(claim, standing=Standing.ABSENT, incarnation=None))
    assert trouble is not None
    assert trouble.reason is Reason.DATABASE_LOST
    assert "was seen last at old.db.svc, and is not at db" in trouble.message
    assert "delete" not in trouble.message


@pytest.mark.parametrize("other", [{"server": "databases/old"}, {"database": "old"}], ids=str)
def test_a_database_is_not_lost_that_was_another_one(other: dict[str, str]) -> None:
    """The alias asked for another name, or on another server, since its status was written."""
    plot = a_plot(remembering(), standing=Standing.ABSENT, incarnation=None)
    assert find_trouble(remembering(**other), plot) is None
    assert find_trouble(a_claim(), plot) is None


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (Cause.DECLARED, Reason.INVALID_CONFIGURATION),
        (Cause.RIGHTS, Reason.PRIVILEGE_MISSING),
        (Cause.ROLE, Reason.ROLE_EXISTS),
    ],
)
def test_an_obstacle_is_told_in_the_words_of_the_engine(cause: Cause, reason: Reason) -> None:
    """By the reason of who can remove it; the standing alone would let it go on."""
    claim = a_claim()
    hindrance = Obstacle(cause, "the encoding is LATIN1. Dump it")
    trouble = find_trouble(claim, a_plot(claim, hindrance=hindrance))
    assert trouble is not None
    assert trouble.reason is reason
    assert reason in STALLING
    assert trouble.message == "the encoding is LATIN1. Dump it"


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_is_a_reason_of_the_server_and_of_the_alias(fault: Fault) -> None:
    """Only what a hand on the server cures, stalls."""
    reason = of_fault(ServerFaultError(fault, "words")).reason
    assert FAULTS[fault]
    by_hand = (Fault.PRIVILEGE, Fault.STATEMENT, Fault.IN_USE)
    assert (reason in STALLING) == (fault in by_hand)


def test_a_kept_login_sets_no_password() -> None:
    """Zero statements at rest."""
    move = the_move(Keep(ISSUED))
    assert move is not None
    assert passwords_of([move]) == {}


def test_a_restored_login_gets_the_password_of_its_secret() -> None:
    """And is due when it would have been."""
    move = the_move(Restore(ISSUED, NOW))
    assert move is not None
    assert passwords_of([move]) == {"shop_users_a": ISSUED.password}
    assert move.due == NOW


def test_a_rotation_gives_the_other_login_a_fresh_password_and_tries_it() -> None:
    """The published one is not touched."""
    move = the_move(Rotate("shop_users_b", Why.REQUESTED, "now"), interval=timedelta(days=3))
    assert move is not None
    assert passwords_of([move]) == {"shop_users_b": FRESH}
    assert move.tries
    assert (move.issued.request, move.issued.rotated_at) == ("now", NOW)
    assert move.due == NOW + timedelta(days=3)


def test_the_first_login_is_not_tried_which_would_open_a_connection_for_each_alias() -> None:
    """Nobody had another before."""
    move = the_move(Rotate("shop_users_a", Why.FIRST))
    assert move is not None
    assert not move.tries


def test_a_given_password_is_used_instead_of_a_fresh_one() -> None:
    """It is the person's."""
    given = SecretBytes(b"given")
    move = the_move(Rotate("shop_users_b", Why.GIVEN), given=given)
    assert move is not None
    assert passwords_of([move]) == {"shop_users_b": given}


def test_a_waiting_rotation_says_what_for() -> None:
    """Nothing else changes meanwhile."""
    move = the_move(Wait(ISSUED, Why.SCHEDULED))
    assert move is not None
    assert move.waits == "the interval is over: waiting for the listed workloads"
    assert passwords_of([move]) == {}


def test_a_secret_of_somebody_else_moves_nothing() -> None:
    """It is refused before any statement."""
    assert the_move(Refuse(Foreign(None))) is None
