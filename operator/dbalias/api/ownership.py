"""How our objects say whose they are: labels, annotations, finalizer, owner reference."""

from __future__ import annotations

from dbalias.api.meta import API_VERSION, GROUP, JSON, Kind, Metadata

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "dbalias"
PROJECT_LABEL = f"{GROUP}/project"
ALIAS_LABEL = f"{GROUP}/alias"

DATABASE_FINALIZER = f"{GROUP}/database"
"""On an alias whose database is dropped with it, and on no other."""
ROTATE_REQUESTED_AT = f"{GROUP}/rotate-requested-at"
"""Annotation of an alias: a time at which somebody asked for a new password.

On a binding Secret: the last such request that was met.
"""

PROVISIONED_FOR = f"{GROUP}/provisioned-for"
"""Annotation of a binding Secret: the mark of the alias that it was made for."""
CHECKSUM = f"{GROUP}/checksum"
"""Annotation of a binding Secret: a salted digest of its login, which shows an edit."""
PUBLISHED_LOGIN = f"{GROUP}/login"
"""Annotation of a binding Secret: the login that was published there, whatever its data says."""
ROTATED_AT = f"{GROUP}/rotated-at"
"""Annotation of a binding Secret: when its login was published."""


def owner_reference(project: Metadata) -> dict[str, JSON]:
    """Return the controller reference to a DjangoProject."""
    return {
        "apiVersion": API_VERSION,
        "kind": Kind.PROJECT.value,
        "name": project.name,
        "uid": project.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def labels_of(project: str) -> dict[str, str]:
    """Return the labels of every object made for a project."""
    return {MANAGED_BY: MANAGER, PROJECT_LABEL: project}


def is_controlled_by(body: JSON, uid: str) -> bool:
    """Tell whether the object's controller reference has this uid."""
    references = (body.get("metadata") or {}).get("ownerReferences") or ()
    return any(ref.get("controller") and ref.get("uid") == uid for ref in references)
