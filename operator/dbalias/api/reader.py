"""Reading an untyped body by its shape, collecting every problem with its field path."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from dbalias.api.meta import JSON
from dbalias.api.problems import Problem
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

_REFUSED = object()
"""Stands for a value that had a problem; it is left out of what ``read`` returns."""


DEEPEST = 64
"""Levels of lists and maps; what copies and prints them in applications is recursive."""


@dataclass(slots=True)
class Reader:
    """Collects the problems of one object; ``object`` is its Kind/name."""

    object: str
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, at: str, message: str, remedy: str) -> None:
        """Record one problem of the field path ``at``, each distinct one once."""
        problem = Problem(self.object, at, message, remedy)
        if problem not in self.problems:
            self.problems.append(problem)

    def demand(self, holds: bool, at: str, message: str, remedy: str) -> None:
        """Refuse ``at`` unless ``holds``, or unless its value was already refused."""
        if not holds and all(problem.field != at for problem in self.problems):
            self.refuse(at, message, remedy)

    def read(self, value: JSON, shape: Shape, *, at: str) -> JSON:
        """Return the part of ``value`` that has ``shape``; what has not becomes problems."""
        kept = self._read(value, shape, at)
        return None if kept is _REFUSED else kept

    def read_json(self, text: str, *, at: str) -> JSON:
        """Return the value written in ``text``; None with a problem for anything but JSON."""
        try:
            value = json.loads(
                text,
                object_pairs_hook=_unique_pairs,
                parse_constant=_refuse_constant,
                parse_float=_finite,
            )
        except (ValueError, RecursionError):
            remedy = "Write one JSON value, each key once, without NaN or Infinity"
            self.refuse(at, f"{_leaf(at)} is not valid JSON", remedy)
            return None
        kept = self._read_anything(value, at)
        return None if kept is _REFUSED else kept

    def read_json_object(self, text: str, *, at: str) -> dict[str, JSON]:
        """Return the object written in ``text``; {} with a problem for anything else."""
        value = self.read_json(text, at=at)
        if isinstance(value, dict):
            return value
        self.demand(False, at, f"{_leaf(at)} is not a JSON object", 'Write it as {"key": value}')
        return {}

    def read_json_fields(self, spec: JSON, *fields: str, at: str) -> dict[str, JSON]:
        """Return the map ``spec`` with what each text ``<field>JSON`` says as ``<field>``."""
        read = dict(spec)
        for name in fields:
            text = read.pop(f"{name}JSON", None)
            if text is not None:
                read[name] = self.read_json_object(text, at=f"{at}.{name}JSON")
        return read

    def _read(self, value: JSON, shape: Shape, at: str) -> JSON:
        match shape:
            case Items():
                return self._read_items(value, shape, at)
            case Table() | AnyObject():
                return self._read_table(value, shape, at)
            case Record():
                return self._read_record(value, shape, at)
            case Anything():
                return self._read_anything(value, at)
            case _:
                return self._read_scalar(value, shape, at)

    def _read_scalar(
        self, value: JSON, shape: Text | Choice | Number | Flag | NumberOrText, at: str
    ) -> JSON:
        match shape:
            case Text():
                return self._read_text(value, shape, at)
            case Choice(words):
                return self._read_choice(value, words, at)
            case Number():
                return self._read_number(value, shape, at)
            case Flag():
                return self._expect(value, bool, "true or false", at)
            case NumberOrText():
                return self._read_number_or_text(value, shape, at)

    def _fail(self, at: str, message: str, remedy: str) -> JSON:
        self.refuse(at, message, remedy)
        return _REFUSED

    def _expect(self, value: JSON, kind: type, wanted: str, at: str) -> JSON:
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        return self._fail(at, f"{_leaf(at)} has the wrong type", f"Write {wanted}")

    def _read_text(self, value: JSON, shape: Text, at: str) -> JSON:
        text = self._expect(value, str, "a string, in quotes where YAML reads it otherwise", at)
        if text is _REFUSED:
            return text
        if not shape.min_length <= len(text) <= shape.max_length:
            least = "it must not be empty, and" if shape.min_length else "it"
            remedy = f"{least} may have at most {shape.max_length} characters".capitalize()
            return self._fail(at, f"{_leaf(at)} has {len(text)} characters", remedy)
        if not _is_unicode(text):
            return self._read_anything(text, at)
        return self._matching(text, shape.pattern, at)

    def _matching(self, text: str, pattern: str | None, at: str) -> JSON:
        if pattern is None or re.fullmatch(pattern, text):
            return text
        return self._fail(
            at,
            f"{_leaf(at)} has characters in it that are not allowed",
            f"Write what matches {pattern}",
        )

    def _read_choice(self, value: JSON, words: tuple[str, ...], at: str) -> JSON:
        if isinstance(value, str) and value in words:
            return value
        remedy = f"Write one of {', '.join(words)}"
        return self._fail(at, f"{_leaf(at)} is none of the known words", remedy)

    def _read_number(self, value: JSON, shape: Number, at: str) -> JSON:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        number = self._expect(whole, int, "a whole number, without quotes", at)
        if number is _REFUSED or shape.minimum <= number <= shape.maximum:
            return number
        remedy = f"Write a number from {shape.minimum} to {shape.maximum}"
        return self._fail(at, f"{_leaf(at)} is out of range", remedy)

    def _read_number_or_text(self, value: JSON, shape: NumberOrText, at: str) -> JSON:
        if isinstance(value, int) and not isinstance(value, bool):
            return _REFUSED if self._matching(str(value), shape.pattern, at) is _REFUSED else value
        return self._read_text(value, Text(shape.max_length, pattern=shape.pattern), at)

    def _read_items(self, value: JSON, shape: Items, at: str) -> JSON:
        items = self._expect(value, list, "a list", at)
        if items is _REFUSED:
            return items
        if not shape.min_items <= len(items) <= shape.max_items:
            remedy = f"Write {shape.min_items} to {shape.max_items} entries"
            return self._fail(at, f"{_leaf(at)} has {len(items)} entries", remedy)
        read = [self._read(item, shape.item, f"{at}[{i}]") for i, item in enumerate(items)]
        kept = [item for item in read if item is not _REFUSED]
        self._refuse_duplicates(kept, shape, at)
        return kept

    def _refuse_duplicates(self, items: list[JSON], shape: Items, at: str) -> None:
        if not shape.keys and not shape.distinct:
            return
        what = f"the same {' and '.join(shape.keys)}" if shape.keys else "the same value"
        seen = set()
        for index, item in enumerate(items):
            name = json.dumps([item.get(key) for key in shape.keys] if shape.keys else item)
            if name in seen:
                self.refuse(f"{at}[{index}]", f"{_leaf(at)} has {what} twice", "Keep one of them")
            seen.add(name)

    def _read_table(self, value: JSON, shape: Table | AnyObject, at: str) -> JSON:
        table = self._expect(value, dict, "a map", at)
        if table is _REFUSED or not self._has_text_keys(table, at):
            return _REFUSED
        if len(table) > shape.max_entries:
            remedy = f"Keep at most {shape.max_entries}"
            return self._fail(at, f"{_leaf(at)} has {len(table)} entries", remedy)
        if isinstance(shape, AnyObject):
            return self._read_anything(table, at)
        read = {k: self._read(v, shape.value, f"{at}[{k}]") for k, v in table.items()}
        return {k: v for k, v in read.items() if v is not _REFUSED}

    def _read_record(self, value: JSON, shape: Record, at: str) -> JSON:
        record = self._expect(value, dict, "a map of fields", at)
        if record is _REFUSED or not self._has_text_keys(record, at):
            return _REFUSED
        # The API server drops a null before it looks for required fields.
        said = {name: item for name, item in record.items() if item is not None}
        for name in said:
            if name not in shape.fields:
                self.refuse_unknown(name, shape.fields, at=_join(at, name))
        for name in shape.required:
            if name not in said:
                self.refuse(_join(at, name), f"{name} is missing", f"Set {_join(at, name)}")
        if len(said) < shape.min_fields:
            self.refuse(at, f"{_leaf(at)} is empty", "Set at least one field or leave it out")
        read = {
            name: self._read(said[name], inner, _join(at, name))
            for name, inner in shape.fields.items()
            if name in said
        }
        return {name: item for name, item in read.items() if item is not _REFUSED}

    def _read_anything(self, value: JSON, at: str) -> JSON:
        if not _is_json(value):
            remedy = "Put dates, NaN and keys that are not texts in quotes"
            return self._fail(at, f"{_leaf(at)} holds what JSON cannot", remedy)
        if not _is_unicode(json.dumps(value, ensure_ascii=False)):
            remedy = "Write the character itself instead of half of a \\u pair"
            return self._fail(at, f"{_leaf(at)} holds half a character", remedy)
        if _depth(value) > DEEPEST:
            remedy = f"Keep to {DEEPEST} levels"
            return self._fail(at, f"{_leaf(at)} is nested too deeply", remedy)
        return value

    def _has_text_keys(self, table: dict[JSON, JSON], at: str) -> bool:
        if all(isinstance(key, str) for key in table):
            return True
        self.refuse(at, f"{_leaf(at)} has a key that is not a string", "Put it in quotes")
        return False

    def refuse_unknown(self, name: str, known: Iterable[str], *, at: str) -> None:
        """Record that the field ``name`` does not exist, with the known name it resembles."""
        names = {word.lower(): word for word in known}
        close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
        remedy = f"Did you mean {names[close[0]]}?" if close else f"Known: {', '.join(known)}"
        self.refuse(at, f"there is no field {name}", remedy)


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _leaf(at: str) -> str:
    return at.rsplit(".", 1)[-1] if at else "the object"


def _is_json(value: JSON) -> bool:
    """Tell whether a value read from YAML is one that JSON has; aliases may make it a loop."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def _unique_pairs(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse_constant(_word: str) -> JSON:
    raise ValueError("NaN and Infinity are not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("no float is as large")
    return value


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be written as UTF-8: JSON can spell half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _depth(value: JSON) -> int:
    depth, level = 0, [value]
    while level := [
        inner
        for outer in level
        if isinstance(outer, dict | list)
        for inner in (outer.values() if isinstance(outer, dict) else outer)
    ]:
        depth += 1
    return depth
