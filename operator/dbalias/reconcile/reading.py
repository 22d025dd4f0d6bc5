"""One pass' reads: what failed is noted, and so is the version of what is read by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbalias.api.meta import JSON, Key
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.poll import UNREAD, Place, version_of
from dbalias.reconcile.ports import Cluster, Resource, UnreadableError

POLLED = frozenset({Resource.SECRETS, Resource.CONFIG_MAPS})
"""What is read by name and not watched, or not when it is somebody else's."""


@dataclass(slots=True)
class Reading:
    """The reads of one pass over one project; ``unreadable`` lets the plan hold still."""

    cluster: Cluster
    key: Key
    unreadable: list[str] = field(default_factory=list)
    versions: dict[Place, str | None] = field(default_factory=dict)
    bindings: dict[Place, str | None] = field(default_factory=dict)
    """Binding Secrets, which are not polled as often as what people edit."""

    async def listed(self, resource: Resource, **selectors: Mapping[str, str]) -> list[JSON]:
        """Return the objects of this namespace that match, none where they cannot be read."""
        try:
            return list(await self.cluster.list(resource, self.key.namespace, **selectors))
        except UnreadableError as error:
            self.unreadable.append(str(error))
            return []

    async def one(self, resource: Resource, name: str) -> JSON | None:
        """Return an object of this namespace, None where there is none or it cannot be read."""
        try:
            body = await self.cluster.get(resource, self.key.namespace, name)
        except UnreadableError as error:
            self.unreadable.append(str(error))
            return None
        if resource in POLLED:
            self.versions[resource, self.key.namespace, name] = version_of(body)
        return body

    async def concerning(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Return an object that concerns some aliases alone; raise UnreadableError.

        It is polled from now on, whether or not it can be read.
        """
        place = (resource, namespace, name)
        self.versions[place] = UNREAD
        body = await self.cluster.get(resource, namespace, name)
        self.versions[place] = version_of(body)
        return body

    async def binding(self, secrets: BindingSecrets, name: str) -> JSON | None:
        """Return a binding Secret of this namespace; raise UnreadableError.

        It is looked at from now on, whether or not it can be read.
        """
        place = (Resource.SECRETS, self.key.namespace, name)
        self.bindings[place] = UNREAD
        body = await secrets.read_unless_recent(self.key.namespace, name)
        self.bindings[place] = version_of(body)
        return body
