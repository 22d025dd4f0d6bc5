"""A router as its source has it, and the names that it is asked with instead of models."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbalias.api.meta import JSON
from dbalias.cli.importing.values import decode

CHANGING = frozenset(
    {
        *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"),
        *("setdefault", "update"),
    }
)
"""Methods of collections after which a constant is none."""


class NotUnderstoodError(Exception):
    """Why a router's source is beyond us, with the line."""


@dataclass(frozen=True, slots=True)
class RouterClass:
    """One class of a router's ancestry: its body, and the constants that it can name."""

    name: str
    body: ast.ClassDef
    names: Mapping[str, Any]
    settings: Mapping[str, Any]
    changed: frozenset[str] = frozenset()
    """Names that are no constants, because something in its module changes them."""
    functions: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
    """What its module defines beside the class, each once."""

    def nodes(self) -> Iterator[ast.AST]:
        """Yield all of the source that may count: the class, and functions that it may call."""
        for part in (self.body, *self.functions.values()):
            yield from ast.walk(part)


@dataclass(frozen=True, slots=True)
class Router:
    """A router: its classes, the nearest first, and the plain values among its attributes."""

    classes: Sequence[RouterClass]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def method(self, name: str) -> tuple[RouterClass, ast.FunctionDef] | None:
        """Return a method and the class that defines it; None if there is none."""
        for kind in self.classes:
            for node in reversed(kind.body.body):
                match node:
                    case ast.FunctionDef(name=found) if found == name:
                        return kind, node
                    case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                        if isinstance(value, ast.Name):
                            return self.method(value.id)
                        raise NotUnderstoodError(f"line {node.lineno} makes {name} from a value")
        return None


@dataclass(frozen=True, slots=True)
class Pool:
    """The answer of ``random.choice``."""

    aliases: tuple[str, ...]


class ModelName(str):
    """The name of a model, which Django writes in lower case, whatever its class is called."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, or an instance of one on a database, as far as routers may look at it."""

    app: str
    model: str
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """``_meta`` or ``_state`` of a subject."""

    name: str
    of: Subject


def read_router(described: JSON) -> Router:
    """Return a router as the reading script describes it; raise NotUnderstoodError."""
    if "why" in described:
        raise NotUnderstoodError(described["why"])
    classes = [_read_class(one) for one in described["classes"]]
    changed = frozenset().union(*(one.changed for one in classes))
    attributes = {name: decode(one) for name, one in described["attributes"].items()}
    return Router(classes, {k: v for k, v in attributes.items() if k not in changed})


def _read_class(described: JSON) -> RouterClass:
    try:
        tree = ast.parse(described["source"])
    except SyntaxError:
        raise NotUnderstoodError("its module is written for a newer Python than ours") from None
    changed = frozenset(_changed(tree))
    names = {name: decode(one) for name, one in described["names"].items() if name not in changed}
    settings = {name: decode(one) for name, one in described["settings"].items()}
    body = _find_class(tree, described["name"])
    if body.decorator_list or body.keywords:
        raise NotUnderstoodError(f"line {body.lineno} makes the class in a way of its own")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    counts = Counter(one.name for one in functions)
    once = {one.name: one for one in functions if counts[one.name] == 1 and one.name not in names}
    return RouterClass(described["name"], body, names, settings, changed, once)


def _find_class(tree: ast.Module, name: str) -> ast.ClassDef:
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    if len(found) != 1:
        raise NotUnderstoodError("its class is not defined once at the top of its module")
    return found[0]


def _changed(tree: ast.Module) -> Iterator[str]:
    """Yield every name and attribute that a function of a module may change later."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if getattr(function, "name", "") == "__init__":
            continue
        for node in ast.walk(function):
            match node:
                case ast.Global(names=names):
                    yield from names
                case ast.Attribute(ctx=ast.Store() | ast.Del(), attr=name):
                    yield name
                case ast.Subscript(ctx=ast.Store() | ast.Del(), value=inner):
                    yield from _last_name(inner)
                case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in CHANGING:
                    yield from _last_name(inner)


def _last_name(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
