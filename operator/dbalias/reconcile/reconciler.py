"""One pass for one key: gather, plan, execute, report; and what outlives a pass in memory."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex

from dbalias.api.meta import Key
from dbalias.api.ownership import MANAGER
from dbalias.migrations.observed import PodState
from dbalias.reconcile.actions import Plan
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.databases import Databases
from dbalias.reconcile.execute import execute
from dbalias.reconcile.gather import gather
from dbalias.reconcile.last_words import LISTEN, LastWords, is_unheard
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.names import SALT
from dbalias.reconcile.plan import plan
from dbalias.reconcile.poll import SourcePoll
from dbalias.reconcile.ports import Cluster, ClusterError, ConflictError, Resource
from dbalias.reconcile.queue import KeyedQueue
from dbalias.reconcile.snapshot import Astray, Memory, Snapshot

logger = logging.getLogger(__name__)

RESYNC = timedelta(minutes=10)
AT_ONCE = 0.05
"""Seconds until a pass that follows from the one before."""
CONFLICT_AGAIN = 0.5
"""Seconds until the pass after one that met a conflict: it reads again what changed."""
TAKEN_AGAIN = 15.0
"""Seconds until a database in another project's hands is looked at again, told or not."""
REFUSED_AGAIN = 20.0
"""Seconds until what the API server refused is tried again."""


