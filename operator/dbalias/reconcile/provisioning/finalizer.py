"""The finalizer of an alias: there while its database is to be dropped with it, else not."""

from __future__ import annotations

from dataclasses import replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import Metadata
from dbalias.api.ownership import DATABASE_FINALIZER
from dbalias.api.parse_metadata import parse_metadata
from dbalias.api.provision import DeletionPolicy
from dbalias.reconcile.ports import Cluster, ConflictError, GoneError, Resource

TRIES = 5


def drops(alias: DatabaseAlias) -> bool:
    """Tell whether the database is dropped with the alias."""
    provision = alias.provision
    return provision is not None and provision.deletion_policy is DeletionPolicy.DELETE


def is_held(metadata: Metadata) -> bool:
    """Tell whether the alias cannot go before we let it."""
    return DATABASE_FINALIZER in metadata.finalizers


async def align(cluster: Cluster, alias: DatabaseAlias) -> DatabaseAlias:
    """Set or remove the finalizer as the alias declares; return it as it is then."""
    if drops(alias) == is_held(alias.metadata):
        return alias
    own = (DATABASE_FINALIZER,) if drops(alias) else ()
    return replace(alias, metadata=await _write(cluster, alias.metadata, own))


async def let_go(cluster: Cluster, metadata: Metadata) -> None:
    """Remove the finalizer, so that the alias can go."""
    await _write(cluster, metadata, ())


async def _write(cluster: Cluster, metadata: Metadata, own: tuple[str, ...]) -> Metadata:
    """Replace our finalizer; statuses that are written meanwhile are no reason to fail."""
    for _ in range(TRIES):
        others = [one for one in metadata.finalizers if one != DATABASE_FINALIZER]
        patch = {
            "metadata": {
                "finalizers": [*others, *own],
                "uid": metadata.uid,
                # A list is replaced as a whole: not one that somebody changed meanwhile.
                "resourceVersion": metadata.resource_version,
            }
        }
        place = (Resource.ALIASES, metadata.namespace, metadata.name)
        try:
            return parse_metadata((await cluster.patch(*place, patch))["metadata"])
        except ConflictError:
            body = await cluster.get(*place)
            if body is None or body["metadata"]["uid"] != metadata.uid:
                raise GoneError(f"{metadata.namespace}/{metadata.name} is gone") from None
            metadata = parse_metadata(body["metadata"])
    raise ConflictError(f"{metadata.namespace}/{metadata.name} changes too often")
