"""Binding Secrets: every pass reads and writes them here, and between passes they are looked at.

Only the pass over a server writes them. What it has just written need not be read to be known,
and what was seen a moment ago need not be read by each pass of a burst. What others do to them
is found by looking again, at so few in a second that a thousand of them are no load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from dbalias.api.meta import JSON, Key
from dbalias.reconcile.poll import UNREAD, USUAL, Place, Versions, version_of
from dbalias.reconcile.ports import Cluster, Resource, UnreadableError

RECENT = 60.0
"""Seconds for which passes over a project go by what was seen: many follow while aliases are made.

What others change is not found later for it: the looks in between go on.
"""
PACE = 0.5
"""Seconds between two looks: forty have their turn every twenty seconds, a thousand every 500."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of a Secret, and when, by the loop's clock."""

    version: str | None
    at: float


@dataclass(slots=True)
class BindingSecrets:
    """Calls ``changed(key)`` when a Secret is no longer what the last pass of a key went by."""

    cluster: Cluster
    changed: Callable[[Key], None] = lambda key: None
    _looks: dict[Place, _Look] = field(default_factory=dict)
    """Those of the longest ago first."""
    _recent: dict[Place, JSON | None] = field(default_factory=dict, repr=False)
    _passes: dict[Key, Versions] = field(default_factory=dict)

    async def read(self, namespace: str, name: str) -> JSON | None:
        """Return a Secret as it is now; raise UnreadableError."""
        place = (Resource.SECRETS, namespace, name)
        body = await self._fetch(place)
        self._compare(place, version_of(body))
        return body

    async def read_unless_recent(self, namespace: str, name: str) -> JSON | None:
        """Return a Secret as seen within ``RECENT``, else as it is; raise UnreadableError."""
        place = (Resource.SECRETS, namespace, name)
        if place in self._recent and self._looks[place].at + RECENT > self._now():
            return self._recent[place]
        return await self._fetch(place)

    async def create(self, namespace: str, body: JSON) -> None:
        """Create a Secret; raise AlreadyExistsError, RefusedError or GoneError."""
        self._wrote(await self.cluster.create(Resource.SECRETS, namespace, body))

    async def patch(self, namespace: str, name: str, patch: JSON) -> None:
        """Merge-patch a Secret; raise ConflictError, RefusedError or GoneError."""
        self._wrote(await self.cluster.patch(Resource.SECRETS, namespace, name, patch))

    async def delete(self, namespace: str, name: str, *, uid: str) -> None:
        """Delete this very Secret."""
        await self.cluster.delete(Resource.SECRETS, namespace, name, uid=uid)
        self.noticed((Resource.SECRETS, namespace, name), None)

    def noticed(self, place: Place, version: str | None) -> None:
        """Somebody saw a Secret in this version: it is read again unless it is the known one."""
        look = self._looks.get(place)
        if look is not None and look.version != version:
            # An answer that is under way may be from before.
            self._keep(place, _Look(version, self._now()))
            self._compare(place, version)

    def watch(self, key: Key, versions: Versions) -> None:
        """Compare with what a pass went by from now on; none at all ends it."""
        if not versions:
            self._passes.pop(key, None)
            return
        self._passes[key] = versions
        for place, version in versions.items():
            look = self._looks.setdefault(place, _Look(version, self._now()))
            self._compare(place, look.version)

    async def run(self) -> None:
        """Look until cancelled, each time at the one that was seen the longest ago."""
        while True:
            await asyncio.sleep(PACE)
            self._forget_old()
            place = next(iter(self._looks), None)
            if place is not None and self._looks[place].at + USUAL <= self._now():
                await self._look(place)

    async def _look(self, place: Place) -> None:
        if not any(place in versions for versions in self._passes.values()):
            self._looks.pop(place)
            self._recent.pop(place, None)
            return
        before = self._looks[place].version
        try:
            self._compare(place, version_of(await self._fetch(place)))
        except UnreadableError:
            self._keep(place, _Look(before, self._now()))

    async def _fetch(self, place: Place) -> JSON | None:
        """Return what there is now, or what was written since it was asked for."""
        begun = self._now()
        try:
            body = await self.cluster.get(*place)
        except UnreadableError:
            self._keep(place, _Look(UNREAD, begun))
            raise
        self._note(place, body, at=begun)
        return self._recent.get(place, body)

    def _wrote(self, body: JSON) -> None:
        metadata = body["metadata"]
        place = (Resource.SECRETS, metadata["namespace"], metadata["name"])
        self._note(place, body, at=self._now())
        self._compare(place, version_of(body))

    def _note(self, place: Place, body: JSON | None, *, at: float) -> None:
        """Remember an answer to what was asked then, unless something newer is known."""
        look = self._looks.get(place)
        if look is None or look.at <= at:
            self._keep(place, _Look(version_of(body), at))
            self._recent[place] = body

    def _keep(self, place: Place, look: _Look) -> None:
        self._looks.pop(place, None)
        self._recent.pop(place, None)
        self._looks[place] = look

    def _compare(self, place: Place, version: str | None) -> None:
        for key, versions in list(self._passes.items()):
            if versions.get(place, version) != version:
                self.changed(key)

    def _forget_old(self) -> None:
        """Hold no password longer than passes may go by it."""
        limit = self._now() - RECENT
        for place in [one for one in self._recent if self._looks[one].at <= limit]:
            del self._recent[place]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
