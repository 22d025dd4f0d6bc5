"""DatabaseServers in the namespace of a test, and the server pass played by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbalias.api.conditions import (
    Condition,
    ConditionValue,
    Reason,
    Status,
    render_conditions,
)
from dbalias.api.meta import JSON, SERVERS_FIELD_MANAGER
from dbalias.api.ownership import MANAGER
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.reconcile.ports import Resource
from dbalias.servers.bindings import Issued, Place, binding_name, build_binding
from dbalias.servers.marks import Mark
from integration.operator.objects import secret
from unit.reconcile.fake import FakeCluster
from unit.reconcile.scene import BEGINNING, SPACE, Scene

SERVER = {"name": "main"}


def server(name: str = "main", **spec: Any) -> JSON:
    """Return a DatabaseServer: PostgreSQL, with its administrator's Secret."""
    fields: dict[str, JSON] = {"engine": "postgresql", "host": f"{name}.db.svc"}
    fields |= {"adminCredentials": {"secretRef": {"name": f"{name}-admin"}}}
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": "DatabaseServer",
        "metadata": {"name": name},
        "spec": fields | spec,
    }


def served(name: str, /, *, server: Mapping[str, str] = SERVER, **spec: Any) -> JSON:
    """Return a DatabaseAlias that has its place from a server; the object is ``shop-<name>``."""
    fields = {"projectRef": {"name": "shop"}, "alias": name, "serverRef": dict(server)}
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": "DatabaseAlias",
        "metadata": {"name": f"shop-{name}"},
        "spec": fields | spec,
    }


def made(name: str, /, *, server: Mapping[str, str] = SERVER, **spec: Any) -> JSON:
    """Return a DatabaseAlias whose database is made."""
    return served(name, server=server, **({"provision": {}} | spec))


def a_binding(name: str, *, login: str = "a", password: str = "one") -> JSON:
    """Return the binding Secret of ``shop-<name>`` as the server pass writes it."""
    object = f"shop-{name}"
    place = Place(ServerEngine.POSTGRESQL, "main.db.svc", f"{SPACE}_{object}")
    issued = Issued(f"{SPACE}_{object}_{login}", SecretBytes(password.encode()), None, salt="salt")
    binding = build_binding(place, issued, Mark(MANAGER, SPACE, object))
    texts = {key: value.reveal().decode() for key, value in binding.data.items()}
    body = secret(binding_name(object), **texts) | {"type": binding.type}
    body["metadata"] |= {"labels": dict(binding.labels), "annotations": dict(binding.annotations)}
    return body


def issue(scene: Scene, name: str, *, login: str = "a", password: str = "one") -> None:
    """Write the binding Secret of ``shop-<name>``."""
    scene.put(a_binding(name, login=login, password=password))


def told(
    body: JSON,
    reason: Reason = Reason.PROVISIONED,
    *,
    message: str = "",
    incarnation: str | None = "1",
    place: str = "main.db.svc",
) -> JSON:
    """Return an alias with what the server pass says of it."""
    well = reason in (Reason.PROVISIONED, Reason.ROTATION_PENDING)
    value = ConditionValue(
        Condition.PROVISIONED, Status.TRUE if well else Status.FALSE, reason, message
    )
    generation = body["metadata"].get("generation", 1)
    conditions = render_conditions([value], previous=(), generation=generation, now=BEGINNING)
    status: dict[str, JSON] = {"conditions": conditions}
    if incarnation:
        status["provision"] = {"incarnation": incarnation, "place": place}
        status["binding"] = {"name": binding_name(body["metadata"]["name"])}
    return {**body, "status": status}


def tell(
    scene: Scene,
    name: str,
    *,
    reason: Reason = Reason.PROVISIONED,
    message: str = "",
    **seen: Any,
) -> None:
    """Write the server pass' part of the status of ``shop-<name>``; ``seen`` as of ``told``."""
    body = scene.get("DatabaseAlias", f"shop-{name}")
    part = told(body, reason, message=message, **seen)
    apply = scene.cluster.apply_status
    asyncio.run(apply(Resource.ALIASES, SPACE, part, manager=SERVERS_FIELD_MANAGER))


@dataclass(slots=True)
class WatchedCluster(FakeCluster):
    """A cluster that knows what was asked of it by name."""

    asked: list[tuple[Resource, str | None, str]] = field(default_factory=list)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Note the question."""
        self.asked.append((resource, namespace, name))
        return await FakeCluster.get(self, resource, namespace, name)
