"""Write a status, then record what changed."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime

from dbalias.api.conditions import timestamp
from dbalias.api.meta import API_VERSION, Kind, Metadata
from dbalias.reconcile.actions import Note, WriteStatus
from dbalias.reconcile.ports import Cluster, ClusterError, GoneError, Resource

logger = logging.getLogger(__name__)

KINDS = {
    Kind.PROJECT: Resource.PROJECTS,
    Kind.ALIAS: Resource.ALIASES,
    Kind.POLICY: Resource.POLICIES,
    Kind.SERVER: Resource.SERVERS,
}
NOTE_LIMIT = 1024
"""Characters of an event's message; the API refuses longer ones."""


async def report(cluster: Cluster, action: WriteStatus) -> None:
    """Apply a status, and record its notes; raise ClusterError where it was not taken."""
    meta = action.metadata
    body = {
        "apiVersion": API_VERSION,
        "kind": action.kind.value,
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "resourceVersion": meta.resource_version,
        },
        "status": dict(action.status),
    }
    await cluster.apply_status(KINDS[action.kind], meta.namespace, body)
    for note in action.notes:
        await record(cluster, action.kind, meta, note)


async def record(cluster: Cluster, kind: Kind, meta: Metadata, note: Note) -> None:
    """Record one event on an object."""
    now = datetime.now(UTC)
    unique = hashlib.sha256(f"{meta.uid}{note}{now.isoformat()}".encode()).hexdigest()[:16]
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta.name[:230]}.{unique}", "namespace": meta.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": kind.value,
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
        },
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "message": note.message[:NOTE_LIMIT],
        "source": {"component": "dbalias"},
        "reportingComponent": "dbalias.dev/operator",
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
    }
    try:
        await cluster.create(Resource.EVENTS, meta.namespace, body)
    except GoneError:
        return
    except ClusterError as error:
        # The condition says the same: a lost event must not hold the pass up.
        logger.warning("an event was not recorded: %s", error)
