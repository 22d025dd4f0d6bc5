"""What becomes of a database when its alias is deleted: dropped on request, never held up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason, parse_timestamp, timestamp
from dbalias.reconcile.actions import Note
from dbalias.reconcile.ports import ForbiddenError, RefusedError
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.decide import find_elsewhere
from dbalias.reconcile.provisioning.secrets import delete_slots
from dbalias.reconcile.provisioning.snapshot import Trouble, TroubleError
from dbalias.reconcile.provisioning.status import Report
from dbalias.reconcile.provisioning.work import Work
from dbalias.servers.plot import Plot, Standing

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=10)
"""How long a deletion waits for its server."""


async def drop(work: Work, claim: Claim, plot: Plot) -> Note | None:
    """Drop what the mark proves this alias made, then its Secrets; return what is to be told.

    What was adopted, belongs to another or carries no mark stays, and so does the Secret. Raise
    TroubleError where the database is not where its server leads.
    """
    if trouble := find_elsewhere(claim, plot):
        raise TroubleError(trouble)
    if why := _why_it_stays(plot):
        seen = f"; the alias' own was seen last at {claim.seen_at}" if claim.seen_at else ""
        return retained(claim.wanted.database, why + seen)
    await work.carry_out(claim.key, plot.removal())
    try:
        await delete_slots(work.secrets, claim.wanted.mark, work.server.engine)
    except (ForbiddenError, RefusedError) as error:
        # Nobody would be served by an alias that waits for a Secret which opens nothing.
        return Note("SecretRetained", f"its Secret was not deleted: {error}", warning=True)
    return None


def _why_it_stays(plot: Plot) -> str | None:
    """Return why a database is not dropped with its alias; None where it is, or is gone."""
    if plot.standing is Standing.ANOTHERS:
        return f"it belongs to {plot.holder}"
    if plot.incarnation is None:
        return None
    if plot.standing is Standing.UNMARKED:
        return "it carries no mark that says that this alias made it"
    if plot.holder is not None and plot.holder.adopted:
        return (
            "it, or the role that owns it, was taken over (spec.provision.adopt), and nothing "
            "else shows that this alias made it"
        )
    return None


def left_over(alias: DatabaseAlias, trouble: Trouble) -> Note | None:
    """Return the warning of what outlives an alias with whose deletion nobody waits any longer."""
    database = (alias.status.get("provision") or {}).get("database")
    if trouble.reason is Reason.ROLE_IN_USE:
        what = f"the database {database} was dropped, and " if database else ""
        return Note("RoleRetained", f"{what}a role was not: {trouble.message}", warning=True)
    return retained(database, trouble.message) if database else None


def retained(database: str, why: str) -> Note:
    """Return the warning that a database outlives its alias although Delete was asked for."""
    return Note("DatabaseRetained", f"the database {database} was not dropped: {why}", warning=True)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a deletion still waits; ``over``: no longer."""

    deadline: datetime
    over: bool

    @classmethod
    def of(cls, alias: DatabaseAlias, now: datetime) -> Patience:
        """Return what is left for an alias, which begins with the first attempt that failed."""
        stored = (alias.status.get("provision") or {}).get("deadline")
        deadline = parse_timestamp(stored) or now + PATIENCE
        return cls(deadline, over=deadline <= now)

    def report(self, alias: DatabaseAlias, trouble: Trouble) -> Report:
        """Return what the alias tells while it waits."""
        before = dict(alias.status.get("provision") or {})
        message = f"{trouble.message}; the deletion waits until {timestamp(self.deadline)}"
        fields = {"provision": before | {"deadline": timestamp(self.deadline)}}
        return Report(trouble.reason, message, fields, trouble.again)
