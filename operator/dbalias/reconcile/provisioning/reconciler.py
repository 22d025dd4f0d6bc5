"""Passes over servers: a queue of their own, and what outlives a pass in memory."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from dbalias.api.meta import Key
from dbalias.api.server import DatabaseServer
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.poll import SourcePoll
from dbalias.reconcile.ports import Cluster, ClusterError, ConflictError
from dbalias.reconcile.provisioning.abandonment import let_go_abandoned
from dbalias.reconcile.provisioning.backoff import Backoff
from dbalias.reconcile.provisioning.decide import FAULTS
from dbalias.reconcile.provisioning.gather import gather
from dbalias.reconcile.provisioning.memory import Memory
from dbalias.reconcile.provisioning.orphans import render_orphans
from dbalias.reconcile.provisioning.passes import Round, note_unforeseen
from dbalias.reconcile.provisioning.ports import Connect, Endpoint
from dbalias.reconcile.provisioning.server_status import Holdings, server_status
from dbalias.reconcile.provisioning.snapshot import Snapshot, Trouble
from dbalias.reconcile.provisioning.sorting import sort
from dbalias.reconcile.provisioning.tell import Teller
from dbalias.reconcile.provisioning.work import Work
from dbalias.reconcile.queue import KeyedQueue
from dbalias.reconcile.reporting import report
from dbalias.servers.address import Address
from dbalias.servers.faults import ServerFaultError
from dbalias.servers.plot import Survey

logger = logging.getLogger(__name__)

RESYNC = timedelta(minutes=10)
QUIET = 0.5
CAP = 2.0
"""Seconds: while aliases keep arriving, those that are there are worked on."""
WORKERS = 64
"""Servers at once: one that hangs holds its own pass, and nobody else's."""
HURRIED = 0.5
FAILED = 20.0
"""Seconds until what Kubernetes did not take is tried again."""
LABELS_AGAIN = 30.0
"""Seconds until the labels of namespaces are read again, where one is not admitted by them."""


@dataclass(slots=True)
class _Known:
    """What is remembered of one server between its passes."""

    memory: Memory = field(default_factory=Memory)
    connected: tuple[Address, Endpoint] | None = None
    checked: float | None = None
    """When everything was looked at last, by the monotonic clock."""
    pause: float = 0.0
    """Seconds from then until everything is looked at again."""

    def is_due(self) -> bool:
        """Tell whether everything is to be looked at, remembered or not."""
        return self.checked is None or time.monotonic() >= self.checked + self.pause

    def check(self) -> None:
        """Everything is looked at now."""
        self.checked = time.monotonic()
        self.pause = RESYNC.total_seconds() * random.uniform(0.9, 1.1)
        self.memory.clear()

    def left(self) -> float:
        """Return the seconds until everything is looked at again."""
        assert self.checked is not None
        return max(0.0, self.checked + self.pause - time.monotonic())


