"""One change: what is said of it, and the statements that make it. Changes make up a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dbalias.servers.plot import Step


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between what is found and what is wanted."""

    says: str
    statements: tuple[str, ...] = field(repr=False)


def change(says: str, *statements: str) -> Change:
    """Return one change."""
    return Change(says, statements)


def in_one_step(changes: Iterable[Change], database: str | None = None) -> Iterator[Step]:
    """Yield the step that makes all changes in one transaction; none for no change."""
    found = tuple(changes)
    if found:
        statements = tuple(text for one in found for text in one.statements)
        yield Step("; ".join(one.says for one in found), statements, database)
