"""What applications mount: the stable ConfigMap and Secret, and in which order they change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbalias.api.conditions import Reason, parse_timestamp, timestamp
from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.django.artefact import config_map_data, secret_data, stable_document
from dbalias.reconcile.actions import Action, DeleteObject, PublishConfigMap, PublishSecret
from dbalias.reconcile.desired import Desired, own_data
from dbalias.reconcile.final import final_revision
from dbalias.reconcile.names import (
    PUBLISHED_AT,
    REVISION,
    SALT,
    migrate_secret_name,
    stable_name,
)
from dbalias.reconcile.runs import Runs
from dbalias.reconcile.snapshot import PublishedConfigMap, PublishedSecret, Snapshot

PRUNE_AFTER = timedelta(minutes=3)
"""How long a Secret keeps what the new ConfigMap no longer needs.

A kubelet brings both to a running pod within a minute or so, but not at the same moment: a
container that restarts in between must find what the older ConfigMap asks for.
"""

_OWN_KEY = re.compile(r".+\.(user|password|host|port|name|url|option|crt|key)|ca-[0-9a-f]{12}\.crt")


@dataclass(frozen=True, slots=True)
class Publication:
    """The writes, and what is published once they are done (``document`` None: nothing)."""

    secrets: tuple[Action, ...] = ()
    config_maps: tuple[Action, ...] = ()
    prune: tuple[Action, ...] = ()
    document: JSON | None = None
    complete: bool = False
    """What is published is all that is desired."""
    wake_at: datetime | None = None

    @property
    def revision(self) -> str | None:
        """The revision that applications load."""
        return None if self.document is None else str(self.document["revision"])


def plan_publication(
    snapshot: Snapshot, desired: Desired, runs: Runs, now: datetime
) -> Publication:
    """Decide what is published now; while the project is held, the last published stays."""
    if desired.hold is not None:
        return Publication(document=desired.published)
    document = _next_document(snapshot, desired, runs)
    settled, wake_at = _may_prune(snapshot, desired, document, runs, now)
    return Publication(
        secrets=(*_secret(snapshot, desired, document, settled), *_migrate(snapshot, desired)),
        config_maps=(
            *_revision_map(snapshot, desired, runs),
            *_stable_map(snapshot, document, desired, now),
        ),
        prune=_spent(snapshot, runs),
        document=document,
        complete=document is not None and document["revision"] == final_revision(desired),
        wake_at=wake_at,
    )


def _next_document(snapshot: Snapshot, desired: Desired, runs: Runs) -> JSON | None:
    if desired.published is None and not _may_begin(desired, runs):
        return None
    document = stable_document(
        desired.artefact.document,
        desired.published,
        # An alias that cannot be resolved keeps its last good entry and holds nobody up.
        migrated=runs.done | desired.resolution.problems.keys(),
        mode=desired.project.publish,
    )
    return desired.published if document is None else document


def _may_begin(desired: Desired, runs: Runs) -> bool:
    """Tell whether a first publication would give the application something to work with.

    Pods wait for a ConfigMap that is not there, and never see an alias that comes later: so
    nothing is published before every alias has either been migrated or cannot be for now.
    """
    refused = any(
        runs.conditions[alias].reason is Reason.AUDIT_REFUSED for alias in runs.conditions
    )
    if runs.open or refused:
        return False
    entries = desired.artefact.document["databases"]
    return any(entries[alias]["settings"] for alias in runs.done if alias in entries)


def _may_prune(
    snapshot: Snapshot, desired: Desired, document: JSON | None, runs: Runs, now: datetime
) -> tuple[bool, datetime | None]:
    if snapshot.config_map is None or document != desired.published:
        return False, now + PRUNE_AFTER
    since = parse_timestamp(snapshot.config_map.annotations.get(PUBLISHED_AT)) or now
    if runs.active:
        return False, None
    return (True, None) if since + PRUNE_AFTER <= now else (False, since + PRUNE_AFTER)


def _secret(
    snapshot: Snapshot, desired: Desired, document: JSON | None, settled: bool
) -> tuple[Action, ...]:
    before = own_data(snapshot.secret)
    data = dict(secret_data(desired.resolution, published=before, keep=document))
    if not settled:
        stale = {name: value for name, value in before.items() if _OWN_KEY.fullmatch(name)}
        data = stale | data
    annotations = {SALT: desired.salt}
    return _publish_secret(stable_name(snapshot.key.name), snapshot.secret, data, annotations)


def _migrate(snapshot: Snapshot, desired: Desired) -> tuple[Action, ...]:
    name = migrate_secret_name(snapshot.key.name)
    if not desired.migrate_secret:
        found = snapshot.migrate_secret
        return (DeleteObject("Secret", name, found.uid),) if found and not snapshot.jobs else ()
    return _publish_secret(name, snapshot.migrate_secret, desired.migrate_secret, {})


def _publish_secret(
    name: str,
    found: PublishedSecret | None,
    data: Mapping[str, SecretBytes],
    annotations: Mapping[str, str],
) -> tuple[Action, ...]:
    if found and found.data == data and annotations.items() <= found.annotations.items():
        return ()
    foreign = tuple(sorted(set(found.data) - set(data))) if found else ()
    return (PublishSecret(name, data, annotations, exists=found is not None, foreign=foreign),)


def _stable_map(
    snapshot: Snapshot, document: JSON | None, desired: Desired, now: datetime
) -> tuple[Action, ...]:
    if document is None:
        return ()
    name, found = stable_name(snapshot.key.name), snapshot.config_map
    changed = found is None or document != desired.published
    since = timestamp(now) if changed or found is None else found.annotations.get(PUBLISHED_AT)
    annotations = {PUBLISHED_AT: since or timestamp(now), REVISION: str(document["revision"])}
    data = config_map_data(document)
    if found and found.data == data and annotations.items() <= found.annotations.items():
        return ()
    foreign = tuple(sorted(set(found.data) - set(data))) if found else ()
    return (PublishConfigMap(name, data, annotations, exists=found is not None, foreign=foreign),)


def _revision_map(snapshot: Snapshot, desired: Desired, runs: Runs) -> tuple[Action, ...]:
    """The immutable ConfigMap of the Jobs that start now: created once, never applied again."""
    if not runs.create or any(one.name == runs.config_map for one in snapshot.revisions):
        return ()
    data = config_map_data(desired.artefact.document)
    return (PublishConfigMap(runs.config_map, data, immutable=True),)


def _spent(snapshot: Snapshot, runs: Runs) -> tuple[Action, ...]:
    """Revisions that no Job mounts: none while one runs or may start by itself."""
    if runs.active or runs.create or runs.open:
        return ()
    kept: tuple[PublishedConfigMap, ...] = snapshot.revisions
    return tuple(DeleteObject("ConfigMap", one.name, one.uid) for one in kept)
