"""Names of the API group, object metadata and the key of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

GROUP = "dbalias.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FIELD_MANAGER = "dbalias"
SERVERS_FIELD_MANAGER = f"{FIELD_MANAGER}-servers"
"""Writes what the passes over servers know: two managers share one status."""
DEFAULT_ALIAS = "default"

JSON = Any
"""A value that json.loads could have returned."""


class Kind(StrEnum):
    """The kinds a user declares."""

    PROJECT = "DjangoProject"
    ALIAS = "DatabaseAlias"
    POLICY = "DatabaseRoutingPolicy"
    SERVER = "DatabaseServer"

    @property
    def plural(self) -> str:
        """The resource name in URLs and RBAC."""
        return {
            Kind.PROJECT: "djangoprojects",
            Kind.ALIAS: "databasealiases",
            Kind.POLICY: "databaseroutingpolicies",
            Kind.SERVER: "databaseservers",
        }[self]


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The unit of reconciliation: one project, whether or not it exists yet."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of ``metadata`` that decisions depend on.

    ``changed_at`` is the newest of creationTimestamp and those managedFields times that
    do not belong to a status write: since when the declared input stands as it is.
    ``deleted_at`` is when somebody asked for its deletion.
    """

    namespace: str
    name: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    created_at: datetime | None = None
    changed_at: datetime | None = None
    deleted_at: datetime | None = None
    finalizers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def deleting(self) -> bool:
        """Whether somebody has deleted the object, and finalizers hold it yet."""
        return self.deleted_at is not None
