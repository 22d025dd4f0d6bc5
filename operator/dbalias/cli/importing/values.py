"""Values of a settings module: read with their types, and said in JSON where JSON can."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from dbalias.api.meta import JSON

EXACT_INTEGER = 2**53
"""Beyond it numbers of a manifest lose digits on their way; as JSON text they do not."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value that only Python has; ``what`` names its type."""

    what: str


@dataclass(frozen=True, slots=True)
class Known:
    """A name that routers use: ``random``, ``random.choice`` or Django's ``settings``."""

    name: str


class NotJSONError(Exception):
    """A value has no JSON form: where below it, and what it is."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what


def decode(tagged: JSON) -> Any:
    """Return the value that ``encode`` of the reading script was given."""
    if not isinstance(tagged, Mapping):
        return tagged
    [kind] = tagged.keys() - {"default"}
    content = tagged[kind]
    if kind == "dict":
        return _mapping(content, tagged)
    read: Mapping[str, Callable[[JSON], Any]] = {
        "list": lambda items: [decode(item) for item in items],
        "tuple": lambda items: tuple(decode(item) for item in items),
        "set": lambda items: frozenset(_hashable(decode(item)) for item in items),
        "bytes": base64.b64decode,
        "path": PurePosixPath,
        "known": Known,
        "other": Foreign,
    }
    return read[kind](content)


def _mapping(pairs: JSON, tagged: Mapping[str, JSON]) -> dict[Any, Any]:
    values = {_hashable(decode(key)): decode(value) for key, value in pairs}
    if "default" in tagged:
        default = decode(tagged["default"])
        return defaultdict(lambda: default, values)
    return values


def _hashable(value: Any) -> Any:
    """Return a key or member: of collections that Python could hash, ours may not be hashable."""
    return Foreign("a collection") if isinstance(value, dict | list | tuple) else value


def to_json(value: Any, path: str = "") -> JSON:
    """Return a value as JSON has it; raise NotJSONError for one that it has not.

    Tuples become lists and paths texts: the one loss that no database backend can tell.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _utf8(value, path)
        case PurePosixPath():
            return _utf8(str(value), path)
        case list() | tuple():
            return [to_json(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case dict():
            return {
                _key(key, path): to_json(item, _below(path, key)) for key, item in value.items()
            }
        case bytes():
            raise NotJSONError(path, "bytes")
        case frozenset():
            raise NotJSONError(path, "a set")
    raise NotJSONError(
        path, value.what if isinstance(value, Foreign) else "a value of Python's own"
    )


def _utf8(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJSONError(path, "text that is not Unicode") from None
    return text


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise NotJSONError(path, "a dictionary with keys that are no text")
    return _utf8(key, path)


def _below(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def survives_manifest(value: JSON) -> bool:
    """Return whether a value is the same after kubectl and Helm: no null, no inexact number."""
    match value:
        case None | float():
            return False
        case bool():
            return True
        case int():
            return abs(value) <= EXACT_INTEGER
        case list():
            return all(map(survives_manifest, value))
        case dict():
            return all(map(survives_manifest, value.values()))
    return True
