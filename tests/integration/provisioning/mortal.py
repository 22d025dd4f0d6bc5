"""A process that dies at its n-th write or statement, before or after it took effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dbalias.api.meta import FIELD_MANAGER, JSON
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.ports import Cluster, Resource, Selector
from dbalias.reconcile.provisioning.ports import Endpoint
from dbalias.servers.address import Address
from dbalias.servers.plot import Plot, Step, Survey
from dbalias.servers.wanted import Wanted
from integration.provisioning.logins import connect_patiently

T = TypeVar("T")


class KilledError(BaseException):
    """The process is gone, which no handler of an error survives."""


@dataclass(slots=True)
class Fate:
    """Counts what happens; at the ``fatal`` moment the process dies, and does no more.

    Each write and each statement has two moments: before it is sent, and after it took effect.
    """

    fatal: int
    said: list[str] = field(default_factory=list)
    _sent: set[asyncio.Future[Any]] = field(default_factory=set)

    @property
    def is_met(self) -> bool:
        """Tell whether the process died."""
        return len(self.said) > self.fatal

    async def around(self, what: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do something, unless the process dies before it; it may die after it."""
        self._moment(f"before {what}")
        result = await act()
        self._moment(f"after {what}")
        return result

    async def send(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something that is done though the process dies meanwhile."""
        answer = asyncio.ensure_future(act())
        self._sent.add(answer)
        answer.add_done_callback(self._sent.discard)
        return await asyncio.shield(answer)

    async def end(self) -> None:
        """Wait until all is done that was sent."""
        await asyncio.gather(*self._sent, return_exceptions=True)

    def _moment(self, what: str) -> None:
        if self.is_met:
            raise KilledError(self.said[-1])
        self.said.append(what)
        if self.is_met:
            raise KilledError(what)

    def connect(self, address: Address) -> Endpoint:
        """Return an endpoint that dies with the process."""
        return MortalEndpoint(connect_patiently(address), self)


@dataclass(slots=True)
class MortalEndpoint:
    """An endpoint whose statements may be a process' last. A transaction is one statement."""

    inner: Endpoint
    fate: Fate

    async def survey(self, wanted: Sequence[Wanted]) -> Survey:
        """Look."""
        return await self.inner.survey(wanted)

    async def look_up(self, wanted: Wanted) -> Plot:
        """Look."""
        return await self.inner.look_up(wanted)

    async def look_inside(self, plot: Plot) -> Plot:
        """Look."""
        return await self.inner.look_inside(plot)

    async def run(self, steps: Sequence[Step]) -> None:
        """Carry out step after step."""
        for step in steps:
            await self._one(step)

    async def _one(self, step: Step) -> None:
        await self.fate.around(step.says, lambda: self.inner.run((step,)))

    async def try_login(self, user: str, password: SecretBytes, database: str) -> None:
        """Log in."""
        await self.inner.try_login(user, password, database)

    async def close(self) -> None:
        """Close, dead or alive."""
        await self.inner.close()


@dataclass(slots=True)
class MortalCluster:
    """Kubernetes as a process sees it that may die at each of its writes."""

    inner: Cluster
    fate: Fate

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Read."""
        return await self.inner.get(resource, namespace, name)

    async def list(
        self,
        resource: Resource,
        namespace: str,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Read."""
        return await self.inner.list(resource, namespace, labels=labels, fields=fields)

    async def list_everywhere(
        self,
        resource: Resource,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Read."""
        return await self.inner.list_everywhere(resource, labels=labels, fields=fields)

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Write."""
        what = f"create {resource.value.kind} {body['metadata']['name']}"
        return await self._write(what, lambda: self.inner.create(resource, namespace, body))

    async def apply(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Write."""
        what = f"apply {resource.value.kind} {body['metadata']['name']}"
        return await self._write(what, lambda: self.inner.apply(resource, namespace, body))

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, *, manager: str = FIELD_MANAGER
    ) -> None:
        """Write."""
        what = f"status of {resource.value.kind} {body['metadata']['name']}"
        apply = self.inner.apply_status
        await self._write(what, lambda: apply(resource, namespace, body, manager=manager))

    async def patch(self, resource: Resource, namespace: str, name: str, patch: JSON) -> JSON:
        """Write."""
        what = f"patch {resource.value.kind} {name}"
        inner = self.inner
        return await self._write(what, lambda: inner.patch(resource, namespace, name, patch))

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> None:
        """Write."""
        what = f"delete {resource.value.kind} {name}"
        inner = self.inner
        await self._write(what, lambda: inner.delete(resource, namespace, name, uid=uid))

    async def _write(self, what: str, act: Callable[[], Awaitable[T]]) -> T:
        return await self.fate.around(what, lambda: self.fate.send(act))
