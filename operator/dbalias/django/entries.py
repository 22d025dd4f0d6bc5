"""The aliases of a project as entries of DATABASES, and the problems of those that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbalias.api.alias import DatabaseAlias
from dbalias.api.problems import Problem
from dbalias.api.project import MigrateMode
from dbalias.api.secrets import SecretBytes
from dbalias.django.connections import Connection, PhysicalDatabase


class EntryKind(StrEnum):
    """What an alias is to migrations: only a primary has any."""

    PRIMARY = "Primary"
    REPLICA = "Replica"
    EMPTY = "Empty"
    LOCAL = "Local"
    """A file beside the process (sqlite3)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resolved alias. ``object`` is the name of its DatabaseAlias.

    ``migration`` is the whole connection of its Job where ``migrate.connection`` is set.
    ``secret_data`` belongs into the stable Secret, ``migrate_secret_data`` into that of the
    Jobs; both map file names to contents. ``mode`` is the alias' own or the project's.
    """

    alias: str
    object: str
    kind: EntryKind
    connection: Connection
    mode: MigrateMode
    migration: Connection | None = None
    secret_data: Mapping[str, SecretBytes] = field(default_factory=dict)
    migrate_secret_data: Mapping[str, SecretBytes] = field(default_factory=dict)
    inherits: str | None = None

    @property
    def database(self) -> PhysicalDatabase | None:
        """The physical database behind the alias; None for an empty default."""
        return None if self.kind is EntryKind.EMPTY else self.connection.database


@dataclass(frozen=True, slots=True)
class Resolution:
    """All aliases of a project: resolved entries, and problems by alias for the others.

    ``owners`` has the object that speaks for each alias, resolved or not; ``losers`` the
    problem of each further claimant, by the name of its object.
    """

    entries: Mapping[str, Entry]
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    owners: Mapping[str, DatabaseAlias] = field(default_factory=dict)
    losers: Mapping[str, Problem] = field(default_factory=dict)
