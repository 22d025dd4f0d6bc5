"""Every write goes through one function: the Lease first, then a timeout below what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dbalias.api.meta import FIELD_MANAGER, JSON
from dbalias.cluster.client import APPLY, MERGE, REQUEST_TIMEOUT, Api, Response
from dbalias.cluster.read import Reads
from dbalias.reconcile.ports import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    GoneError,
    NotLeadingError,
    RefusedError,
    Resource,
)


class Leadership(Protocol):
    """Who may write, and for how many seconds more."""

    def remaining(self) -> float:
        """Return the seconds for which writing is safe; zero or less when it is not."""


class LiveCluster(Reads):
    """The ``Cluster`` protocol of the reconcile room, on a real API server."""

    def __init__(self, api: Api, leadership: Leadership, *, namespaces: Sequence[str] = ()) -> None:
        super().__init__(api, namespaces=namespaces)
        self._leadership = leadership

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Create an object; raise AlreadyExistsError, RefusedError or GoneError."""
        path = resource.value.path(namespace)
        answer = await self._write("POST", path, body, query=_MANAGER_QUERY)
        return answer.body

    async def apply(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Server-side apply an object known to be ours; other managers' fields give way."""
        path = resource.value.path(namespace, body["metadata"]["name"])
        answer = await self._write("PATCH", path, body, query=_APPLY_QUERY, content_type=APPLY)
        return answer.body

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, *, manager: str = FIELD_MANAGER
    ) -> None:
        """Server-side apply ``status``; a stale resourceVersion raises ConflictError.

        A wrong uid would be ignored here, so the resourceVersion is what keeps a recreated
        object from inheriting the status of its predecessor.
        """
        path = resource.value.path(namespace, body["metadata"]["name"], "status")
        query = (("fieldManager", manager), _FORCE)
        await self._write("PATCH", path, body, query=query, content_type=APPLY)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: JSON) -> JSON:
        """Merge-patch one object; return it as it is then."""
        path = resource.value.path(namespace, name)
        answer = await self._write("PATCH", path, patch, query=_MANAGER_QUERY, content_type=MERGE)
        return answer.body

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> None:
        """Delete this very object; a missing one is deleted already."""
        # Without a propagation policy the API orphans a Job's running pod.
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        try:
            await self._write("DELETE", resource.value.path(namespace, name), options)
        except GoneError:
            return

    async def _write(
        self,
        method: str,
        path: str,
        body: JSON,
        *,
        query: tuple[tuple[str, str], ...] = (),
        content_type: str = "application/json",
    ) -> Response:
        left = self._leadership.remaining()
        if left <= 0:
            raise NotLeadingError(f"{method} {path} was not sent: the Lease is not held")
        answer = await self._api.request(
            method,
            path,
            query=query,
            body=body,
            content_type=content_type,
            within=min(REQUEST_TIMEOUT, left),
        )
        if answer.status >= 300:
            raise _error(method, path, answer)
        return answer


_MANAGER_QUERY = (("fieldManager", FIELD_MANAGER),)
_FORCE = ("force", "true")
_APPLY_QUERY = (*_MANAGER_QUERY, _FORCE)


def _error(method: str, path: str, answer: Response) -> ClusterError:
    """Turn a refusal into the error that a pass can act on.

    Only the API server's own message is repeated, and not for Secrets: admission webhooks
    have been seen to quote the object they refuse.
    """
    message = "" if "/secrets" in path else f": {answer.message}"
    text = f"{method} {path} answered {answer.status} {answer.reason}{message}"
    if answer.status == 409:
        return AlreadyExistsError(text) if answer.reason == "AlreadyExists" else ConflictError(text)
    if answer.status == 404 or _is_terminating(answer):
        return GoneError(text)
    if answer.status == 422 and "metadata.uid" in answer.message:
        return ConflictError(text)  # another object has the name by now
    if answer.status in (400, 403, 413, 422):
        return RefusedError(text)
    return ClusterError(text)


def _is_terminating(answer: Response) -> bool:
    """Tell whether the object's namespace is being deleted: whatever is refused there is over."""
    details = answer.body.get("details") if isinstance(answer.body, dict) else None
    causes = (details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
