"""Kubernetes in memory, as far as a pass can tell; tests/contract/cluster keeps it honest."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dbalias.api.meta import FIELD_MANAGER, JSON
from dbalias.reconcile.ports import (
    AlreadyExistsError,
    ConflictError,
    GoneError,
    RefusedError,
    Resource,
    Selector,
    UnreadableError,
)

CREATED = "2026-01-01T00:00:00Z"
OURS = {Resource.PROJECTS, Resource.ALIASES, Resource.POLICIES}

Place = tuple[Resource, str, str]


@dataclass(slots=True)
class FakeCluster:
    """Implements ``Cluster``. ``refused`` and ``unreadable`` hold what a test wants to go wrong.

    ``writes`` has each write that was tried: verb, resource and name, in order.
    """

    objects: dict[Place, JSON] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unreadable: set[Resource] = field(default_factory=set)
    writes: list[tuple[str, Resource, str]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Namespaces that do not exist."""
    created: str = CREATED
    """When objects are made now."""
    _applied: dict[Place, set[str]] = field(default_factory=dict)
    _reported: dict[tuple[Resource, str, str, str], frozenset[str]] = field(default_factory=dict)
    """The status fields that each manager gave, by object and manager."""
    _versions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Store an object as somebody else would, with the fields that the server sets."""
        body = copy.deepcopy(body)
        version = str(next(self._versions))
        meta = body["metadata"]
        meta |= {"namespace": namespace, "resourceVersion": version}
        meta.setdefault("uid", f"uid-{version}")
        meta.setdefault("creationTimestamp", self.created)
        meta.setdefault("generation", 1)
        body.setdefault("apiVersion", resource.value.api_version)
        body.setdefault("kind", resource.value.kind)
        if resource in OURS:
            body.setdefault("status", {"observedGeneration": -1})
        self.objects[resource, namespace, meta["name"]] = body
        return copy.deepcopy(body)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Return a copy of the object; a Namespace lies in none."""
        self._read(resource)
        return copy.deepcopy(self.objects.get((resource, namespace or "", name)))

    async def list(
        self,
        resource: Resource,
        namespace: str,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Return copies of the objects that match."""
        self._read(resource)
        found = [
            body
            for (kind, where, _), body in sorted(self.objects.items(), key=lambda one: one[0][2])
            if kind is resource and where == namespace
        ]
        return [
            copy.deepcopy(body)
            for body in found
            if _has(body, labels or {})
            and all(_at(body, path) == value for path, value in (fields or {}).items())
        ]

    async def list_everywhere(
        self,
        resource: Resource,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Return copies of what matches in all namespaces."""
        spaces = sorted({space for _, space, _ in self.objects})
        listed = [await self.list(resource, one, labels=labels, fields=fields) for one in spaces]
        return [body for bodies in listed for body in bodies]

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Store a new object."""
        name = self._write("create", resource, body["metadata"]["name"])
        if namespace in self.gone:
            raise GoneError(f"no namespace {namespace}")
        if (resource, namespace, name) in self.objects:
            raise AlreadyExistsError(name)
        return self.put(resource, namespace, body)

    async def apply(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Set what is given; remove what an earlier apply gave and this one does not."""
        name = self._write("apply", resource, body["metadata"]["name"])
        place = (resource, namespace, name)
        given = set(body.get("data") or {})
        if place not in self.objects:
            self._applied[place] = given
            return self.put(resource, namespace, body)
        now = copy.deepcopy(self.objects[place])
        kept = now.get("data") or {}
        dropped = self._applied.get(place, set()) - given
        now["data"] = {k: v for k, v in kept.items() if k not in dropped} | (body.get("data") or {})
        for part in ("labels", "annotations"):
            if given_part := body["metadata"].get(part):
                now["metadata"][part] = (now["metadata"].get(part) or {}) | given_part
        self._applied[place] = given
        return self._store(place, now)

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, *, manager: str = FIELD_MANAGER
    ) -> None:
        """Replace what this manager gave of the status, if the object is still the one read."""
        meta = body["metadata"]
        name = self._write("status", resource, meta["name"])
        now = self._existing(resource, namespace, name)
        if meta["resourceVersion"] != now["metadata"]["resourceVersion"]:
            raise ConflictError(name)
        place = (resource, namespace, name)
        before = self._reported.get((*place, manager), frozenset())
        now["status"], given = _merge_status(now.get("status") or {}, body["status"], before)
        self._reported[(*place, manager)] = given
        self._store(place, now)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: JSON) -> JSON:
        """Merge a patch into an object (RFC 7386)."""
        self._write("patch", resource, name)
        now = self._existing(resource, namespace, name)
        return self._store((resource, namespace, name), _merge(now, patch))

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> None:
        """Delete this very object; nothing if there is none."""
        self._write("delete", resource, name)
        found = self.objects.get((resource, namespace, name))
        if found is not None and found["metadata"]["uid"] != uid:
            raise ConflictError(name)
        self.objects.pop((resource, namespace, name), None)

    def _read(self, resource: Resource) -> None:
        if resource in self.unreadable:
            raise UnreadableError(f"{resource.value.plural} cannot be read")

    def _write(self, verb: str, resource: Resource, name: str) -> str:
        self.writes.append((verb, resource, name))
        if name in self.refused:
            raise RefusedError(f"{name} is refused")
        return name

    def _existing(self, resource: Resource, namespace: str, name: str) -> JSON:
        found = self.objects.get((resource, namespace, name))
        if found is None:
            raise GoneError(name)
        return copy.deepcopy(found)

    def _store(self, place: Place, body: JSON) -> JSON:
        if body != self.objects[place]:
            body["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[place] = body
        return copy.deepcopy(body)


def _merge_status(old: JSON, given: JSON, before: frozenset[str]) -> tuple[JSON, frozenset[str]]:
    """Return a status with one manager's fields in it, and their names.

    ``before``: what it gave last, which goes unless it is given again. Conditions are a map
    by their type, the other fields atoms.
    """
    flat_old, flat_given = _flat(old), copy.deepcopy(_flat(given))
    kept = {name: one for name, one in flat_old.items() if name not in before}
    merged = {name: one for name, one in flat_old.items() if name in kept or name in flat_given}
    merged |= flat_given
    conditions = [one for name, one in merged.items() if name.startswith("conditions/")]
    status = {name: one for name, one in merged.items() if not name.startswith("conditions/")}
    return status | ({"conditions": conditions} if conditions else {}), frozenset(flat_given)


def _flat(status: JSON) -> dict[str, JSON]:
    fields = {name: one for name, one in status.items() if name != "conditions"}
    return fields | {f"conditions/{one['type']}": one for one in status.get("conditions") or ()}


def _merge(target: JSON, patch: JSON) -> JSON:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _has(body: JSON, labels: Selector) -> bool:
    own = body["metadata"].get("labels") or {}
    return all(
        own.get(name) in ([value] if isinstance(value, str) else value)
        for name, value in labels.items()
    )


def _at(body: JSON, path: str) -> JSON:
    for part in path.split("."):
        body = (body or {}).get(part)
    return body
