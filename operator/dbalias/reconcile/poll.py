"""Sources are read by ``get``: this asks for their versions and tells when one differs.

Listing or watching Secrets would need the right to read them all, and a ConfigMap with a CA
carries no label of ours to watch it by. So what a project refers to or publishes is polled by
name: often while something is awaited, every twenty seconds otherwise. A DatabaseServer may lie
in a namespace that is not watched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from dbalias.api.meta import JSON, Key, Kind
from dbalias.reconcile.ports import Cluster, Resource, UnreadableError

AWAITED = 5.0
USUAL = 20.0
SPREAD = 4.0
TICK = 0.5
AT_ONCE = 16


Place: TypeAlias = tuple[Resource, str | None, str]
"""Resource, namespace (None: of none) and name of an object."""
Versions: TypeAlias = Mapping[Place, str | None]
"""Objects with the version seen; None: there was none."""
UNREAD = "unread"
"""Differs from any version, so that somebody is told once something can be read."""


def version_of(body: Mapping[str, JSON] | None) -> str | None:
    """Return what changes with an object, but not with a server's status; None for none."""
    if body is None:
        return None
    metadata = body["metadata"]
    if body.get("kind") == Kind.SERVER:
        return f"{metadata['uid']}/{metadata['generation']}"
    return str(metadata["resourceVersion"])


@dataclass(slots=True)
class _Watched:
    versions: Versions
    awaiting: bool
    due: float


@dataclass(slots=True)
class SourcePoll:
    """Calls ``changed(key)`` when a source of the key is no longer what the last pass saw."""

    cluster: Cluster
    changed: Callable[[Key], None]
    _watched: dict[Key, _Watched] = field(default_factory=dict)

    def watch(self, key: Key, versions: Versions, *, awaiting: bool) -> None:
        """Compare with these versions from now on; none at all ends it."""
        if not versions:
            self._watched.pop(key, None)
            return
        pause = AWAITED if awaiting else USUAL + random.uniform(-SPREAD, SPREAD)
        self._watched[key] = _Watched(versions, awaiting, self._now() + pause)

    def noticed(self, place: Place, version: str | None) -> None:
        """Somebody saw this object in this version: compare it at once."""
        for key, watched in list(self._watched.items()):
            if watched.versions.get(place, version) != version:
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
        watched = self._watched.get(key)
        if watched is None:
            return
        found = await asyncio.gather(
            *(self._differs(one, seen, slots) for one, seen in watched.versions.items())
        )
        if self._watched.get(key) is not watched:
            return
        if any(found):
            self.changed(key)
        self.watch(key, watched.versions, awaiting=watched.awaiting)

    async def _differs(self, place: Place, seen: str | None, slots: asyncio.Semaphore) -> bool:
        async with slots:
            try:
                body = await self.cluster.get(*place)
            except UnreadableError:
                return False
        return seen != version_of(body)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
