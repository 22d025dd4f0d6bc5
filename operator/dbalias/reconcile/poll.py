"""Secrets are read by ``get``: this asks for their versions and tells when one differs.

Listing or watching Secrets would need the right to read them all, so each project's own are
polled by name: often while one is awaited, every twenty seconds otherwise.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dbalias.api.meta import Key
from dbalias.reconcile.ports import Cluster, Resource, UnreadableError

AWAITED = 5.0
USUAL = 20.0
SPREAD = 4.0
TICK = 0.5
AT_ONCE = 16


@dataclass(slots=True)
class _Watched:
    versions: Mapping[str, str | None]
    awaiting: bool
    due: float


@dataclass(slots=True)
class SecretPoll:
    """Calls ``changed(key)`` when a Secret of the key is no longer what the last pass saw."""

    cluster: Cluster
    changed: Callable[[Key], None]
    _watched: dict[Key, _Watched] = field(default_factory=dict)

    def watch(self, key: Key, versions: Mapping[str, str | None], *, awaiting: bool) -> None:
        """Compare with these versions from now on; none at all ends it."""
        if not versions:
            self._watched.pop(key, None)
            return
        pause = AWAITED if awaiting else USUAL + random.uniform(-SPREAD, SPREAD)
        self._watched[key] = _Watched(versions, awaiting, self._now() + pause)

    def secret_changed(self, namespace: str, name: str, version: str | None) -> None:
        """A watch saw this Secret: compare it at once."""
        for key, watched in list(self._watched.items()):
            seen = watched.versions.get(name, version)
            if key.namespace == namespace and seen != version:
                self.changed(key)

    async def run(self) -> None:
        """Poll until cancelled."""
        slots = asyncio.Semaphore(AT_ONCE)
        while True:
            now = self._now()
            due = [key for key, watched in self._watched.items() if watched.due <= now]
            await asyncio.gather(*(self._compare(key, slots) for key in due))
            await asyncio.sleep(TICK)

    async def _compare(self, key: Key, slots: asyncio.Semaphore) -> None:
        watched = self._watched[key]
        seen = dict(
            await asyncio.gather(*(self._version(key, name, slots) for name in watched.versions))
        )
        if self._watched.get(key) is not watched:
            return
        if seen != watched.versions:
            self.changed(key)
        self.watch(key, watched.versions, awaiting=watched.awaiting)

    async def _version(
        self, key: Key, name: str, slots: asyncio.Semaphore
    ) -> tuple[str, str | None]:
        async with slots:
            try:
                body = await self.cluster.get(Resource.SECRETS, key.namespace, name)
            except UnreadableError:
                return name, self._watched[key].versions.get(name) if key in self._watched else None
        return name, None if body is None else str(body["metadata"]["resourceVersion"])

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
