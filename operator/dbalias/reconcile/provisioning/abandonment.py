"""Aliases that name no server any more: their databases stay, and nothing more is said of them."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.meta import JSON, Key
from dbalias.api.ownership import DATABASE_FINALIZER
from dbalias.api.parse_alias import parse_alias
from dbalias.api.parse_metadata import parse_metadata
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.provisioning import finalizer
from dbalias.reconcile.provisioning.gather import server_named_by
from dbalias.reconcile.provisioning.tell import Teller
from dbalias.reconcile.status import OF_THE_SERVER_PASS


def is_abandoned(body: Mapping[str, JSON]) -> bool:
    """Tell whether an alias names no server, but has our finalizer or a status of a server's."""
    told = OF_THE_SERVER_PASS & (body.get("status") or {}).keys()
    held = DATABASE_FINALIZER in (body["metadata"].get("finalizers") or ())
    return server_named_by(body) is None and bool(held or told)


async def let_go_abandoned(teller: Teller, key: Key) -> None:
    """Let an alias go, and forget what was told of it: another database would be called lost."""
    body = await teller.cluster.get(Resource.ALIASES, key.namespace, key.name)
    if body is None or not is_abandoned(body):
        return
    metadata, alias = parse_metadata(body["metadata"]), parse_alias(body).value
    if finalizer.is_held(metadata):
        await finalizer.let_go(teller.cluster, metadata)
    if alias is not None and not metadata.deleting:
        await teller.tell(alias, None)
