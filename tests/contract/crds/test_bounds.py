"""Every bound, word and type of the CRDs on a real API server, and the parser beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.apiserver import ApiServer, plain_path
from contract.crds.bounds import Bound, bounds_of
from contract.crds.case import Case
from contract.crds.schemas import rules_of
from dbalias.api.meta import Kind
from dbalias.api.parse import parse_object
from dbalias.api.shape_of_alias import ALIAS_SPEC
from dbalias.api.shape_of_policy import POLICY_SPEC
from dbalias.api.shape_of_project import PROJECT_SPEC
from dbalias.api.shape_of_server import SERVER_SPEC
from dbalias.api.shapes import Record

SPECS = {
    Kind.ALIAS: ALIAS_SPEC,
    Kind.POLICY: POLICY_SPEC,
    Kind.PROJECT: PROJECT_SPEC,
    Kind.SERVER: SERVER_SPEC,
}


PARTS = [
    pytest.param(kind, name, id=f"{kind} spec.{name}")
    for kind, spec in SPECS.items()
    for name in spec.fields
]

PARSER_ONLY = ("JSON is not valid JSON", "exactly one of value and valueJSON")
"""Parts of messages about the content of a text, which the server does not read."""


@pytest.fixture(scope="session")
def rules(crds: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """What the CEL rules say: about these values too, but not about their bounds."""
    return tuple(message for crd in crds.values() for _, message in rules_of(crd))


@pytest.mark.parametrize(("kind", "part"), PARTS)
def test_bounds_of_a_field_are_kept_by_server_and_parser(
    apiserver: ApiServer, rules: tuple[str, ...], kind: Kind, part: str
) -> None:
    """A value at a bound is no reason for a refusal of that field, one beyond it is."""
    wrong = []
    for bound in _bounds(SPECS[kind], part):
        body = {**Case("", kind, {}).body, "spec": bound.spec}
        if (bound.field in _server_refuses(body, apiserver, rules)) is bound.legal:
            wrong.append(("server", bound.field, bound.what))
        if (bound.field in _parser_refuses(body, rules)) is bound.legal:
            wrong.append(("parser", bound.field, bound.what))
    assert wrong == []


def _bounds(spec: Record, part: str) -> Iterator[Bound]:
    """Yield the bounds of one field, in a spec of that field and those it demands."""
    names = {*spec.required, part}
    fields = {name: shape for name, shape in spec.fields.items() if name in names}
    for bound in bounds_of(Record(fields, required=spec.required)):
        if bound.field.split(".")[1:2] in ([], [part], ["unheardOf"]):
            yield bound


def _server_refuses(body: dict[str, Any], apiserver: ApiServer, rules: tuple[str, ...]) -> set[str]:
    causes = apiserver.try_create(body).causes
    return {cause.field for cause in causes if not cause.message.endswith(rules)}


def _parser_refuses(body: dict[str, Any], rules: tuple[str, ...]) -> set[str]:
    return {
        plain_path(problem.field.replace("[k]", ".k"))
        for problem in parse_object(body).problems
        if not str(problem).endswith(rules)
        and not any(part in problem.message for part in PARSER_ONLY)
    }
