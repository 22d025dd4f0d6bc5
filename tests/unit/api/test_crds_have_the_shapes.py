"""The schemas in crds/ and the shapes that the parser reads by are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias.api.meta import Kind
from dbalias.api.shape_of_alias import ALIAS_SPEC
from dbalias.api.shape_of_policy import POLICY_SPEC
from dbalias.api.shape_of_project import PROJECT_SPEC
from dbalias.api.shape_of_server import SERVER_SPEC
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

CRDS = Path(__file__).parents[3] / "crds"
OPEN = {"x-kubernetes-preserve-unknown-fields": True}
SPECS = {
    Kind.ALIAS: ALIAS_SPEC,
    Kind.POLICY: POLICY_SPEC,
    Kind.PROJECT: PROJECT_SPEC,
    Kind.SERVER: SERVER_SPEC,
}


@pytest.mark.parametrize("kind", Kind)
def test_schema_of_spec_says_what_the_shape_says(kind: Kind) -> None:
    """Fields, types, words, patterns, bounds and kinds of lists agree, descriptions aside."""
    crd = yaml.safe_load((CRDS / f"dbalias.dev_{kind.plural}.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert _without_prose(schema) == _render(SPECS[kind])


def _without_prose(schema: dict[str, Any]) -> dict[str, Any]:
    kept = dict(schema)
    for name in ("description", "x-kubernetes-validations"):
        kept.pop(name, None)
    if "properties" in kept:
        kept["properties"] = {n: _without_prose(s) for n, s in kept["properties"].items()}
    for name in ("items", "additionalProperties"):
        if name in kept:
            kept[name] = _without_prose(kept[name])
    return kept


def _render(shape: Shape) -> dict[str, Any]:
    """Return the OpenAPI schema of a shape."""
    match shape:
        case Items():
            return _render_items(shape)
        case Table(value=value, max_entries=most):
            inner = {"additionalProperties": _render(value)}
            return {"type": "object", "maxProperties": most, **inner}
        case Record():
            return _render_record(shape)
        case AnyObject(max_entries=most):
            return {"type": "object", "maxProperties": most, **OPEN}
        case Anything():
            return OPEN
        case _:
            return _render_scalar(shape)


def _render_scalar(shape: Text | Choice | Number | Flag | NumberOrText) -> dict[str, Any]:
    match shape:
        case Text(most, least, pattern):
            return _said(type="string", minLength=least, maxLength=most, pattern=pattern)
        case Choice(words):
            return {"type": "string", "enum": list(words)}
        case Number(least, most):
            wide = "int32" if most < 2**31 else "int64"
            return {"type": "integer", "format": wide, "minimum": least, "maximum": most}
        case Flag():
            return {"type": "boolean"}
        case NumberOrText(most, pattern):
            either = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
            extension = {"x-kubernetes-int-or-string": True}
            return {**extension, **either, **_said(maxLength=most, pattern=pattern)}


def _render_items(shape: Items) -> dict[str, Any]:
    kind = "map" if shape.keys else "set" if shape.distinct else "atomic"
    return {
        "type": "array",
        "x-kubernetes-list-type": kind,
        "maxItems": shape.max_items,
        "items": _render(shape.item),
        **_said(minItems=shape.min_items),
        **({"x-kubernetes-list-map-keys": list(shape.keys)} if shape.keys else {}),
    }


def _render_record(shape: Record) -> dict[str, Any]:
    fields = {name: _render(inner) for name, inner in shape.fields.items()}
    required = _said(required=list(shape.required), minProperties=shape.min_fields)
    return {"type": "object", "properties": fields, **required}


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