@dataclass(slots=True)
class ServerReconciler:
    """Owns the queue of servers and the poll of what they are reached with."""

    cluster: Cluster
    secrets: BindingSecrets
    metrics: Metrics
    clock: Callable[[], datetime]
    installation: str
    connect: Connect
    queue: KeyedQueue = field(init=False)
    abandonments: KeyedQueue = field(init=False)
    """Aliases that named a server before, and name none now."""
    poll: SourcePoll = field(init=False)
    _known: defaultdict[Key, _Known] = field(default_factory=lambda: defaultdict(_Known))
    _backoff: Backoff = field(default_factory=Backoff)
    _seen: dict[tuple[str, Key], Hashable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queue = KeyedQueue(
            handle=self.reconcile,
            on_error=self._failed,
            workers=WORKERS,
            quiet=QUIET,
            cap=CAP,
        )
        self.abandonments = KeyedQueue(
            handle=partial(let_go_abandoned, Teller(self.cluster, self.clock)),
            on_error=self._failed,
            workers=1,
        )
        self.poll = SourcePoll(self.cluster, changed=self.queue.notify)

    def changed(self, server: Key, kind: str, name: Key, print: Hashable) -> None:
        """A watch saw an object that concerns a server; ``print`` None: it vanished.

        Only what a pass would act on is in the print: a status that was written wakes nobody.
        """
        known = self._seen.get((kind, name))
        if print is not None and known == print:
            return
        if print is None:
            self._seen.pop((kind, name), None)
        else:
            self._seen[kind, name] = print
        self.queue.notify(server)

    def abandoned(self, alias: Key) -> None:
        """A watch saw an alias that names no server, and that one left something on."""
        self.abandonments.notify(alias)

    def binding_changed(self, server: Key, alias: Key) -> None:
        """Somebody saw that an alias' binding Secret is not as the server pass wrote it."""
        self._known[server].memory.awaited[alias] = self.clock()
        self.queue.notify(server)

    async def run(self) -> None:
        """Work until cancelled; then end every session on every server."""
        try:
            async with asyncio.TaskGroup() as group:
                for one in (self.queue, self.abandonments, self.poll):
                    group.create_task(one.run())
        finally:
            await self.close()

    async def close(self) -> None:
        """End every session on every server."""
        for key in list(self._known):
            await self._forget(key)

    async def reconcile(self, key: Key) -> float | None:
        """Run one pass; return the seconds until this key is due again, None for never."""
        snapshot = await gather(self.cluster, key)
        self.poll.watch(key, snapshot.versions, awaiting=snapshot.trouble is not None)
        if snapshot.is_empty:
            await self._forget(key)
            return None
        known = self._known[key]
        known.memory.keep({alias.metadata.uid for alias in snapshot.aliases})
        sorting = sort(snapshot, self.installation)
        teller = Teller(self.cluster, self.clock)
        round = Round(sorting, teller, known.memory, lost=snapshot.lost)
        return await self._run(snapshot, known, round)

    async def _run(self, snapshot: Snapshot, known: _Known, round: Round) -> float | None:
        trouble, survey = snapshot.trouble, None
        if snapshot.address is not None:
            trouble = self._backoff.holds(snapshot.key, _declared(snapshot), self.clock())
        if trouble is None:
            trouble, survey = await self._work(snapshot, known, round)
        if survey is None:
            assert trouble is not None
            await round.refuse(trouble.of_server())
        await self._report(snapshot, round, trouble, survey)
        return self._next(snapshot, known, round, trouble)

    async def _work(
        self, snapshot: Snapshot, known: _Known, round: Round
    ) -> tuple[Trouble | None, Survey | None]:
        """Work on the aliases; return what is wrong with the server, and what it showed."""
        assert isinstance(snapshot.server, DatabaseServer)
        assert snapshot.address is not None
        work = Work(
            self.cluster,
            self.secrets,
            await self._endpoint(known, snapshot.address),
            snapshot.server,
            snapshot.address,
            self.clock,
        )
        if known.is_due():
            known.check()
            work.tries_logins = snapshot.server.check_logins
        survey = None
        try:
            survey = await round.work(work)
        except ServerFaultError as error:
            work.fault = error
        except ClusterError:
            raise
        except Exception as error:
            return self._fail(snapshot, note_unforeseen(error)), None
        given, awaiting = work.versions, None in work.versions.values()
        self.poll.watch(snapshot.key, {**snapshot.versions, **given}, awaiting=awaiting)
        if work.fault is None:
            self._backoff.forget(snapshot.key)
            return None, survey
        trouble = Trouble(FAULTS[work.fault.fault], str(work.fault))
        return self._fail(snapshot, trouble), survey

    def _fail(self, snapshot: Snapshot, trouble: Trouble) -> Trouble:
        return self._backoff.failed(snapshot.key, _declared(snapshot), trouble, self.clock())

    async def _endpoint(self, known: _Known, address: Address) -> Endpoint:
        if known.connected is not None:
            if known.connected[0] == address:
                return known.connected[1]
            await known.connected[1].close()
        known.connected = (address, self.connect(address))
        return known.connected[1]

    async def _report(
        self,
        snapshot: Snapshot,
        round: Round,
        trouble: Trouble | None,
        survey: Survey | None,
    ) -> None:
        key = snapshot.key
        if snapshot.server is None:
            self.metrics.forget_server(key)
            return
        self.metrics.connected.labels(key.namespace, key.name).set(trouble is None)
        holdings = None
        if survey is not None:
            unread = {Key(one.namespace, one.name) for one in snapshot.broken}
            holdings = Holdings(
                version=survey.version,
                databases=round.provided,
                orphans=render_orphans(
                    survey.marked,
                    installation=self.installation,
                    claimed=round.sorting.claimed,
                    unread=unread,
                ),
            )
        now = self.clock()
        action = server_status(snapshot.server, trouble=trouble, holdings=holdings, now=now)
        if action is not None:
            await report(self.cluster, action)

    def _next(
        self, snapshot: Snapshot, known: _Known, round: Round, trouble: Trouble | None
    ) -> float:
        if round.hurried:
            return HURRIED
        now = self.clock()
        moments = [known.memory.due(round.begun), trouble.again if trouble else None, *round.ends]
        waits = [(one - now).total_seconds() for one in moments if one is not None]
        waits.append(known.left() if known.checked is not None else RESYNC.total_seconds())
        if round.failed or (trouble and trouble.again is None):
            waits.append(FAILED)
        if round.sorting.refused and snapshot.labels:
            waits.append(LABELS_AGAIN)
        return max(HURRIED, min(waits))

    async def _forget(self, key: Key) -> None:
        known = self._known.pop(key, None)
        self._backoff.forget(key)
        self.metrics.forget_server(key)
        if known is not None and known.connected is not None:
            await known.connected[1].close()

    def _failed(self, key: Key, error: Exception, after: float) -> None:
        self.metrics.passes.labels("error").inc()
        if isinstance(error, ConflictError):
            logger.info("the pass over server %s is run again: %s", key, error)
            return
        # The text of our own errors holds no object data; that of others might.
        known = isinstance(error, ClusterError)
        logger.error(
            "the pass over server %s ended early, again in %.0f s: %s",
            key,
            after,
            error if known else type(error).__name__,
            exc_info=None if known else error,
        )


def _declared(snapshot: Snapshot) -> Hashable:
    """Return what changes when somebody mends a server: any edit, and another login."""
    assert snapshot.server is not None
    return snapshot.server.metadata.generation, snapshot.address
