"""Reading the CRDs: their schema, and their CEL rules with the field each reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract.apiserver import plain_path

Schema = dict[str, Any]


def schema_of(crd: Schema) -> Schema:
    """Return the schema of the one version."""
    [version] = crd["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def rules_of(crd: Schema) -> Iterator[tuple[str, str]]:
    """Yield where each CEL rule reports (no indices), and its message."""
    for at, schema in nodes_of(schema_of(crd)):
        for rule in schema.get("x-kubernetes-validations", ()):
            field = plain_path(at + rule.get("fieldPath", "")).lstrip(".")
            yield field, rule["message"]


def nodes_of(schema: Schema, at: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every node of a schema with its path; [] stands for entries of lists and maps."""
    yield at, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes_of(inner, f"{at}.{name}")
    for field in ("items", "additionalProperties"):
        if isinstance(schema.get(field), dict):
            yield from nodes_of(schema[field], f"{at}[]")
