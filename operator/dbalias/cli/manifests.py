"""Kubernetes manifests in files, each value with the line it stands in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from dbalias.api.meta import JSON

STDIN = "-"
MARK = "\ufeff"
"""What some editors write before the first character: in the middle of a stream it is none."""
SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""What kubectl reads of a directory."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, counted from 1; 0 stands for the file as a whole."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file, or a part of it, is no manifest."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, whatever it holds."""

    node: yaml.Node
    body: JSON


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file."""

    path: str
    node: yaml.Node
    body: dict[str, JSON]

    def place(self, field: str = "") -> Place:
        """Return where a field path stands, or as much of it as is there."""
        return Place(self.path, _line(self.node, field))


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read: objects in the order of the files, and what could not be read."""

    manifests: tuple[Manifest, ...]
    faults: tuple[Fault, ...]


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as kubectl reads it: no timestamps, no numbers to the base of 60."""


Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("timestamp", "int", "float")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$"),
    list("-+0123456789"),
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


def read_manifests(paths: Iterable[str]) -> Reading:
    """Read files, the manifests directly in directories, and ``-`` for standard input.

    Every document of every file is read, lists of objects are taken apart, and what is no
    object becomes a fault: nothing is raised.
    """
    manifests: list[Manifest] = []
    faults: list[Fault] = []
    for source in read_texts(paths):
        for found in [source] if isinstance(source, Fault) else _parse(*source):
            if isinstance(found, Manifest):
                manifests.append(found)
            else:
                faults.append(found)
    return Reading(tuple(manifests), tuple(faults))


def read_texts(paths: Iterable[str]) -> Iterator[tuple[str, str] | Fault]:
    """Yield the name and the text of each file, or why it cannot be read."""
    for path in paths:
        yield from _read(path)


def _read(path: str) -> Iterator[tuple[str, str] | Fault]:
    try:
        if path == STDIN:
            yield "<stdin>", sys.stdin.read().removeprefix(MARK)
        elif Path(path).is_dir():
            yield from _read_directory(path)
        else:
            yield path, Path(path).read_text(encoding="utf-8").removeprefix(MARK)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        yield Fault(Place(path), f"cannot be read: {why}")


def _read_directory(path: str) -> Iterator[tuple[str, str] | Fault]:
    files = sorted(file for file in Path(path).iterdir() if file.suffix in SUFFIXES)
    if not files:
        yield Fault(Place(path), "there is no .yaml, .yml or .json file in this directory")
    for file in files:
        yield from _read(str(file))


def _parse(path: str, text: str) -> Iterator[Manifest | Fault]:
    for found in parse_documents(path, text):
        if isinstance(found, Fault):
            yield found
        else:
            yield from _objects(path, found.node, found.body)


def parse_documents(
    path: str, text: str, *, dialect: type[Loader] = Loader
) -> Iterator[Document | Fault]:
    """Yield the documents of a text one by one, or the fault at which reading ends."""
    try:
        loader = dialect(text)
        while loader.check_node():
            node = loader.get_node()
            repeated = list(_repeated_keys(node))
            yield from (Fault(Place(path, line), message) for line, message in repeated)
            if not repeated:
                yield Document(node, loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        yield Fault(Place(path, line), f"is not valid YAML: {error.problem}")
    except yaml.YAMLError:
        yield Fault(Place(path), "is not valid YAML: it has characters that are not allowed")
    except (ValueError, RecursionError):
        yield Fault(Place(path), "is not valid YAML: it has a value that nothing can hold")


def _objects(path: str, node: yaml.Node, body: JSON) -> Iterator[Manifest | Fault]:
    if body is None:
        return
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
        line = node.start_mark.line + 1
        yield Fault(Place(path, line), "is no Kubernetes object: it has no kind")
    elif body["kind"].endswith("List") and isinstance(body.get("items"), list):
        items = _child(node, "items")
        assert items is not None
        for inner, item in zip(items[1].value, body["items"], strict=True):
            yield from _objects(path, inner, item)
    elif not _has_name(body):
        line = _line(node, "metadata")
        yield Fault(Place(path, line), f"is no Kubernetes object: this {body['kind']} has no name")
    else:
        yield Manifest(path, node, body)


def _has_name(body: dict[str, JSON]) -> bool:
    metadata = body.get("metadata")
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)


def _repeated_keys(root: yaml.Node) -> Iterator[tuple[int, str]]:
    """Yield (line, message) for keys that are there twice, and for a value inside itself."""
    pending: list[tuple[yaml.Node, tuple[int, ...]]] = [(root, ())]
    seen: set[int] = set()
    while pending:
        node, above = pending.pop()
        if id(node) in above:
            yield node.start_mark.line + 1, "is not valid YAML: an anchor contains itself"
            return
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        below = node.value
        if isinstance(node, yaml.MappingNode):
            yield from _twice([key for key, _ in node.value])
            below = [value for _, value in node.value]
        pending += [(child, (*above, id(node))) for child in below]


def _twice(keys: Sequence[yaml.Node]) -> Iterator[tuple[int, str]]:
    known: set[str] = set()
    for key in keys:
        if isinstance(key, yaml.ScalarNode) and key.value != "<<":
            if key.value in known:
                yield key.start_mark.line + 1, f"the key {key.value} is there twice"
            known.add(key.value)


def _line(node: yaml.Node, field: str) -> int:
    """Return the line of a field path such as ``spec.rules[0].write`` or ``spec.env[PATH]``."""
    line, rest = node.start_mark.line + 1, field
    while rest:
        found = _step(node, rest)
        if found is None:
            break
        line, node, rest = found
    return line


def _step(node: yaml.Node, path: str) -> tuple[int, yaml.Node, str] | None:
    """Go one step down a path; return the line there, the node and the rest of the path."""
    if inside := re.match(r"\[([^\]]*)\]\.?", path):
        name, rest = inside.group(1), path[inside.end() :]
        if isinstance(node, yaml.SequenceNode):
            index = int(name) if name.isdigit() else len(node.value)
            if index >= len(node.value):
                return None
            return node.value[index].start_mark.line + 1, node.value[index], rest
        return _at(_child(node, name), rest)
    # A key may itself hold dots, as those of labels do: the longest that is there counts.
    ends = [match.start() for match in re.finditer(r"[.\[]|$", path)]
    for end in reversed(ends):
        for name in (path[:end], f"{path[:end]}JSON"):
            if child := _child(node, name):
                return _at(child, path[end:].removeprefix("."))
    return None


def _at(child: tuple[yaml.Node, yaml.Node] | None, rest: str) -> tuple[int, yaml.Node, str] | None:
    return None if child is None else (child[0].start_mark.line + 1, child[1], rest)


def _child(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the key and the value of an entry of a mapping."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)
