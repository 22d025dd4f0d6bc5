"""Metadata, and since when the declared input stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dbalias.api.meta import FIELD_MANAGER, SERVERS_FIELD_MANAGER, Kind
from dbalias.api.parse import is_ours, parse_alias, parse_object
from dbalias.api.parse_metadata import parse_metadata
from unit.api.bodies import a_body, an_alias

CREATED = "2026-05-01T08:00:00Z"
LATER = "2026-05-01T09:00:00Z"


def _entry(manager: str, time: str | None = LATER, **fields: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Apply", "time": time, **fields}


def test_metadata_of_a_live_object_is_read() -> None:
    """Everything that decisions use arrives."""
    metadata = parse_metadata(
        {
            "namespace": "apps",
            "name": "users",
            "uid": "u",
            "generation": 3,
            "resourceVersion": "7",
            "creationTimestamp": CREATED,
            "deletionTimestamp": LATER,
            "annotations": {"a": "b"},
            "labels": {"c": "d"},
            "finalizers": ["dbalias.dev/database"],
        }
    )
    assert (metadata.namespace, metadata.name, metadata.uid) == ("apps", "users", "u")
    assert (metadata.generation, metadata.resource_version) == (3, "7")
    assert (metadata.annotations, metadata.labels) == ({"a": "b"}, {"c": "d"})
    assert (metadata.deleting, metadata.deleted_at) == (True, datetime(2026, 5, 1, 9, tzinfo=UTC))
    assert metadata.finalizers == ("dbalias.dev/database",)
    assert metadata.created_at == metadata.changed_at == datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_metadata_of_a_file_has_no_times() -> None:
    """What only a server knows stays empty."""
    metadata = parse_metadata({"name": "users"})
    assert (metadata.namespace, metadata.uid, metadata.generation) == ("", "", 0)
    assert (metadata.created_at, metadata.changed_at, metadata.deleting) == (None, None, False)


@pytest.mark.parametrize("time", [datetime(2026, 5, 1, 8), datetime(2026, 5, 1, 8, tzinfo=UTC)])
def test_time_that_yaml_has_read_already_is_a_time(time: datetime) -> None:
    """A file may hold a creationTimestamp without quotes."""
    created = datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert parse_metadata({"creationTimestamp": time}).created_at == created


def test_time_that_is_none_counts_as_absent() -> None:
    """A file is no place to fail over a time."""
    assert parse_metadata({"creationTimestamp": "yesterday"}).created_at is None


@pytest.mark.parametrize(
    ("entries", "hour"),
    [
        pytest.param([], 8, id="created"),
        pytest.param([_entry("kubectl")], 9, id="edited"),
        pytest.param([_entry("kubectl"), _entry("helm", CREATED)], 9, id="edited before"),
        pytest.param([_entry("kubectl", subresource="status")], 8, id="a status written"),
        pytest.param([_entry(FIELD_MANAGER)], 8, id="written by the operator"),
        pytest.param([_entry(SERVERS_FIELD_MANAGER)], 8, id="a finalizer set by the operator"),
        pytest.param([_entry("kubectl", None)], 8, id="no time"),
    ],
)
def test_declared_input_is_as_old_as_its_last_edit(
    entries: list[dict[str, Any]], hour: int
) -> None:
    """Neither status nor the operator's own writes make an object young again."""
    metadata = parse_metadata({"creationTimestamp": CREATED, "managedFields": entries})
    assert metadata.changed_at == datetime(2026, 5, 1, hour, tzinfo=UTC)


@pytest.mark.parametrize("name", [None, "", "Users", "a_b", "-a", "a.", "a..b", "a" * 254])
def test_object_with_an_illegal_name_is_refused(name: Any) -> None:
    """What the API server would not take as a name."""
    fields = [p.field for p in parse_alias(a_body(Kind.ALIAS, {}, name=name)).problems]
    assert "metadata.name" in fields


def test_envelope_is_checked_too() -> None:
    """A wrong version, a missing spec and a stray field are told together."""
    body = {"apiVersion": "dbalias.dev/v1", "kind": "DatabaseAlias", "specs": {}}
    fields = [problem.field for problem in parse_object(body).problems]
    assert fields == ["specs", "apiVersion", "metadata.name", "spec", "spec.engine"]


@pytest.mark.parametrize("body", [None, [], "text", {}, {"kind": "Secret"}])
def test_something_else_is_refused_without_an_error(body: Any) -> None:
    """Any document of a YAML file may be asked about."""
    parsed = parse_object(body)
    assert parsed.value is None
    assert [problem.field for problem in parsed.problems] == ["kind"]


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        (an_alias(), True),
        ({"apiVersion": "dbalias.dev/v9"}, True),
        ({"apiVersion": "v1"}, False),
        ({"apiVersion": 1}, False),
        (None, False),
    ],
)
def test_object_is_ours_by_its_group(body: Any, ours: bool) -> None:
    """A file may hold other objects beside ours; a wrong version is still ours."""
    assert is_ours(body) is ours


def test_object_is_read_by_its_kind() -> None:
    """One entry for all kinds."""
    specs: dict[Kind, dict[str, Any]] = {
        Kind.PROJECT: {},
        Kind.ALIAS: {"projectRef": {"name": "shop"}, "engine": "mysql"},
        Kind.POLICY: {"projectRef": {"name": "shop"}},
    }
    for kind, spec in specs.items():
        value = parse_object(a_body(kind, spec)).value
        assert type(value).__name__ == kind