@dataclass(slots=True)
class Reconciler:
    """Owns the queue and the poll; watches tell it what changed."""

    cluster: Cluster
    secrets: BindingSecrets
    metrics: Metrics
    clock: Callable[[], datetime]
    """The time by which the API server dates changes."""
    listen: float = LISTEN
    installation: str = MANAGER
    binding_astray: Callable[[Key, Key], None] = lambda server, alias: None
    """Called with a server and an alias of it that is to be looked at; see ``Astray``."""
    queue: KeyedQueue = field(init=False)
    poll: SourcePoll = field(init=False)
    databases: Databases = field(init=False)
    last_words: LastWords = field(default_factory=LastWords)
    _started: datetime = field(init=False)
    _quiet_from: dict[Key, datetime] = field(default_factory=dict)
    _refusals: dict[Key, dict[str, str]] = field(default_factory=dict)
    _salts: dict[Key, str] = field(default_factory=dict)
    _unread: set[Key] = field(default_factory=set)
    _astray: dict[Key, frozenset[Astray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = self.clock()
        self.queue = KeyedQueue(handle=self.reconcile, on_error=self._failed)
        self.poll = SourcePoll(self.cluster, changed=self.queue.notify)
        self.secrets.changed = self.queue.notify
        self.databases = Databases(self.cluster)

    def project_changed(self, key: Key, *, vanished: bool, ended: bool) -> None:
        """A watch saw an object of this project appear, change or vanish, or a Job end."""
        if vanished:
            self._quiet_from[key] = self.clock()
        if not ended:
            self.queue.notify(key)
            return
        for one in (key, *self.databases.waiting_for(key)):
            self.queue.hurry(one)

    def pod_gone(self, key: Key, pod: PodState) -> None:
        """A watch saw a pod of a Job of this project vanish."""
        self.last_words.note(key, pod)

    def secret_changed(self, namespace: str, name: str, version: str | None) -> None:
        """A watch saw a Secret change."""
        place = (Resource.SECRETS, namespace, name)
        self.poll.noticed(place, version)
        self.secrets.noticed(place, version)

    def server_changed(self, server: Key, version: str | None) -> None:
        """A watch saw a DatabaseServer change."""
        self.poll.noticed((Resource.SERVERS, server.namespace, server.name), version)

    async def reconcile(self, key: Key) -> float | None:
        """Run one pass; return the seconds until this key is due again, None for never."""
        begun = time.monotonic()
        snapshot, read_at = await self._gather(key)
        if is_unheard(snapshot):
            await asyncio.sleep(self.listen)
            snapshot, read_at = await self._gather(key)
        self._remember(snapshot)
        snapshot, planned = await self._plan(snapshot, read_at)
        self.poll.watch(key, snapshot.versions, awaiting=planned.awaiting)
        self.secrets.watch(key, snapshot.bindings)
        self._tell_astray(snapshot)
        try:
            refusals = await execute(self.cluster, planned)
        except ConflictError as error:
            logger.info("%s: %s", key, error)
            self._let_go(key)
            return CONFLICT_AGAIN
        self._let_go(key)
        known = self._refusals.pop(key, {})
        if refusals:
            self._refusals[key] = refusals
        self.metrics.duration.observe(time.monotonic() - begun)
        if snapshot.is_empty:
            self._forget(key)
            return None
        self._observe(snapshot, planned.counts, planned.failing)
        if refusals.keys() != known.keys():
            # The next pass says so in a condition, or that it is over.
            return AT_ONCE
        if refusals:
            return REFUSED_AGAIN
        again = self._next(planned.wake_at)
        return min(again, TAKEN_AGAIN) if snapshot.taken else again

    async def _gather(self, key: Key) -> tuple[Snapshot, datetime]:
        """Read what belongs to a project; return it and since when it may be out of date."""
        read_at = self.clock()
        return await gather(self.cluster, self.secrets, key, self._memory(key)), read_at

    async def _plan(self, snapshot: Snapshot, read_at: datetime) -> tuple[Snapshot, Plan]:
        """Plan, as often as it takes until every database on which a Job would start is free.

        What others hold goes into the snapshot, and what starts in its stead is looked at too.
        Time is that of the reading: how long that took is no time in which nothing was changed.
        """
        looked: frozenset[str] = frozenset()
        planned = plan(snapshot, read_at)
        while fresh := planned.databases - looked:
            looked |= fresh
            if taken := await self.databases.claim(snapshot.key, fresh):
                snapshot = replace(snapshot, taken={**snapshot.taken, **taken})
                planned = plan(snapshot, read_at)
        return snapshot, planned

    def _tell_astray(self, snapshot: Snapshot) -> None:
        """Tell of each thing once; the pass over the server tries again by itself."""
        known = self._astray.pop(snapshot.key, frozenset())
        if snapshot.astray:
            self._astray[snapshot.key] = snapshot.astray
        for one in snapshot.astray - known:
            self.binding_astray(one.server, Key(snapshot.key.namespace, one.object))

    def _let_go(self, key: Key) -> None:
        """End the claims of a pass.

        One that failed keeps them until the next has ended: a Job may yet come of a creation
        that was not answered.
        """
        if self.databases.release(key):
            for other in self.databases.waiting_for(key):
                self.queue.wake(other, AT_ONCE)

    def _memory(self, key: Key) -> Memory:
        return Memory(
            quiet_from=max(self._started, self._quiet_from.get(key, self._started)),
            salt=self._salts.setdefault(key, token_hex(16)),
            unread_before=key in self._unread,
            refusals=dict(self._refusals.get(key, {})),
            last_words=self.last_words.of(key),
            installation=self.installation,
        )

    def _remember(self, snapshot: Snapshot) -> None:
        """Keep the salt, so that a deleted Secret comes back the same and restarts nothing."""
        stored = snapshot.secret.annotations.get(SALT) if snapshot.secret else None
        if stored:
            self._salts[snapshot.key] = stored
        if snapshot.unreadable:
            self._unread.add(snapshot.key)
        else:
            self._unread.discard(snapshot.key)

    def _next(self, wake_at: datetime | None) -> float:
        resync = RESYNC.total_seconds() * random.uniform(0.9, 1.1)
        if wake_at is None:
            return resync
        return min(resync, max(AT_ONCE, (wake_at - self.clock()).total_seconds()))

    def _observe(self, snapshot: Snapshot, counts: Mapping[str, int], failing: float) -> None:
        now = self.clock().timestamp()
        self.metrics.queue_depth.set(self.queue.depth())
        self.metrics.observe_project(snapshot.key, counts, failing_since=failing, now=now)

    def _forget(self, key: Key) -> None:
        self.metrics.forget_project(key)
        self.poll.watch(key, {}, awaiting=False)
        self.secrets.watch(key, {})
        self.last_words.forget(key)
        self._quiet_from.pop(key, None)
        self._salts.pop(key, None)
        self._astray.pop(key, None)

    def _failed(self, key: Key, error: Exception, after: float) -> None:
        self.metrics.passes.labels("error").inc()
        # The text of our own errors holds no object data; that of others might.
        known = isinstance(error, ClusterError)
        logger.error(
            "the pass over %s ended early, again in %.0f s: %s",
            key,
            after,
            error if known else type(error).__name__,
            exc_info=None if known else error,
        )
