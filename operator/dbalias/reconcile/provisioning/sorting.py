"""What a pass has to do with each alias that names its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import Key, Metadata
from dbalias.api.server import DatabaseServer
from dbalias.reconcile.provisioning.admission import find_refusal
from dbalias.reconcile.provisioning.claims import Claim, build_claim, find_misfit, key_of
from dbalias.reconcile.provisioning.finalizer import drops, is_held
from dbalias.reconcile.provisioning.snapshot import Snapshot, Trouble


@dataclass(frozen=True, slots=True)
class Sorting:
    """``claims`` are worked on, also those of deleted aliases whose database is to be dropped.

    ``refused`` are told why not, ``released`` are provisioned no more, and ``unreadable`` are
    let go where they are deleted.
    """

    claims: tuple[Claim, ...] = ()
    refused: tuple[tuple[DatabaseAlias, Trouble], ...] = ()
    released: tuple[DatabaseAlias, ...] = ()
    unreadable: tuple[Metadata, ...] = ()
    claimed: Mapping[Key, str] = field(default_factory=dict)
    """The database that each alias has, or would have, here: also of those that are refused."""


def sort(snapshot: Snapshot, installation: str) -> Sorting:
    """Return what is to be done with each alias; without a server, all are refused."""
    claims, refused, released = [], [], []
    for alias in snapshot.aliases:
        if _is_released(alias):
            released.append(alias)
        elif alias.metadata.deleting and not is_held(alias.metadata):
            continue
        elif isinstance(snapshot.server, DatabaseServer):
            claim = build_claim(alias, snapshot.server, installation)
            trouble = _trouble(snapshot, snapshot.server, claim)
            if trouble is None:
                claims.append(claim)
            else:
                refused.append((alias, trouble))
        else:
            assert snapshot.trouble is not None
            refused.append((alias, snapshot.trouble.of_server()))
    claimed = {}
    if isinstance(snapshot.server, DatabaseServer):
        claimed = {
            key_of(alias): build_claim(alias, snapshot.server, installation).wanted.database
            for alias in snapshot.aliases
            if alias.provision is not None
        }
    held = tuple(one for one in snapshot.broken if one.deleting and is_held(one))
    return Sorting(tuple(claims), tuple(refused), tuple(released), held, claimed)


def _is_released(alias: DatabaseAlias) -> bool:
    """Tell whether the alias wants nothing of its server: nothing (more) is made or dropped."""
    if alias.metadata.deleting:
        return is_held(alias.metadata) and not drops(alias)
    return alias.provision is None


def _trouble(snapshot: Snapshot, server: DatabaseServer, claim: Claim) -> Trouble | None:
    namespace = claim.key.namespace
    refusal = find_refusal(server, namespace, snapshot.labels.get(namespace))
    if refusal is not None:
        return Trouble(Reason.NAMESPACE_NOT_ALLOWED, refusal)
    misfit = None if claim.alias.metadata.deleting else find_misfit(claim.alias, server)
    return Trouble(misfit.reason, str(misfit)) if misfit else None
