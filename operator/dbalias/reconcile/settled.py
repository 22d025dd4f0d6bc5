"""Which logins have arrived everywhere, so that another may take the place of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import ConditionValue, Status
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.actions import PublishSecret
from dbalias.reconcile.desired import Desired, own_data
from dbalias.reconcile.gate import find_refusal
from dbalias.reconcile.names import stable_name
from dbalias.reconcile.publication import Publication
from dbalias.reconcile.runs import Runs
from dbalias.reconcile.snapshot import Snapshot

Delivered: TypeAlias = Mapping[str, SecretBytes] | None
"""The stable Secret as all listed workloads and all Jobs have it; None while some do not."""


def find_delivered(
    snapshot: Snapshot, publication: Publication, runs: Runs, rolled_out: ConditionValue
) -> Delivered:
    """Return what everybody has once the publication is written.

    A Job that runs has read its logins already, and so has a pod that is ending; the next
    rotation waits for their end.
    """
    if any(one.leaving for one in snapshot.workloads):
        return None
    if rolled_out.status is not Status.TRUE or runs.active or find_refusal(snapshot):
        return None
    name = stable_name(snapshot.key.name)
    secrets = (one for one in publication.secrets if isinstance(one, PublishSecret))
    written = next((one.data for one in secrets if one.name == name), None)
    return own_data(snapshot.secret) if written is None else written


def settled_login(alias: DatabaseAlias, desired: Desired, delivered: Delivered) -> str | None:
    """Return the login that everybody has: only then may another take the place of the last.

    An heir that keeps its last published entry keeps the login of before as well.
    """
    if alias.provision is None:
        return None
    before = alias.status.get("settledLogin")
    entry = desired.resolution.entries.get(alias.alias)
    if entry is None or delivered is None:
        return before
    lagging = any(_inherits(heir, alias.alias, desired.resolution.owners) for heir in desired.kept)
    arrived = all(delivered.get(name) == one for name, one in entry.secret_data.items())
    return entry.connection.user if arrived and not lagging else before


def _inherits(alias: str, ancestor: str, owners: Mapping[str, DatabaseAlias]) -> bool:
    seen: set[str] = set()
    one = owners.get(alias)
    while one is not None and one.inherit_from is not None and one.alias not in seen:
        if one.inherit_from == ancestor:
            return True
        seen.add(one.alias)
        one = owners.get(one.inherit_from)
    return False
