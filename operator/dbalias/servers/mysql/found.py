"""What a survey found of one wanted database on MySQL or MariaDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbalias.servers.mysql.claims import Claim, LoginClaim


@dataclass(frozen=True, slots=True)
class Schema:
    """A database that exists; ``is_empty``: no table, view, routine or event is in it."""

    charset: str
    collation: str
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A login that exists, known from every host; its privileges are those in the database."""

    requires: str = ""
    """As ``mysql.user.ssl_type`` has it: empty, ANY, X509 or SPECIFIED."""
    connection_limit: int = 0
    privileges: frozenset[str] = frozenset()
    reaches: frozenset[str] = frozenset()
    """Other databases, as grants name them, in which it may do something."""
    connections: tuple[int, ...] = ()
    """Open ones, as far as the administrator may see them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything about one wanted database. ``seed`` differs from survey to survey."""

    seed: str
    schema: Schema | None = None
    claim: Claim | None = None
    login_claims: tuple[LoginClaim, ...] = ()
    """Those on wanted logins, whoever holds them, and all others of this alias."""
    users: Mapping[str, User] = field(default_factory=dict)
    """Those of the wanted and claimed logins that exist."""
