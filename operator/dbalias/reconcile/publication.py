"""What applications mount: the stable ConfigMap and Secret, and in which order they change.

First the Secret, as a superset of what old and new settings read; five seconds later
(``lead``), and once everything is migrated (``django.gate``), the ConfigMap; three minutes
later the Secret loses what no settings read any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dbalias.api.conditions import parse_timestamp, timestamp
from dbalias.api.meta import JSON
from dbalias.api.ownership import labels_of
from dbalias.api.secrets import SecretBytes, fingerprint
from dbalias.django.artefact import (
    config_map_data,
    needed_files,
    secret_data,
)
from dbalias.reconcile.actions import Action, DeleteObject, PublishConfigMap, PublishSecret
from dbalias.reconcile.advance import next_document
from dbalias.reconcile.desired import Desired, own_data
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
    if desired.hold is not None:
        return _while_held(snapshot, desired, now)
    document = next_document(desired, runs)
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
        prune=_spent(snapshot, desired, document, runs),
        document=document,
        complete=document is not None and document["revision"] == final_revision(desired),
        is_ahead=due is not None,
        wake_at=due or wake_at,
        credentials=_fingerprint(desired, document, data),
    )
    if find_refusal(snapshot):
        # Tried again, but what applications load is still what was there before.
        kept = _fingerprint(desired, desired.published, own_data(snapshot.secret))
        return replace(publication, document=desired.published, complete=False, credentials=kept)
    return publication


def _while_held(snapshot: Snapshot, desired: Desired, now: datetime) -> Publication:
    """Keep the document; logins that it reads flow all the same, and a lost Secret comes back."""
    document, stored = desired.published, own_data(snapshot.secret)
    if document is None or (snapshot.secret is not None and not snapshot.secret.ours):
        return Publication(document=document, credentials=_fingerprint(desired, document, stored))
    data = _secret_data(snapshot, desired, document, settled=False)
    return Publication(
        secrets=_stable_secret(snapshot, desired, data, now),
        document=document,
        credentials=_fingerprint(desired, document, data),
    )


def _fingerprint(
    desired: Desired, document: JSON | None, data: Mapping[str, SecretBytes]
) -> str | None:
    if document is None:
        return None
    needed = needed_files(document)
    return fingerprint(
        desired.salt, {name: value for name, value in data.items() if name in needed}
    )


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
    """The immutable ConfigMap of the Jobs that start or run: created once, never applied again.

    Where Jobs have connections of their own it is always there, for the Jobs of people.
    """
    needed = runs.create or runs.active or _has_own_connections(desired)
    if not needed or any(one.name == runs.config_map for one in snapshot.revisions):
        return ()
    data = config_map_data(desired.artefact.document)
    return (PublishConfigMap(runs.config_map, data, immutable=True),)


def _has_own_connections(desired: Desired) -> bool:
    databases = desired.artefact.document["databases"].values()
    return desired.project.image is not None and any("migrate" in entry for entry in databases)


def _spent(
    snapshot: Snapshot, desired: Desired, document: JSON | None, runs: Runs
) -> tuple[Action, ...]:
    """Revisions that no Job mounts: none while one runs, else all but what one may start with.

    A person's Job may start with the newest, as long as it says more than applications know: to
    repair what keeps an alias from being published, say.
    """
    if runs.active or runs.create:
        return ()
    says_more = desired.project.image is not None and document != desired.artefact.document
    needed = runs.config_map if runs.open or says_more else None
    return tuple(
        DeleteObject("ConfigMap", one.name, one.uid)
        for one in snapshot.revisions
        if one.name != needed
    )
