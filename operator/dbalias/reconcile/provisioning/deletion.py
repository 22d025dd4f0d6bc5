"""What becomes of a database when its alias is deleted: dropped on request, never held up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import parse_timestamp, timestamp
from dbalias.reconcile.actions import Note
from dbalias.reconcile.ports import ForbiddenError, RefusedError
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.secrets import delete_slots
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.reconcile.provisioning.status import Report
from dbalias.reconcile.provisioning.work import Work
from dbalias.servers.plot import Plot, Standing

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=10)
"""How long a deletion waits for its server."""


async def drop(work: Work, claim: Claim, plot: Plot) -> Note | None:
    """Drop what the mark proves this alias made, then its Secrets; return what is to be told.

    What was adopted, belongs to another or carries no mark stays, and so does the Secret.
    """
    adopted = plot.holder is not None and plot.holder.adopted
    if adopted or plot.standing in (Standing.ANOTHERS, Standing.UNMARKED):
        return retained(claim.wanted.database, "this alias did not make it")
    await work.carry_out(claim.key, plot.removal())
    try:
        await delete_slots(work.secrets, claim.wanted.mark, work.server.engine)
    except (ForbiddenError, RefusedError) as error:
        # Nobody would be served by an alias that waits for a Secret which opens nothing.
        return Note("SecretRetained", f"its Secret was not deleted: {error}", warning=True)
    return None


def retained(database: str | None, why: str) -> Note:
    """Return the warning that a database outlives its alias although Delete was asked for."""
    what = f"the database {database}" if database else "its database"
    return Note("DatabaseRetained", f"{what} was not dropped: {why}", warning=True)


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
