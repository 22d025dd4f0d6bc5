"""What an understood router may do with a model's names and with constants, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from dbalias.cli.importing.router_source import (
    ModelName,
    NotUnderstoodError,
    Part,
    Pool,
    Subject,
)
from dbalias.cli.importing.values import Known


class Hints:
    """``**hints``: may be passed on, never be looked at."""


def beyond(node: ast.stmt | ast.expr, what: str) -> NotUnderstoodError:
    """Return the exception that says where a source is beyond us."""
    return NotUnderstoodError(f"line {node.lineno} has {what} that is not understood")


def attribute_of(node: ast.Attribute, owner: Any) -> Any:
    """Return an attribute of a model, of its ``_meta`` or ``_state``, or of ``random``."""
    match owner, node.attr:
        case Subject(), "_meta" | "_state" as name:
            return Part(name, owner)
        case Part(name="_meta", of=subject), "app_label":
            return subject.app
        case Part(name="_meta", of=subject), "model_name":
            return ModelName(subject.model)
        case Part(name="_meta", of=subject), "label_lower":
            return f"{subject.app}.{subject.model}"
        case Part(name="_state", of=Subject(database=str() as database)), "db":
            return database
        case Known(name="random"), "choice":
            return Known("random.choice")
    raise beyond(node, f"the attribute {node.attr}")


def look_up(node: ast.expr, values: Any, key: Any) -> Any:
    """Return one value of a constant dictionary, of settings or of the router's attributes."""
    if not isinstance(values, Mapping) or not isinstance(key, str):
        raise beyond(node, "a look-up")
    try:
        return values[key]
    except KeyError:
        raise beyond(node, "a look-up that may fail") from None


def holds(node: ast.expr, operator: ast.cmpop, left: Any, right: Any) -> bool:
    """Return whether a comparison of a name with a constant holds."""
    if left is not None and not isinstance(left, str | bool):
        raise beyond(node, "a comparison")
    match operator, right:
        case ast.Eq(), None | bool() | str():
            return bool(left == right)
        case ast.NotEq(), None | bool() | str():
            return bool(left != right)
        case ast.Is(), None:
            return left is None
        case ast.IsNot(), None:
            return left is not None
        case ast.In(), list() | tuple() | frozenset() | Mapping():
            return left in right
        case ast.NotIn(), list() | tuple() | frozenset() | Mapping():
            return left not in right
    raise beyond(node, "a comparison")


def choose(node: ast.Call, arguments: Sequence[Any]) -> Pool:
    """Return the answer of ``random.choice``."""
    match arguments:
        case [list() | tuple() as found] if found and all(isinstance(one, str) for one in found):
            return Pool(tuple(found))
    raise beyond(node, "a choice")
