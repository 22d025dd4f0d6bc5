"""Shapes of declared values: what an OpenAPI schema of a CRD can say, as Python values.

The declarations are in ``shape_of_project``, ``shape_of_pod``, ``shape_of_alias`` and
``shape_of_policy``. A test compares each with the schema in ``crds/``, so that what
``reader`` refuses offline is what the API server refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most ``max_length`` characters that matches the anchored ``pattern``."""

    max_length: int
    min_length: int = 1
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of ``values``."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """An integer from ``minimum`` to ``maximum``."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""


@dataclass(frozen=True, slots=True)
class NumberOrText:
    """An integer or a string (``x-kubernetes-int-or-string``)."""

    max_length: int
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``keys``: a list-map of those keys; ``distinct``: a set; else atomic."""

    item: Shape
    max_items: int
    min_items: int = 0
    keys: tuple[str, ...] = ()
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A map from any string to one shape."""

    value: Shape
    max_entries: int


@dataclass(frozen=True, slots=True)
class Record:
    """A map of known fields."""

    fields: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    min_fields: int = 0


@dataclass(frozen=True, slots=True)
class AnyObject:
    """A map of anything; its content reaches Django as it stands."""

    max_entries: int


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""


Shape = Text | Choice | Number | Flag | NumberOrText | Items | Table | Record | AnyObject | Anything


def choice(words: type[StrEnum]) -> Choice:
    """Return the shape of an enum's words."""
    return Choice(tuple(word.value for word in words))
