"""The Secret goes ahead: new files in it stand a while before anything is told to read them.

A kubelet brings ConfigMap and Secret to a pod from two caches. Each follows the API server on
its own, so that a pod may start with the newer of one and the older of the other. What an older
ConfigMap needs stays in the Secret (``publication.PRUNE_AFTER``); this is the other half.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dbalias.api.conditions import parse_timestamp
from dbalias.api.meta import JSON
from dbalias.django.artefact import needed_files
from dbalias.reconcile.desired import Desired, own_data
from dbalias.reconcile.names import EXTENDED_AT
from dbalias.reconcile.snapshot import Snapshot

LEAD = timedelta(seconds=5)
"""A kubelet that watches sees a change within a fraction of this."""


def extended_at(snapshot: Snapshot, desired: Desired, now: datetime) -> datetime | None:
    """Return when the published Secret got its newest files; None if it had them from the start.

    A Secret that is not there yet has no older version that a pod could start with. What is
    stored has no fractions: it is the end of the second, as its beginning would cost the lead one.
    """
    if snapshot.secret is None:
        return None
    wanted = {name for entry in desired.resolution.entries.values() for name in entry.secret_data}
    if wanted - own_data(snapshot.secret).keys():
        return now if not now.microsecond else now.replace(microsecond=0) + timedelta(seconds=1)
    since = parse_timestamp(snapshot.secret.annotations.get(EXTENDED_AT))
    is_of_a_wrong_clock = since is not None and since > now + LEAD
    return None if is_of_a_wrong_clock else since


def due_at(
    snapshot: Snapshot, desired: Desired, document: JSON | None, now: datetime
) -> datetime | None:
    """Return when a document may follow the Secret; None for at once."""
    if document is None:
        return None
    since = extended_at(snapshot, desired, now)
    known = needed_files(desired.published) if desired.published else frozenset()
    if since is None or needed_files(document) <= known or since + LEAD <= now:
        return None
    return since + LEAD
