"""Every CEL rule of the CRDs on a real API server, and the offline parser beside it."""

from __future__ import annotations

from typing import Any

import pytest

from contract.apiserver import ApiServer, Cause, objects
from contract.crds import (
    cases_of_alias,
    cases_of_policy,
    cases_of_project,
    cases_of_provision,
    cases_of_server,
)
from contract.crds.case import Case, an_alias_spec
from contract.crds.cases_of_provision import made
from contract.crds.schemas import rules_of
from dbalias.api.meta import Kind
from dbalias.api.parse import parse_object

CASES = [
    *cases_of_alias.CASES,
    *cases_of_provision.CASES,
    *cases_of_policy.CASES,
    *cases_of_project.CASES,
    *cases_of_server.CASES,
]
REFUSED = [case for case in CASES if case.message]
ACCEPTED = [case for case in CASES if not case.message]

PROJECT = "projectRef cannot be changed. Delete the object and create it for the other project"
ALIAS = "alias cannot be changed. Delete the object and create another"
SERVER = "a provisioned database stays on its server. Delete the object and create another"
NAME = "a provisioned database is not renamed. Delete the object and create another"
TRANSITIONS = {
    (Kind.ALIAS, "spec.projectRef", PROJECT),
    (Kind.POLICY, "spec.projectRef", PROJECT),
    (Kind.ALIAS, "", ALIAS),
    (Kind.ALIAS, "spec.serverRef", SERVER),
    (Kind.ALIAS, "spec.name", NAME),
}
"""Rules about a change; the parser sees one state only and cannot know them."""


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.id)
def test_case_is_accepted_by_server_and_parser(apiserver: ApiServer, case: Case) -> None:
    """What the sentence allows is taken by both."""
    assert apiserver.try_create(case.body).causes == []
    assert parse_object(case.body).problems == ()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_case_is_refused_by_server_and_parser_in_the_same_words(
    apiserver: ApiServer, case: Case
) -> None:
    """What the sentence forbids is refused by both, and both say the same."""
    [cause] = apiserver.try_create(case.body).causes
    assert cause.field == case.field
    assert cause.message.endswith(case.message)
    parsed = parse_object(case.body)
    assert parsed.value is None
    assert [problem for problem in parsed.problems if str(problem).endswith(case.message)]


def test_rule_of_every_crd_has_a_refused_case(crds: dict[str, dict[str, Any]]) -> None:
    """A rule that is added without a case fails here."""
    tried = {(case.kind, case.field, case.message) for case in REFUSED} | TRANSITIONS
    assert {(Kind(kind), *rule) for kind, crd in crds.items() for rule in rules_of(crd)} == tried


@pytest.mark.parametrize(
    ("name", "declared", "changed", "cause"),
    [
        pytest.param(
            "users",
            an_alias_spec(),
            {"projectRef": {"name": "other"}},
            Cause("spec.projectRef", PROJECT),
            id="an alias stays with its project",
        ),
        pytest.param(
            "users",
            an_alias_spec(alias="users"),
            {"alias": "u"},
            Cause("", ALIAS),
            id="an alias stays",
        ),
        pytest.param(
            "users",
            an_alias_spec(),
            {"alias": "u"},
            Cause("", ALIAS),
            id="the name stays the alias",
        ),
        pytest.param(
            "users", an_alias_spec(), {"alias": "users"}, None, id="the name may be said again"
        ),
        pytest.param("users", an_alias_spec(), {"host": "h"}, None, id="the rest may change"),
        pytest.param(
            "users",
            made(),
            {"serverRef": {"name": "other"}},
            Cause("spec.serverRef", SERVER),
            id="a made database stays on its server",
        ),
        pytest.param(
            "users",
            made(),
            {"serverRef": {"namespace": "other"}},
            Cause("spec.serverRef", SERVER),
            id="a server of another namespace is another",
        ),
        pytest.param(
            "users", made(), {"name": "other"}, Cause("spec.name", NAME), id="nothing is renamed"
        ),
        pytest.param(
            "users",
            made(name=None),
            {"name": "other"},
            Cause("spec.name", NAME),
            id="the default name stays",
        ),
        pytest.param(
            "users",
            made(),
            {"provision": None, "serverRef": {"name": "other"}, "name": "other"},
            None,
            id="what is made no more may move",
        ),
        pytest.param(
            "users",
            an_alias_spec(serverRef={"name": "main"}),
            {"provision": {}, "name": "other"},
            None,
            id="what was not made may be made under another name",
        ),
        pytest.param(
            "users",
            made(),
            {"provision": {"deletionPolicy": "Delete"}, "engine": "postgis"},
            None,
            id="how it is made may change",
        ),
    ],
)
def test_change_of_an_alias_is_refused_where_it_would_become_another(
    apiserver: ApiServer, name: str, declared: Any, changed: Any, cause: Cause | None
) -> None:
    """Identity is immutable, everything else is not."""
    assert apiserver.create(Case("", Kind.ALIAS, declared, name).body).accepted
    try:
        path = objects(Kind.ALIAS, name)
        answer = apiserver.request("PATCH", f"{path}?dryRun=All", {"spec": changed})
    finally:
        apiserver.request("DELETE", path)
    if cause is None:
        assert answer.causes == []
    else:
        [found] = answer.causes
        assert found.field == cause.field
        assert found.message.endswith(cause.message)


def test_change_of_a_policys_project_is_refused(apiserver: ApiServer) -> None:
    """A policy stays with its project."""
    body = Case("", Kind.POLICY, {"projectRef": {"name": "shop"}}, "auth").body
    path = objects(Kind.POLICY, "auth")
    assert apiserver.create(body).accepted
    try:
        change = {"spec": {"projectRef": {"name": "other"}}}
        [cause] = apiserver.request("PATCH", path, change).causes
    finally:
        apiserver.request("DELETE", path)
    assert cause.field == "spec.projectRef"
    assert cause.message.endswith(PROJECT)
