"""Values at and beyond every bound of a shape, made from the shape itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dbalias.api import limits
from dbalias.api.shapes import (
    AnyObject,
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    NumberOrText,
    Record,
    Shape,
    Table,
    Text,
)

PREFIXES = {
    limits.DOTTED_PATH: "a.",
    limits.MODEL_MATCH: "a.",
    r"^/[^:]*$": "/",
}
"""How a text that matches a pattern begins; the others match a row of letters."""

WITH_LINES = {r"^/[^:]*$", limits.NO_NUL}
"""Patterns that a text with a line's end matches."""

Wrap = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A value at ``field`` (without indices) inside a spec, at a bound or beyond it."""

    field: str
    what: str
    spec: Any
    legal: bool


def bounds_of(spec: Record) -> Iterator[Bound]:
    """Yield the bounds of every field of a spec."""
    yield from _walk(spec, "spec", lambda value: value)


def sample(shape: Shape, number: int = 0) -> Any:
    """Return a legal value; another for every ``number``."""
    match shape:
        case Items():
            return [sample(shape.item, number) for _ in range(max(shape.min_items, 1))]
        case Table():
            return {f"k{number}": sample(shape.value, number)}
        case Record():
            names = shape.required or tuple(shape.fields)[: shape.min_fields]
            return {name: sample(shape.fields[name], number) for name in names}
        case AnyObject() | Anything():
            return {"a": number}
        case _:
            return _scalar(shape, number)


def _scalar(shape: Text | Choice | Number | Flag | NumberOrText, number: int) -> Any:
    match shape:
        case Text(pattern=pattern):
            return f"{PREFIXES.get(pattern or '', 'a')}b{number}"
        case Choice(words):
            return words[number % len(words)]
        case Number(minimum, _):
            return max(minimum, 0) + number
        case Flag():
            return True
        case NumberOrText():
            return number


def _walk(shape: Shape, at: str, wrap: Wrap) -> Iterator[Bound]:
    for what, value, legal in _values(shape):
        yield Bound(at, what, wrap(value), legal)
    match shape:
        case Items(item=item):
            yield from _walk(item, at, lambda value: wrap(_listed(shape, value)))
        case Table(value=inner):
            yield from _walk(inner, f"{at}.k", lambda value: wrap({"k": value}))
        case Record(fields=fields):
            for name in shape.required:
                without = {k: v for k, v in sample(shape).items() if k != name}
                yield Bound(f"{at}.{name}", f"{name} is left out", wrap(without), legal=False)
            unknown = wrap({**sample(shape), "unheardOf": 1})
            yield Bound(f"{at}.unheardOf", "an unknown field", unknown, legal=False)
            for name, inner in fields.items():
                yield from _walk(inner, f"{at}.{name}", _field_of(shape, name, wrap))


def _field_of(record: Record, name: str, wrap: Wrap) -> Wrap:
    return lambda value: wrap({**sample(record), name: value})


def _listed(shape: Items, value: Any) -> list[Any]:
    others = range(1, max(shape.min_items, 1))
    return [value, *(sample(shape.item, number) for number in others)]


def _values(shape: Shape) -> Iterator[tuple[str, Any, bool]]:
    """Yield what is tried, the value, and whether it is legal."""
    yield "a value of a wrong type", _wrongly_typed(shape), isinstance(shape, Anything)
    match shape:
        case Text():
            yield from _texts(shape)
        case Choice(words):
            yield from ((f"the word {word}", word, True) for word in words)
            yield "another word", "Another", False
        case Number(minimum, maximum):
            yield from (("the least", minimum, True), ("the most", maximum, True))
            yield from (("less", minimum - 1, False), ("more", maximum + 1, False))
        case NumberOrText(max_length=most):
            yield "a number", 1, True
            yield "too many characters", "1" * (most + 1), False
            if shape.pattern:
                yield "characters that are not allowed", "1 é", False
        case Items():
            yield from _lists(shape)
        case Table() | AnyObject():
            value = shape.value if isinstance(shape, Table) else Anything()
            most = shape.max_entries
            full = {f"k{n}": sample(value, n) for n in range(most)}
            yield "as many entries as allowed", full, True
            yield "one entry more", {**full, "one-more": sample(value)}, False
        case Record() if shape.min_fields:
            yield "no field", {}, False


def _wrongly_typed(shape: Shape) -> Any:
    return "text" if isinstance(shape, Number | Flag | Items | Table | Record | AnyObject) else [1]


def _texts(shape: Text) -> Iterator[tuple[str, Any, bool]]:
    start = PREFIXES.get(shape.pattern or "", "a")
    longest = start + "b" * (shape.max_length - len(start))
    yield "as many characters as allowed", longest, True
    yield "one character more", f"{longest}b", False
    yield "no character", "", shape.min_length == 0
    if shape.pattern:
        refused = "a\0b" if shape.pattern == limits.NO_NUL else " é"
        yield "characters that are not allowed", refused, False
        yield "a line's end", f"{sample(shape)}\n", shape.pattern in WITH_LINES


def _lists(shape: Items) -> Iterator[tuple[str, Any, bool]]:
    def many(number: int) -> list[Any]:
        return [sample(shape.item, n) for n in range(number)]

    yield "as many entries as allowed", many(shape.max_items), True
    yield "one entry more", many(shape.max_items + 1), False
    if shape.min_items:
        yield "too few entries", many(shape.min_items - 1), False
    if shape.keys or shape.distinct:
        yield "an entry twice", [*many(max(shape.min_items, 1)), sample(shape.item)], False
