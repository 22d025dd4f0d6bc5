"""What the reconcile room asks of Kubernetes, and the errors it may meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from dbalias.api.meta import API_VERSION, FIELD_MANAGER, JSON, Kind


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource as the API spells it."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Return the URL path of the collection, of one object or of its subresource."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [root, self.api_version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


class Resource(Enum):
    """Every resource the operator touches."""

    PROJECTS = ResourceType(API_VERSION, Kind.PROJECT.value, Kind.PROJECT.plural)
    ALIASES = ResourceType(API_VERSION, Kind.ALIAS.value, Kind.ALIAS.plural)
    POLICIES = ResourceType(API_VERSION, Kind.POLICY.value, Kind.POLICY.plural)
    SERVERS = ResourceType(API_VERSION, Kind.SERVER.value, Kind.SERVER.plural)
    CONFIG_MAPS = ResourceType("v1", "ConfigMap", "configmaps")
    SECRETS = ResourceType("v1", "Secret", "secrets")
    EVENTS = ResourceType("v1", "Event", "events")
    PODS = ResourceType("v1", "Pod", "pods")
    JOBS = ResourceType("batch/v1", "Job", "jobs")
    DEPLOYMENTS = ResourceType("apps/v1", "Deployment", "deployments")
    STATEFUL_SETS = ResourceType("apps/v1", "StatefulSet", "statefulsets")
    DAEMON_SETS = ResourceType("apps/v1", "DaemonSet", "daemonsets")
    LEASES = ResourceType("coordination.k8s.io/v1", "Lease", "leases")
    NAMESPACES = ResourceType("v1", "Namespace", "namespaces")


WORKLOADS = {
    resource.value.kind: resource
    for resource in (Resource.DEPLOYMENTS, Resource.STATEFUL_SETS, Resource.DAEMON_SETS)
}


class ClusterError(Exception):
    """A request to Kubernetes did not succeed. The text is ours and holds no object data."""


class UnreadableError(ClusterError):
    """Something could not be read: forbidden, refused or timed out."""


class ForbiddenError(UnreadableError):
    """The operator's account may not read this."""


class ConflictError(ClusterError):
    """The object changed since it was read; the next pass reads it again."""


class AlreadyExistsError(ClusterError):
    """An object of that name exists."""


class RefusedError(ClusterError):
    """The API server refused a write: quota, admission, validation or permission."""


class GoneError(ClusterError):
    """The object, or its namespace, no longer exists."""


class NotLeadingError(ClusterError):
    """The Lease is not (or no longer safely) held: nothing may be written."""


Selector = Mapping[str, str | Sequence[str]]
"""Labels by name: the value that an object must have, or several of which it must have one."""


class Cluster(Protocol):
    """Kubernetes, as far as a pass needs it. Every call has a timeout of its own."""

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Return the object, None when there is none; raise UnreadableError otherwise.

        ``namespace`` None: the object is a Namespace itself.
        """

    async def list(
        self,
        resource: Resource,
        namespace: str,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Return the objects that match; raise UnreadableError."""

    async def list_everywhere(
        self,
        resource: Resource,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Return what matches in all namespaces that are served; raise UnreadableError.

        A namespace that the operator may not read (any more) counts as one it does not serve.
        """

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Create an object; raise AlreadyExistsError, RefusedError, GoneError."""

    async def apply(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Server-side apply an object that is known to be ours."""

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, *, manager: str = FIELD_MANAGER
    ) -> None:
        """Server-side apply ``status``; ``metadata.resourceVersion`` guards it.

        ``manager``: whose fields these are, where a status has two writers.
        """

    async def patch(self, resource: Resource, namespace: str, name: str, patch: JSON) -> JSON:
        """Merge-patch one object; return it as it is then."""

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> None:
        """Delete this very object (uid), its dependents in the background."""
