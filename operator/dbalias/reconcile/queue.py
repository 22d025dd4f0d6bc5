"""The keyed queue: every key once, serial per key, parallel across keys, debounced.

An event waits until its project has been quiet for a second, at most fifteen: 500 edited
aliases are then one pass and one revision. A timer, a retry or the end of a Job needs no such
wait, and no event postpones it: what others wait for is seen at once, however busy it is around.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dbalias.api.meta import Key
from dbalias.reconcile.ports import NotLeadingError

QUIET = 1.0
CAP = 15.0
BACKOFF_FIRST = 1.0
BACKOFF_LIMIT = 60.0
PROMPT = 0.1
"""Seconds until what cannot wait for quiet: ends that come together are one pass."""
WORKERS = 4
"""Passes at once: one thread does their work, and each more holds its objects in memory."""


@dataclass(slots=True)
class _Entry:
    first_event: float | None = None
    quiet_at: float | None = None
    timed_at: float | None = None
    timer: asyncio.TimerHandle | None = None
    running: bool = False
    failures: int = 0

    @property
    def due(self) -> float | None:
        """When the next pass begins; None for never."""
        moments = [at for at in (self.quiet_at, self.timed_at) if at is not None]
        return min(moments, default=None)

    def clear(self) -> None:
        """Forget what the pass that begins now answers."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.quiet_at = self.timed_at = None


@dataclass(slots=True)
class KeyedQueue:
    """Calls ``handle(key)``; it returns the seconds until the key is due again, or None.

    An exception of ``handle`` is retried with back-off and jitter, NotLeadingError soon;
    ``on_error`` is told.
    """

    handle: Callable[[Key], Awaitable[float | None]]
    on_error: Callable[[Key, Exception, float], None]
    workers: int = WORKERS
    quiet: float = QUIET
    cap: float = CAP
    _entries: dict[Key, _Entry] = field(default_factory=dict)
    _ready: asyncio.Queue[Key] = field(default_factory=asyncio.Queue)
    _waiting: set[Key] = field(default_factory=set)

    def notify(self, key: Key) -> None:
        """Something of this key changed: run it once it has been quiet."""
        entry, now = self._entries.setdefault(key, _Entry()), self._now()
        if entry.first_event is None:
            entry.first_event = now
        entry.quiet_at = min(now + self.quiet, entry.first_event + self.cap)
        self._set_timer(key, entry)

    def hurry(self, key: Key) -> None:
        """Something of this key ended, and others wait for that: run it at once."""
        self.wake(key, PROMPT)

    def wake(self, key: Key, after: float) -> None:
        """Run this key in ``after`` seconds, or earlier if it is due earlier."""
        entry, at = self._entries.setdefault(key, _Entry()), self._now() + after
        if entry.timed_at is None or at < entry.timed_at:
            entry.timed_at = at
            self._set_timer(key, entry)

    def depth(self) -> int:
        """Return how many keys are due and wait for a worker."""
        return self._ready.qsize()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._work())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _set_timer(self, key: Key, entry: _Entry) -> None:
        due = entry.due
        assert due is not None
        if entry.timer is not None:
            entry.timer.cancel()
        entry.timer = asyncio.get_running_loop().call_at(due, self._fire, key)

    def _fire(self, key: Key) -> None:
        entry = self._entries[key]
        # A key that waited for its own pass comes before its next timer and replaces it.
        entry.clear()
        if entry.running:
            self._waiting.add(key)
            return
        entry.running, entry.first_event = True, None
        self._ready.put_nowait(key)

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            entry = self._entries[key]
            try:
                after = await self.handle(key)
                entry.failures = 0
            except NotLeadingError as error:
                # The Lease is renewed within seconds, or the process ends: the key did not fail.
                after = BACKOFF_FIRST
                self.on_error(key, error, after)
            except Exception as error:
                after = self._backoff(entry)
                self.on_error(key, error, after)
            entry.running = False
            if key in self._waiting:
                self._waiting.discard(key)
                self._fire(key)
            if after is not None:
                self.wake(key, after)
            elif not entry.running and entry.due is None:
                del self._entries[key]

    def _backoff(self, entry: _Entry) -> float:
        entry.failures += 1
        limit = min(BACKOFF_LIMIT, BACKOFF_FIRST * 2 ** (entry.failures - 1))
        return float(limit) * random.uniform(0.5, 1.0)
