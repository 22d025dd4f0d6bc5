"""``spec.serverRef`` and ``spec.provision`` of a DatabaseAlias: a database that is made for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class DeletionPolicy(StrEnum):
    """What becomes of a database that its alias made, once the alias is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Charset(StrEnum):
    """Which characters a generated password is drawn from."""

    ALPHANUMERIC = "Alphanumeric"
    URL_SAFE = "URLSafe"
    PRINTABLE = "Printable"


@dataclass(frozen=True, slots=True)
class ServerRef:
    """A DatabaseServer; ``namespace`` is the alias' own where none was declared."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension of PostgreSQL; ``schema`` and ``version`` None: the server's choice."""

    name: str
    schema: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    """``provision.database``: what the database shall be like; None: the server's default.

    ``encoding`` to ``schemas`` are PostgreSQL's, ``charset`` and ``collation`` those of MySQL
    and MariaDB.
    """

    encoding: str | None = None
    locale: str | None = None
    template: str | None = None
    extensions: tuple[Extension, ...] = ()
    schemas: tuple[str, ...] = ()
    connection_limit: int | None = None
    charset: str | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """How passwords are generated; ``length`` in characters."""

    length: int = 32
    charset: Charset = Charset.ALPHANUMERIC


@dataclass(frozen=True, slots=True)
class Provision:
    """``spec.provision``. ``rotation`` None: logins change on request alone."""

    database: DatabaseSpec = field(default_factory=DatabaseSpec)
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    adopt: bool = False
    password: PasswordRule = field(default_factory=PasswordRule)
    rotation: timedelta | None = None
    read_only: bool = False
    """A second login that may only read, in a Secret of its own."""
