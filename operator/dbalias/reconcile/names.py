"""Names, labels and annotations of what a project publishes."""

from __future__ import annotations

from dbalias.api.meta import GROUP

JOB_MOUNTED = {f"{GROUP}/purpose": "revision"}
"""Label of the immutable ConfigMaps that Jobs mount."""

SALT = f"{GROUP}/salt"
CREDENTIALS_REVISION = f"{GROUP}/credentials-revision"
REVISION = f"{GROUP}/revision"
PUBLISHED_AT = f"{GROUP}/published-at"
EXTENDED_AT = f"{GROUP}/extended-at"


def stable_name(project: str) -> str:
    """Return the name of the ConfigMap and of the Secret that applications mount."""
    return f"{project}-databases"


def migrate_secret_name(project: str) -> str:
    """Return the name of the Secret with migration-only credentials."""
    return f"{project}-migrate"


def revision_name(project: str, revision: str, runtime: str) -> str:
    """Return the name of the immutable ConfigMap that Jobs of one revision mount."""
    return f"{stable_name(project)}-{revision}-{runtime}"
