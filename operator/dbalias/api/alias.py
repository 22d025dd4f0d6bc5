"""DatabaseAlias: one entry of Django's DATABASES."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbalias.api.meta import JSON, Metadata
from dbalias.api.project import MigrateMode
from dbalias.api.provision import Provision, ServerRef


class Role(StrEnum):
    """Whether an alias takes writes and migrations."""

    PRIMARY = "Primary"
    REPLICA = "Replica"


class Pooler(StrEnum):
    """What stands between Django and the server."""

    NONE = "None"
    SESSION = "Session"
    TRANSACTION = "Transaction"


class Preset(StrEnum):
    """Well-known layouts of a credentials Secret."""

    BASIC_AUTH = "BasicAuth"
    CLOUD_NATIVE_PG = "CloudNativePG"
    SERVICE_BINDING = "ServiceBinding"
    URL = "URL"


class TLSMode(StrEnum):
    """libpq's names, used for every engine."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


UNLIMITED = "Unlimited"
"""``connMaxAge: Unlimited`` is Django's ``CONN_MAX_AGE: None``."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Which Secret, and under which keys: field (user, password, host, port, name, url) → key.

    ``preset`` and ``keys`` exclude each other; with neither, ``password`` is read from the
    key ``password``, and ``user`` from ``username`` where the alias sets no user.
    """

    secret: str
    preset: Preset | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectKeyRef:
    """One key of a ConfigMap or Secret of the same namespace.

    ``namespace`` is never declared: it is set where a server lends its CA to another namespace.
    """

    kind: str
    name: str
    key: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class TLS:
    """``spec.tls``; files are published beside the settings."""

    mode: TLSMode | None = None
    ca: ObjectKeyRef | None = None
    client_certificate: str | None = None
    """Name of a kubernetes.io/tls Secret."""


@dataclass(frozen=True, slots=True)
class MigrateConnection:
    """Fields that replace the alias' own in its migrate Job only."""

    host: str | None = None
    port: int | str | None = None
    user: str | None = None
    credentials: Credentials | None = None
    options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AliasMigrate:
    """``spec.migrate`` of an alias. ``mode`` None: the project's applies."""

    mode: MigrateMode | None = None
    apps: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    connection: MigrateConnection | None = None


@dataclass(frozen=True, slots=True)
class DatabaseAlias:
    """A DatabaseAlias as declared; None means not set, so that inheritance can tell.

    ``alias`` is the effective name (``spec.alias`` or the object's). ``conn_max_age`` is in
    seconds, or UNLIMITED. ``options`` already holds what ``optionsJSON`` said, and ``extra``
    what ``extraJSON`` said. ``test`` has Django's TEST keys (NAME, MIRROR, …), all but its
    PASSWORD, which ``test_password`` names the Secret of. Beside ``provision``, ``credentials``
    name a Secret whose password the provisioned login is given.
    """

    metadata: Metadata
    project: str
    alias: str
    empty: bool = False
    engine: str | None = None
    name: str | None = None
    host: str | None = None
    port: int | str | None = None
    user: str | None = None
    credentials: Credentials | None = None
    server: ServerRef | None = None
    provision: Provision | None = None
    tls: TLS | None = None
    pooler: Pooler | None = None
    options: Mapping[str, JSON] = field(default_factory=dict)
    conn_max_age: int | str | None = None
    conn_health_checks: bool | None = None
    atomic_requests: bool | None = None
    autocommit: bool | None = None
    disable_server_side_cursors: bool | None = None
    time_zone: str | None = None
    test: Mapping[str, JSON] = field(default_factory=dict)
    test_password: ObjectKeyRef | None = None
    extra: Mapping[str, JSON] = field(default_factory=dict)
    role: Role = Role.PRIMARY
    inherit_from: str | None = None
    migrate: AliasMigrate = field(default_factory=AliasMigrate)
    status: Mapping[str, JSON] = field(default_factory=dict)
