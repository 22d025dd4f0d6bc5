"""What applications mount once nothing is left to migrate: where every publication is heading."""

from __future__ import annotations

from dbalias.api.meta import JSON, Key
from dbalias.api.project import PublishMode
from dbalias.django.artefact import config_map_data, secret_data, stable_document
from dbalias.reconcile.actions import PublishConfigMap, PublishSecret
from dbalias.reconcile.desired import Desired
from dbalias.reconcile.names import REVISION, migrate_secret_name, stable_name


def final_document(desired: Desired) -> JSON | None:
    """Return the document that is published in the end, None while ``default`` has no entry."""
    return stable_document(
        desired.artefact.document,
        desired.last_good,
        migrated=frozenset(desired.artefact.document["databases"]),
        mode=PublishMode.IMMEDIATELY,
    )


def final_revision(desired: Desired) -> str | None:
    """Return the revision that is published in the end."""
    document = final_document(desired)
    return None if document is None else str(document["revision"])


def final_publication(
    desired: Desired, key: Key
) -> tuple[tuple[PublishSecret, ...], PublishConfigMap | None]:
    """Return the Secrets and the ConfigMap as they stand in the end, of a first publication.

    Annotations that hold a time or a salt are left out: no two clusters have the same.
    """
    document = final_document(desired)
    stable = stable_name(key.name)
    files = secret_data(desired.resolution, published={}, keep=document)
    secrets = [PublishSecret(stable, files)]
    if desired.migrate_secret:
        secrets.append(PublishSecret(migrate_secret_name(key.name), desired.migrate_secret))
    if document is None:
        return tuple(secrets), None
    annotations = {REVISION: str(document["revision"])}
    return tuple(secrets), PublishConfigMap(stable, config_map_data(document), annotations)
