"""One pass over the aliases of one server: each is worked on alone, and fails alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import Key, Kind
from dbalias.reconcile.actions import Note
from dbalias.reconcile.ports import (
    ClusterError,
    ConflictError,
    GoneError,
    NotLeadingError,
    RefusedError,
)
from dbalias.reconcile.provisioning import finalizer
from dbalias.reconcile.provisioning.claims import Claim, elect
from dbalias.reconcile.provisioning.decide import claimed, find_trouble, of_fault, unforeseen
from dbalias.reconcile.provisioning.deletion import Patience, drop, left_over
from dbalias.reconcile.provisioning.memory import Memory
from dbalias.reconcile.provisioning.settle import settle
from dbalias.reconcile.provisioning.snapshot import Trouble, TroubleError
from dbalias.reconcile.provisioning.sorting import Sorting
from dbalias.reconcile.provisioning.status import Report, provisioned
from dbalias.reconcile.provisioning.tell import Teller
from dbalias.reconcile.provisioning.work import Work
from dbalias.reconcile.reporting import record
from dbalias.servers.faults import ServerFaultError
from dbalias.servers.plot import Plot, Standing, Survey

logger = logging.getLogger(__name__)

AT_ONCE = 32
"""Aliases under way: their statements wait for a session, their writes for none."""
_LASTING = (Reason.SERVER_NOT_FOUND, Reason.NAMESPACE_NOT_ALLOWED, Reason.INVALID_CONFIGURATION)
"""What is told of an alias whose database stands: an outage of its server changes nothing there."""


@dataclass(slots=True)
class Round:
    """One pass over the aliases that name a server.

    ``lost``: nothing that a deletion waits for will come. ``hurried``: something changed while
    it was written, and is to be read again soon; ``failed``: Kubernetes did not take something.
    """

    sorting: Sorting
    teller: Teller
    memory: Memory
    lost: bool = False
    hurried: bool = False
    failed: bool = False
    provided: int = 0
    """Aliases that have their database."""
    ends: list[datetime] = field(default_factory=list)
    """When deletions are waited with no longer."""
    begun: datetime = field(init=False)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def __post_init__(self) -> None:
        self.begun = self.teller.clock()

    async def refuse(self, trouble: Trouble) -> None:
        """Tell all aliases that no statement can be sent, and why."""
        aliases = [claim.alias for claim in self.sorting.claims]
        await self._each([*self._others(), *(self._refuse(one, trouble) for one in aliases)])

    async def work(self, work: Work) -> Survey:
        """Do what all aliases still need; raise ServerFaultError when the survey fails."""
        survey, winners, losers = await self._look(work)
        tasks = [self._provide(work, one, survey.plots[one.wanted.database]) for one in winners]
        for claim in self.sorting.claims:
            if winner := losers.get(claim.key):
                trouble = claimed(claim.wanted.database, winner.wanted.mark)
                tasks.append(self._refuse(claim.alias, trouble, lost=True))
        await self._each([*self._others(), *tasks])
        return survey

    async def _look(self, work: Work) -> tuple[Survey, tuple[Claim, ...], Mapping[Key, Claim]]:
        """Survey the server for one claim of each database; whoever holds it by its mark wins."""
        claims = self.sorting.claims
        winners, losers = elect(claims, {})
        survey = await work.endpoint.survey([one.wanted for one in winners])
        holders = _holders(survey)
        if losers.keys() & set(holders.values()):
            winners, losers = elect(claims, holders)
            survey = await work.endpoint.survey([one.wanted for one in winners])
        return survey, winners, losers

    def _others(self) -> Iterable[Awaitable[None]]:
        for alias, trouble in self.sorting.refused:
            yield self._refuse(alias, trouble, lost=trouble.reason is Reason.NAMESPACE_NOT_ALLOWED)
        for alias in self.sorting.released:
            yield self._release(alias)
        for metadata in self.sorting.unreadable:
            yield finalizer.let_go(self.teller.cluster, metadata)

    async def _each(self, tasks: Iterable[Awaitable[None]]) -> None:
        async def one(task: Awaitable[None]) -> None:
            async with self._slots:
                await self._alone(task)

        try:
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    group.create_task(one(task))
        except* NotLeadingError as lost:
            raise NotLeadingError("the Lease was lost during the pass") from lost

    async def _alone(self, task: Awaitable[None]) -> None:
        """Let nothing that one alias meets reach the others, but the loss of the Lease."""
        try:
            await task
        except NotLeadingError:
            raise
        except GoneError as error:
            logger.info("what was worked on is gone: %s", error)
        except ConflictError as error:
            logger.info("changed meanwhile: %s", error)
            self.hurried = True
        except ClusterError as error:
            logger.warning("left for later: %s", error)
            self.failed = True
        except Exception as error:
            logger.exception("the work on an alias ended with %s", type(error).__name__)
            self.failed = True

    async def _release(self, alias: DatabaseAlias) -> None:
        """Provision an alias no more: its database and its Secrets stay as they are."""
        if finalizer.is_held(alias.metadata):
            await finalizer.let_go(self.teller.cluster, alias.metadata)
        if not alias.metadata.deleting:
            await self.teller.tell(alias, None)

    async def _refuse(self, alias: DatabaseAlias, trouble: Trouble, *, lost: bool = False) -> None:
        if alias.metadata.deleting:
            await self._postpone(alias, trouble, lost=lost or self.lost)
        elif trouble.reason in (*_LASTING, Reason.DATABASE_CLAIMED) or not provisioned(alias):
            await self.teller.tell(alias, Report.of(trouble))

    async def _postpone(self, alias: DatabaseAlias, trouble: Trouble, *, lost: bool) -> None:
        """Wait with a deletion, for a while; what will never come is not waited for."""
        patience = Patience.of(alias, self.teller.clock())
        if not (lost or patience.over):
            self.ends.append(min(patience.deadline, trouble.again or patience.deadline))
            await self._tell(alias, patience.report(alias, trouble))
            return
        if note := left_over(alias, trouble):
            await record(self.teller.cluster, Kind.ALIAS, alias.metadata, note)
        await finalizer.let_go(self.teller.cluster, alias.metadata)

    async def _provide(self, work: Work, claim: Claim, plot: Plot) -> None:
        if claim.alias.metadata.deleting:
            await self._drop(work, claim, plot)
            return
        about, now = (work.address, claim.place), self.teller.clock()
        try:
            if self.memory.spares(claim, plot, about=about, now=now):
                self.provided += provisioned(claim.alias)
                return
            claim, report = await self._attempt(work, claim, plot)
        except ServerFaultError as error:
            self.provided += provisioned(claim.alias)
            if not provisioned(claim.alias):
                trouble = _note_fault(work, error)
                await self.teller.tell(claim.alias, Report.of(trouble))
            return
        except ClusterError:
            raise
        except Exception as error:
            report = Report.of(note_unforeseen(error))
        self.provided += report.is_well
        await self._tell(claim.alias, report)
        # Not before: what could not be told is told by the next pass, which must not spare it.
        self.memory.note(claim, report, about=about, now=now)

    async def _tell(self, alias: DatabaseAlias, report: Report) -> None:
        """Tell an alias what came of it; what nobody foresaw is told in an event as well."""
        told = await self.teller.tell(alias, report)
        if told and report.reason is Reason.INTERNAL_ERROR:
            note = Note(report.reason, report.message, warning=True)
            await record(self.teller.cluster, Kind.ALIAS, alias.metadata, note)

    async def _attempt(self, work: Work, claim: Claim, plot: Plot) -> tuple[Claim, Report]:
        """Return what came of it, and the claim with its alias as it was written last."""
        try:
            if work.fault is not None:
                raise work.fault
            if plot.unseen is not None:
                plot = await work.endpoint.look_inside(plot)
            if trouble := find_trouble(claim, plot):
                return claim, Report.of(trouble)
            alias = await finalizer.align(work.cluster, claim.alias)
            claim = replace(claim, alias=alias)
            return claim, await settle(work, claim, plot)
        except TroubleError as error:
            return claim, Report.of(error.trouble)
        except RefusedError as error:
            return claim, Report(Reason.WRITE_REFUSED, str(error))
        except ServerFaultError as error:
            trouble = _note_fault(work, error)
            if work.fault is not None:
                raise
            return claim, Report.of(trouble)

    async def _drop(self, work: Work, claim: Claim, plot: Plot) -> None:
        try:
            if work.fault is not None:
                raise work.fault
            note = await drop(work, claim, plot)
        except TroubleError as error:
            await self._wait_to_drop(work, claim, error.trouble)
            return
        except ServerFaultError as error:
            await self._wait_to_drop(work, claim, _note_fault(work, error))
            return
        except ClusterError:
            raise
        except Exception as error:
            await self._wait_to_drop(work, claim, note_unforeseen(error))
            return
        if note is not None:
            await record(work.cluster, Kind.ALIAS, claim.alias.metadata, note)
        await finalizer.let_go(work.cluster, claim.alias.metadata)

    async def _wait_to_drop(self, work: Work, claim: Claim, trouble: Trouble) -> None:
        """Try again soon: somebody may mend it while the deletion waits."""
        again = None if work.fault else work.again()
        await self._postpone(claim.alias, replace(trouble, again=again), lost=False)


def _holders(survey: Survey) -> dict[str, Key]:
    """Return, by database, the alias that holds it and did not ask."""
    return {
        database: Key(plot.holder.namespace, plot.holder.name)
        for database, plot in survey.plots.items()
        if plot.standing is Standing.ANOTHERS
        and plot.holder is not None
        and plot.holder.installation == plot.wanted.mark.installation
    }


def _note_fault(work: Work, error: ServerFaultError) -> Trouble:
    """Return what a fault is to an alias; one of the server's own ends the pass for the others."""
    if error.is_of_server and work.fault is None:
        work.fault = error
    return of_fault(error)


def note_unforeseen(error: Exception) -> Trouble:
    """Return what an error of our own is to whom it met; the log has all of it."""
    logger.error("the work on a server ended with %s", type(error).__name__, exc_info=error)
    return unforeseen(error)
