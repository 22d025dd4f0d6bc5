"""DatabaseRoutingPolicy: one generated database router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbalias.api.meta import JSON, Metadata


class MigrateOn(StrEnum):
    """Where the tables of matched models are made."""

    WRITE = "Write"
    NOWHERE = "Nowhere"
    ALIASES = "Aliases"


class PinReads(StrEnum):
    """When reads stay on the write alias."""

    NONE = "None"
    TRANSACTION = "Transaction"
    REQUEST = "Request"


@dataclass(frozen=True, slots=True)
class Match:
    """A union of apps and models; ``*`` in ``apps`` matches everything.

    Apps are labels, models ``app_label.model``; all are in lower case.
    """

    apps: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``read`` empty means ``(write,)``, ``migrate_aliases`` counts with ALIASES only."""

    match: Match
    write: str
    read: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    migrate_on: MigrateOn = MigrateOn.WRITE
    migrate_aliases: tuple[str, ...] = ()

    @property
    def readers(self) -> tuple[str, ...]:
        """The aliases that may answer a read."""
        return self.read or (self.write,)

    @property
    def migrated_on(self) -> tuple[str, ...]:
        """The aliases on which the matched models have tables."""
        match self.migrate_on:
            case MigrateOn.WRITE:
                return (self.write,)
            case MigrateOn.NOWHERE:
                return ()
            case MigrateOn.ALIASES:
                return self.migrate_aliases


@dataclass(frozen=True, slots=True)
class DatabaseRoutingPolicy:
    """A DatabaseRoutingPolicy as declared."""

    metadata: Metadata
    project: str
    order: int = 0
    rules: tuple[Rule, ...] = ()
    relations: tuple[tuple[str, ...], ...] = ()
    pin_reads: PinReads = PinReads.NONE
    status: Mapping[str, JSON] = field(default_factory=dict)
