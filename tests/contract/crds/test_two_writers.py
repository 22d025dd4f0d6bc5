"""The status of an alias has two writers, each of which knows its own part alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contract.apiserver import ApiServer, objects
from contract.crds.case import Case
from contract.crds.cases_of_provision import made
from dbalias.api.conditions import Condition
from dbalias.api.meta import FIELD_MANAGER, SERVERS_FIELD_MANAGER, Kind

NAME = "two-writers"


def conditions(*types: Condition) -> list[dict[str, Any]]:
    """Return conditions that are True."""
    now = "2026-05-01T08:00:00Z"
    rest = {"status": "True", "reason": "Ready", "message": "", "lastTransitionTime": now}
    return [{"type": one.value, "observedGeneration": 1, **rest} for one in types]


PROJECTS: dict[str, Any] = {
    "observedGeneration": 1,
    "conditions": conditions(Condition.READY, Condition.MIGRATED),
    "alias": "users",
    "settledLogin": "apps_users_a",
}
SERVERS: dict[str, Any] = {
    "conditions": conditions(Condition.PROVISIONED),
    "binding": {"name": "users-binding"},
    "provision": {"database": "apps_users", "incarnation": "16401"},
    "lastHandledRotateRequest": "2026-05-01T08:00:00Z",
}
WHOLE = {
    **PROJECTS,
    **SERVERS,
    "conditions": sorted(
        (*PROJECTS["conditions"], *SERVERS["conditions"]), key=lambda one: str(one["type"])
    ),
}


@pytest.fixture
def alias(apiserver: ApiServer) -> Iterator[ApiServer]:
    """An API server with an alias whose status nobody has written."""
    assert apiserver.create(Case("", Kind.ALIAS, made(), NAME).body).accepted
    yield apiserver
    apiserver.request("DELETE", objects(Kind.ALIAS, NAME))


def write(alias: ApiServer, status: dict[str, Any], manager: str) -> dict[str, Any]:
    """Apply one part and return the whole status, its conditions in the order of their types."""
    answer = alias.apply_status(Kind.ALIAS, NAME, status, manager=manager)
    assert answer.accepted, answer.body
    found: dict[str, Any] = answer.body["status"]
    return {**found, "conditions": sorted(found.get("conditions", ()), key=lambda c: c["type"])}


@pytest.mark.parametrize("turned", [False, True], ids=["project first", "server first"])
def test_parts_of_both_writers_stand_beside_each_other(alias: ApiServer, turned: bool) -> None:
    """In whichever order they come, and written again they change nothing."""
    parts = [(PROJECTS, FIELD_MANAGER), (SERVERS, SERVERS_FIELD_MANAGER)]
    for part, manager in reversed(parts) if turned else parts:
        write(alias, part, manager)
    read = alias.request("GET", objects(Kind.ALIAS, NAME)).body["metadata"]["resourceVersion"]
    for part, manager in parts:
        assert write(alias, part, manager) == WHOLE
    after = alias.request("GET", objects(Kind.ALIAS, NAME)).body["metadata"]["resourceVersion"]
    assert after == read


def test_writer_takes_away_its_own_part_alone(alias: ApiServer) -> None:
    """A condition or field that it applies no more goes; those of the other stay."""
    write(alias, PROJECTS, FIELD_MANAGER)
    write(alias, SERVERS, SERVERS_FIELD_MANAGER)
    less = {**PROJECTS, "conditions": conditions(Condition.READY)}
    kept = write(alias, less, FIELD_MANAGER)
    assert [one["type"] for one in kept["conditions"]] == ["Provisioned", "Ready"]
    assert write(alias, {}, SERVERS_FIELD_MANAGER) == less


def test_status_before_the_projects_pass_is_not_current(alias: ApiServer) -> None:
    """What the server pass writes makes no program believe that the alias is done."""
    assert write(alias, SERVERS, SERVERS_FIELD_MANAGER)["observedGeneration"] == -1


def test_part_that_was_decided_from_an_older_state_is_refused(alias: ApiServer) -> None:
    """Both carry the version that they read."""
    made_as = alias.request("GET", objects(Kind.ALIAS, NAME)).body["metadata"]["resourceVersion"]
    write(alias, PROJECTS, FIELD_MANAGER)
    late = alias.apply_status(
        Kind.ALIAS, NAME, SERVERS, manager=SERVERS_FIELD_MANAGER, version=made_as
    )
    assert late.code == 409
