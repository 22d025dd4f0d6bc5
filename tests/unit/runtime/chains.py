"""Policies as an application meets them: published, loaded, and asked through Django's router."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import router
from django.db.utils import ConnectionRouter
from django.test import override_settings

from dbalias.api.alias import DatabaseAlias
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.project import DjangoProject
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from unit.builders import a_project, a_replica, an_alias
from unit.runtime.conftest import Publish, a_document

ALIASES = (
    *(an_alias(name) for name in ("default", "users", "orders", "shard")),
    *(a_replica(name, "users") for name in ("users_r1", "users_r2")),
)


def document_of(
    *policies: DatabaseRoutingPolicy,
    project: DjangoProject | None = None,
    aliases: Iterable[DatabaseAlias] = ALIASES,
    **fields: Any,
) -> dict[str, Any]:
    """Return databases.json with the routing that the operator builds from policies."""
    project, aliases = project or a_project(), tuple(aliases)
    built = build_routing(project, resolve(project, aliases, {}), policies, aliases=aliases)
    return a_document(routing=built.document, routers=list(built.routers), **fields)


def a_chain(publish: Publish, document: dict[str, Any]) -> ConnectionRouter:
    """Return Django's router over all the routers of a document, in their order."""
    publish(document)
    with override_settings(DATABASE_ROUTERS=document["routers"]):
        chain = ConnectionRouter(list(router.routers))
        for one in chain.routers:
            _ = getattr(one, "behind", None)  # is looked up while the chain is Django's own
    return chain


def loaded_from(model: Any, alias: str | None) -> Any:
    """Return an instance that was read from an alias."""
    instance = model()
    instance._state.db = alias
    return instance
