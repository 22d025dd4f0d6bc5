"""The bodies of what is published, built purely: for the API server and for the command line."""

from __future__ import annotations

import base64

from dbalias.api.meta import JSON, Key, Metadata
from dbalias.api.ownership import labels_of, owner_reference
from dbalias.reconcile.actions import PublishConfigMap, PublishSecret
from dbalias.reconcile.names import JOB_MOUNTED


def build_object(
    action: PublishConfigMap | PublishSecret, key: Key, *, owner: Metadata | None
) -> JSON:
    """Return the ConfigMap or Secret that an action publishes.

    ``owner`` is the project's metadata; without one (offline it has no uid) the object carries
    no owner reference.
    """
    match action:
        case PublishConfigMap():
            body = _skeleton("ConfigMap", action, key, owner)
            body["data"] = dict(action.data)
            if action.immutable:
                body["immutable"] = True
                body["metadata"]["labels"] |= JOB_MOUNTED
        case PublishSecret():
            body = _skeleton("Secret", action, key, owner)
            body["type"] = "Opaque"
            body["data"] = {
                name: base64.b64encode(value.reveal()).decode()
                for name, value in action.data.items()
            }
    return body


def _skeleton(
    kind: str, action: PublishConfigMap | PublishSecret, key: Key, owner: Metadata | None
) -> JSON:
    metadata: JSON = {
        "name": action.name,
        "namespace": key.namespace,
        "labels": labels_of(key.name),
        "annotations": dict(action.annotations),
    }
    if owner is not None:
        metadata["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}
