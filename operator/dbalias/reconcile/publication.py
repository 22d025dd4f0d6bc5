"""What applications mount: the stable ConfigMap and Secret, and in which order they change.

First the Secret, as a superset of what old and new settings read; five seconds later
(``lead``), and once everything is migrated (``django.gate``), the ConfigMap; three minutes
later the Secret loses what no settings read any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dbalias.api.conditions import Reason, parse_timestamp, timestamp
from dbalias.api.meta import JSON
from dbalias.api.ownership import labels_of
from dbalias.api.secrets import SecretBytes
from dbalias.django.allowance import routing_on
from dbalias.django.artefact import (
    config_map_data,
    is_routed_alike,
    needed_files,
    secret_data,
    stable_document,
)
from dbalias.django.entries import EntryKind
from dbalias.migrations.identity import run_identity
from dbalias.reconcile.actions import Action, DeleteObject, PublishConfigMap, PublishSecret
from dbalias.reconcile.desired import Desired, fingerprint, own_data
from dbalias.reconcile.final import final_revision
from dbalias.reconcile.gate import find_refusal
from dbalias.reconcile.lead import due_at, extended_at
from dbalias.reconcile.names import (
    EXTENDED_AT,
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
    is_ahead: bool = False
    """The Secret has new files, which the ConfigMap will name as soon as kubelets have them."""
    wake_at: datetime | None = None
    credentials: str | None = None
    """Names the secret data that the document refers to, without revealing anything about it."""

    @property
    def revision(self) -> str | None:
        """The revision that applications load."""
        return None if self.document is None else str(self.document["revision"])


def plan_publication(
    snapshot: Snapshot, desired: Desired, runs: Runs, now: datetime
) -> Publication:
    """Decide what is published now; while the project is held, the last published stays."""
    kept = _fingerprint(desired, desired.published, own_data(snapshot.secret))
    if desired.hold is not None:
        return Publication(document=desired.published, credentials=kept)
    document = _next_document(desired, runs)
    due = due_at(snapshot, desired, document, now)
    if due is not None:
        document = desired.published
    settled, wake_at = _may_prune(snapshot, desired, document, runs, now)
    data = _secret_data(snapshot, desired, document, settled)
    publication = Publication(
        secrets=(
            *_stable_secret(snapshot, desired, data, now),
            *_migrate(snapshot, desired, runs),
        ),
        config_maps=(
            *_revision_map(snapshot, desired, runs),
            *_stable_map(snapshot, document, desired, now),
        ),
        prune=_spent(snapshot, runs),
        document=document,
        complete=document is not None and document["revision"] == final_revision(desired),
        is_ahead=due is not None,
        wake_at=due or wake_at,
        credentials=_fingerprint(desired, document, data),
    )
    if find_refusal(snapshot):
        # Tried again, but what applications load is still what was there before.
        return replace(publication, document=desired.published, complete=False, credentials=kept)
    return publication


def _fingerprint(
    desired: Desired, document: JSON | None, data: Mapping[str, SecretBytes]
) -> str | None:
    if document is None:
        return None
    needed = needed_files(document)
    return fingerprint(
        desired.salt, {name: value for name, value in data.items() if name in needed}
    )


def _next_document(desired: Desired, runs: Runs) -> JSON | None:
    resolved = runs.done - desired.resolution.problems.keys()
    migrated = resolved | _unchanged(desired) | _restored(desired, runs)
    if desired.published is None and not _may_begin(desired, runs, migrated):
        return None
    document = stable_document(
        desired.artefact.document,
        desired.last_good,
        migrated=_with_primaries(desired, migrated),
        mode=desired.project.publish,
    )
    return desired.published if document is None else document


def _with_primaries(desired: Desired, migrated: AbstractSet[str]) -> frozenset[str]:
    """Leave out replicas of what is not migrated: they have the tables that their primary has."""
    families, entries = desired.routing.document["families"], desired.resolution.entries
    return frozenset(
        alias
        for alias in migrated
        if alias not in entries
        or entries[alias].kind is not EntryKind.REPLICA
        or families.get(alias, alias) in migrated
    )


def _unchanged(desired: Desired) -> frozenset[str]:
    """Return the aliases that keep their last good entry and hold no new route up.

    One whose tables would be others under the new routes does: they are not made yet.
    """
    if desired.published is None:
        return frozenset(desired.resolution.problems)
    return frozenset(
        alias
        for alias in desired.resolution.problems
        if is_routed_alike(desired.artefact.document, desired.published, alias)
    )


def _restored(desired: Desired, runs: Runs) -> frozenset[str]:
    """Return the aliases to publish again when the ConfigMap is lost while a run is wanted.

    Nobody knows then what it said. An alias whose last run differs in nothing but the image
    has the tables that applications know; any other waits for the run.
    """
    if desired.published is not None or not _was_published(desired):
        return frozenset()
    return frozenset(alias for alias in runs.records if _differs_in_image(desired, runs, alias))


def _differs_in_image(desired: Desired, runs: Runs, alias: str) -> bool:
    entry, completed = desired.resolution.entries.get(alias), runs.records[alias].completed
    if entry is None or completed is None:
        return False
    routing = routing_on(desired.routing.document, alias)
    project = replace(desired.project, image=completed.image)
    owner = desired.resolution.owners[alias]
    return run_identity(project, entry, routing, owner) == completed.identity


def _was_published(desired: Desired) -> bool:
    return bool(desired.project.status.get("publishedRevision"))


def _may_begin(desired: Desired, runs: Runs, migrated: AbstractSet[str]) -> bool:
    """Tell whether a first publication would give the application something to work with.

    Pods wait for a ConfigMap that is not there, and never see an alias that comes later: so
    nothing is published before every alias has either been migrated or cannot be for now.
    """
    if _was_published(desired) and desired.resolution.entries.keys() <= migrated:
        return True
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


def _secret_data(
    snapshot: Snapshot, desired: Desired, document: JSON | None, settled: bool
) -> dict[str, SecretBytes]:
    before = own_data(snapshot.secret)
    data = secret_data(desired.resolution, published=before, keep=document)
    if settled:
        return data
    stale = {name: value for name, value in before.items() if _OWN_KEY.fullmatch(name)}
    return stale | data


def _stable_secret(
    snapshot: Snapshot, desired: Desired, data: Mapping[str, SecretBytes], now: datetime
) -> tuple[Action, ...]:
    annotations = {SALT: desired.salt}
    if since := extended_at(snapshot, desired, now):
        annotations[EXTENDED_AT] = timestamp(since)
    wanted = PublishSecret(stable_name(snapshot.key.name), data, annotations)
    return _unless_there(wanted, snapshot.secret, snapshot)


def _migrate(snapshot: Snapshot, desired: Desired, runs: Runs) -> tuple[Action, ...]:
    name = migrate_secret_name(snapshot.key.name)
    if not desired.migrate_secret:
        found = snapshot.migrate_secret
        spent = found is not None and found.ours and not (runs.active or runs.create)
        return (DeleteObject("Secret", name, found.uid),) if found and spent else ()
    before = own_data(snapshot.migrate_secret) if runs.active else {}  # a pod may be starting
    wanted = PublishSecret(name, {**before, **desired.migrate_secret})
    return _unless_there(wanted, snapshot.migrate_secret, snapshot)


def _unless_there(
    wanted: PublishSecret | PublishConfigMap,
    found: PublishedSecret | PublishedConfigMap | None,
    snapshot: Snapshot,
) -> tuple[Action, ...]:
    """Return the write that makes an object what is wanted; none when it is so already."""
    if found is None:
        return (wanted,)
    labels = labels_of(snapshot.key.name)
    same = labels.items() <= found.labels.items() and found.data == wanted.data
    if same and wanted.annotations.items() <= found.annotations.items():
        return ()
    foreign = tuple(sorted(set(found.data) - set(wanted.data)))
    return (replace(wanted, uid=found.uid, foreign=foreign),)


def _stable_map(
    snapshot: Snapshot, document: JSON | None, desired: Desired, now: datetime
) -> tuple[Action, ...]:
    if document is None:
        return ()
    name, found = stable_name(snapshot.key.name), snapshot.config_map
    changed = found is None or document != desired.published
    since = found.annotations.get(PUBLISHED_AT) if found and not changed else None
    at = since if since and parse_timestamp(since) else timestamp(now)
    annotations = {PUBLISHED_AT: at, REVISION: str(document["revision"])}
    wanted = PublishConfigMap(name, config_map_data(document), annotations)
    return _unless_there(wanted, found, snapshot)


def _revision_map(snapshot: Snapshot, desired: Desired, runs: Runs) -> tuple[Action, ...]:
    """The immutable ConfigMap of the Jobs that start or run: created once, never applied again."""
    needed = runs.create or runs.active
    if not needed or any(one.name == runs.config_map for one in snapshot.revisions):
        return ()
    data = config_map_data(desired.artefact.document)
    return (PublishConfigMap(runs.config_map, data, immutable=True),)


def _spent(snapshot: Snapshot, runs: Runs) -> tuple[Action, ...]:
    """Revisions that no Job mounts: none while one runs or may start by itself."""
    if runs.active or runs.create or runs.open:
        return ()
    kept: tuple[PublishedConfigMap, ...] = snapshot.revisions
    return tuple(DeleteObject("ConfigMap", one.name, one.uid) for one in kept)
