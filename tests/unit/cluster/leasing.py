"""An API server in memory that knows one Lease, and processes that want it."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from typing import Any

from dbalias.api.meta import JSON
from dbalias.cluster.client import Response
from dbalias.cluster.lease import Lease, LeaseName
from dbalias.reconcile.ports import UnreadableError


@dataclass(slots=True)
class OneLease:
    """An API server that knows one Lease and compares versions.

    ``away``: it does not answer; ``delay``: seconds that each answer takes.
    """

    body: JSON = None
    away: bool = False
    delay: float = 0.0
    version: int = 0
    puts: list[str] = field(default_factory=list)

    async def request(self, method: str, path: str, *, body: JSON = None, **_: Any) -> Response:
        """Answer one request."""
        if self.away:
            raise UnreadableError("nobody answers")
        await asyncio.sleep(self.delay)
        if method == "GET":
            return Response(200 if self.body else 404, copy.deepcopy(self.body))
        if method == "POST" and self.body:
            return Response(409, {"reason": "AlreadyExists"})
        if method == "PUT" and body["metadata"]["resourceVersion"] != str(self.version):
            return Response(409, {"reason": "Conflict"})
        self.version += 1
        self.body = copy.deepcopy(body)
        self.body["metadata"]["resourceVersion"] = str(self.version)
        self.puts.append(body["spec"]["holderIdentity"] or "")
        return Response(201 if method == "POST" else 200, copy.deepcopy(self.body))

    @property
    def holder(self) -> str | None:
        """Return who holds it."""
        return None if self.body is None else self.body["spec"]["holderIdentity"]


def a_lease(server: OneLease, identity: str = "one") -> Lease:
    """Return a process' hold on the Lease."""
    return Lease(server, LeaseName("system", "dbalias", identity))  # type: ignore[arg-type]
