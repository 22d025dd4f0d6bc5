"""DatabaseServer: where databases are made, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbalias.api.alias import TLS, Credentials
from dbalias.api.meta import JSON, Metadata

DEFAULT_CONNECTIONS = 4
"""``spec.maxConnections`` where it is not set."""


class ServerEngine(StrEnum):
    """What a server is; which of MySQL and MariaDB it turns out to be is asked of it."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MARIADB = "mariadb"


class AllowedFrom(StrEnum):
    """Whose aliases a server admits, besides those of its own namespace."""

    SAME = "Same"
    ALL = "All"
    NAMES = "Names"
    SELECTOR = "Selector"


class Operator(StrEnum):
    """Operators of a label selector's expression."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One of a selector's ``matchExpressions``."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllowedNamespaces:
    """``spec.allowedNamespaces``; the server's own namespace is always admitted."""

    source: AllowedFrom = AllowedFrom.SAME
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    expressions: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A DatabaseServer as declared.

    ``admin`` is a Secret of the server's own namespace with user and password, ``tls`` files of
    the same namespace. ``database`` is the one that the operator connects to (PostgreSQL;
    ``postgres`` when not set). ``check_logins``: the operator may log in with what it issued.
    """

    metadata: Metadata
    engine: ServerEngine
    host: str
    admin: Credentials
    port: int | None = None
    tls: TLS | None = None
    database: str | None = None
    allowed: AllowedNamespaces = field(default_factory=AllowedNamespaces)
    adoptable: frozenset[str] = frozenset()
    """Databases that aliases of other namespaces may take over."""
    max_connections: int = DEFAULT_CONNECTIONS
    check_logins: bool = False
    status: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it is declared to be, and how it is known for itself: other words for another."""
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        words = [f"{host}:{self.port}" if self.port else host]
        if self.tls and self.tls.mode:
            words.append(f"TLS {self.tls.mode.value}")
        if self.tls and (ca := self.tls.ca):
            words.append(f"CA {ca.kind} {ca.name} key {ca.key}")
        return ", ".join(words)
