"""What becomes of one alias, decided from what was found on its server and in its Secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from dbalias.api.conditions import Reason
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.servers.bindings import Issued
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Cause, Plot, Standing
from dbalias.servers.rotation import (
    Decision,
    Keep,
    Refuse,
    Restore,
    Rotate,
    Wait,
    Why,
    Wishes,
)

FAULTS = {
    Fault.UNREACHABLE: Reason.DATABASE_UNREACHABLE,
    Fault.TIMED_OUT: Reason.DATABASE_UNREACHABLE,
    Fault.LOGIN_REFUSED: Reason.LOGIN_REFUSED,
    Fault.CERTIFICATE: Reason.CERTIFICATE_REFUSED,
    Fault.READ_ONLY: Reason.SERVER_READ_ONLY,
    Fault.FULL: Reason.SERVER_FULL,
    Fault.PRIVILEGE: Reason.PRIVILEGE_MISSING,
    Fault.CHANGED: Reason.PROVISIONING,
    Fault.IN_USE: Reason.ROLE_IN_USE,
    Fault.STATEMENT: Reason.STATEMENT_FAILED,
}
"""What a fault is called on a DatabaseServer."""
_SHARED = (Fault.PRIVILEGE, Fault.STATEMENT, Fault.CHANGED, Fault.IN_USE)
"""Faults that an alias calls by the same name: the others are its server's."""
_OBSTACLES = {
    Cause.DECLARED: Reason.INVALID_CONFIGURATION,
    Cause.RIGHTS: Reason.PRIVILEGE_MISSING,
    Cause.ROLE: Reason.ROLE_EXISTS,
}

_OTHERWISE = "Delete this alias and create it with another spec.name"
"""The API server lets nobody rename a database that is to be made."""


def find_trouble(claim: Claim, plot: Plot) -> Trouble | None:
    """Return what forbids to work on a database, with the remedy; None when nothing does."""
    wanted = claim.wanted
    match plot.standing:
        case Standing.ANOTHERS:
            return claimed(wanted.database, plot.holder)
        case _ if plot.incarnation is None and _was_provisioned(claim):
            return find_elsewhere(claim, plot) or _gone(wanted.database)
        case Standing.UNMARKED if not wanted.adopt:
            return _exists(claim, plot)
    obstacle = plot.obstacle()
    return Trouble(_OBSTACLES[obstacle.cause], obstacle.says) if obstacle else None


def find_elsewhere(claim: Claim, plot: Plot) -> Trouble | None:
    """Return that a database is not where its server leads, but where that led when it was seen."""
    if plot.incarnation is not None or not (claim.seen_at and _was_provisioned(claim)):
        return None
    message = (
        f"the database {claim.wanted.database} was seen last at {claim.seen_at}, and is not at "
        f"{claim.place}, where the DatabaseServer {claim.server} leads now. Correct the server's "
        "spec.host, spec.port or spec.tls, or restore the database there"
    )
    return Trouble(Reason.DATABASE_LOST, message)


def _gone(database: str) -> Trouble:
    message = (
        f"the database {database} was provisioned and is gone. Restore it, or delete and apply "
        "the alias again for an empty one"
    )
    return Trouble(Reason.DATABASE_LOST, message)


def claimed(database: str, holder: Mark | None) -> Trouble:
    """Return the refusal of an alias whose database another one holds."""
    message = f"the database {database} belongs to {holder}. {_OTHERWISE}"
    return Trouble(Reason.DATABASE_CLAIMED, message)


def _exists(claim: Claim, plot: Plot) -> Trouble:
    wanted = plot.wanted
    changes = plot.differences(frozenset({wanted.logins.a}))
    would = f", which changes: {'; '.join(changes)}" if changes else ", which changes nothing"
    if claim.provision.adopt:
        would = (
            f", once spec.adoptable of DatabaseServer {claim.server} names the database, as it "
            f"must for an alias of another namespace{would}"
        )
    if plot.incarnation is None:
        message = (
            f"roles for the database {wanted.database} exist and are not ours. Drop or rename "
            f"them, or set spec.provision.adopt{would}"
        )
        return Trouble(Reason.ROLE_EXISTS, message)
    message = (
        f"the database {wanted.database} exists and carries no mark. {_OTHERWISE}, or take it "
        f"over with spec.provision.adopt{would}"
    )
    return Trouble(Reason.DATABASE_EXISTS, message)


def _was_provisioned(claim: Claim) -> bool:
    """Tell whether this very database is remembered, not one of before under another name."""
    known = claim.alias.status.get("provision") or {}
    there = (known.get("server"), known.get("database"))
    return bool(known.get("incarnation")) and there == (claim.server, claim.wanted.database)


def of_fault(error: ServerFaultError) -> Trouble:
    """Return what a fault is to an alias."""
    reason = FAULTS[error.fault] if error.fault in _SHARED else Reason.SERVER_UNAVAILABLE
    return Trouble(reason, str(error))


def unforeseen(error: Exception) -> Trouble:
    """Return what an error of our own is to an alias: its type, for its text may hold anything."""
    message = (
        f"the operator failed with {type(error).__name__}, which nobody foresaw; its log has the "
        "rest. It tries again by itself, later each time"
    )
    return Trouble(Reason.INTERNAL_ERROR, message)


@dataclass(frozen=True, slots=True)
class Move:
    """What a pass does about one published login.

    ``sets``: its password is set on the server first. ``tries``: nobody may have it before it
    was seen to work. ``waits`` says why a rotation has not begun.
    """

    issued: Issued
    sets: bool = False
    tries: bool = False
    due: datetime | None = None
    waits: str | None = None


def plan_move(
    decision: Decision,
    wishes: Wishes,
    *,
    generate: Callable[[], SecretBytes],
    now: datetime,
) -> Move | None:
    """Return the move that a decision comes to; None: the Secret is somebody else's."""
    match decision:
        case Keep(issued, due):
            return Move(issued, due=due)
        case Wait(issued, why):
            return Move(issued, waits=f"{why.value}: waiting for the listed workloads")
        case Restore(issued, due):
            return Move(issued, sets=True, due=due)
        case Rotate(login, why, request):
            issued = Issued(login, wishes.given or generate(), rotated_at=now, request=request)
            due = now + wishes.interval if wishes.interval else None
            return Move(issued, sets=True, tries=why is not Why.FIRST, due=due)
        case Refuse():
            return None


def passwords_of(moves: Iterable[Move]) -> dict[str, SecretBytes]:
    """Return the passwords that are to be set, by login."""
    return {move.issued.login: move.issued.password for move in moves if move.sets}
