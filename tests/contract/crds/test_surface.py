"""What users and programs see of our kinds: columns, names, defaults, selection, status."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from contract.apiserver import TABLE, ApiServer, objects
from contract.conftest import CRDS
from contract.crds.case import Case, a_policy_spec, a_server_spec, an_alias_spec
from contract.crds.schemas import nodes_of, schema_of
from dbalias.api.conditions import (
    Condition,
    ConditionValue,
    Reason,
    Status,
    parse_timestamp,
    render_conditions,
)
from dbalias.api.meta import GROUP, VERSION, Kind

COLUMNS = {
    Kind.PROJECT: [
        "Name",
        "Ready",
        "Reason",
        "Aliases",
        "Migrated",
        "Failed",
        "Revision",
        "Image",
        "Age",
    ],
    Kind.ALIAS: [
        "Name",
        "Ready",
        "Reason",
        "Project",
        "Alias",
        "Engine",
        "Database",
        "Migrated",
        "Age",
    ],
    Kind.POLICY: ["Name", "Ready", "Reason", "Project", "Order", "Router", "Age"],
    Kind.SERVER: ["Name", "Ready", "Reason", "Engine", "Version", "Databases", "Age"],
}
SHORT = {Kind.PROJECT: "djp", Kind.ALIAS: "dba", Kind.POLICY: "dbrp", Kind.SERVER: "dbs"}
SPECS: dict[Kind, dict[str, Any]] = {
    Kind.PROJECT: {},
    Kind.ALIAS: an_alias_spec(),
    Kind.POLICY: a_policy_spec(),
    Kind.SERVER: a_server_spec(),
}
COLUMNS_OF_SPEC: dict[Kind, dict[str, Any]] = {
    Kind.PROJECT: {"image": "shop:1"},
    Kind.POLICY: {"order": 1},
}
OWNED = [Kind.ALIAS, Kind.POLICY]

STATUS: dict[Kind, dict[str, Any]] = {
    Kind.PROJECT: {
        "revision": "abcdefghij",
        "publishedRevision": "abcdefghij",
        "credentialsRevision": "klmnopqrst",
        "jobsRevision": "abcdefghij",
        "lastHandledMigrateRequest": "2026-05-01T08:00:00Z",
        "aliases": {"total": 3, "migrated": 1, "failed": 1, "pending": 1},
        "lastHandledCheckRequest": "2026-05-01T08:00:00Z",
        "audit": {"errors": ["e"], "errorCount": 1, "warnings": ["w"], "warningCount": 1},
        "routes": {
            "revision": "abcdefghij",
            "job": "j",
            "reportedAt": "2026-05-01T08:00:00Z",
            "modelsCount": 3,
            "routesCount": 1,
            "destinations": [
                {
                    "apps": ["auth"],
                    "models": ["shop.Customer"],
                    "read": ["users_r1"],
                    "write": "users",
                    "migrate": ["users"],
                    "modelsCount": 3,
                }
            ],
        },
    },
    Kind.ALIAS: {
        "alias": "users",
        "database": {
            "engine": "django.db.backends.mysql",
            "host": "db",
            "port": "3306",
            "name": "n",
            "user": "u",
        },
        "settledLogin": "shop_users_a",
        "binding": {"name": "users-binding", "readOnly": "users-binding-readonly"},
        "provision": {
            "server": "databases/main",
            "place": "db.example:5432, TLS verify-full, CA ConfigMap ca key ca.pem",
            "database": "shop_users",
            "owner": "shop_users",
            "login": "shop_users_a",
            "readOnlyLogin": "shop_users_ra",
            "incarnation": "16401",
            "rotatedAt": "2026-05-01T08:00:00Z",
            "nextRotation": "2026-05-31T08:00:00Z",
            "deadline": "2026-05-01T08:10:00Z",
            "addedLater": {"by": "another version"},
        },
        "lastHandledRotateRequest": "2026-05-01T08:00:00Z",
        "migration": {
            "identity": "i",
            "attempt": 2,
            "job": "j",
            "jobUID": "u",
            "startedAt": "2026-05-01T08:00:00Z",
            "outcome": "Failed",
            "failures": 1,
            "retryAt": "2026-05-01T08:05:00Z",
            "message": "m",
            "logTail": "l",
            "completed": {
                "identity": "h",
                "image": "shop:1",
                "finishedAt": "2026-05-01T07:00:00Z",
                "appliedCount": 12,
                "last": "shop.0002_x",
                "aheadCount": 1,
                "ahead": ["shop.0003_y"],
            },
            "addedLater": {"by": "another version"},
        },
        "check": {
            "attempt": 1,
            "outcome": "Succeeded",
            "job": "c",
            "startedAt": "2026-05-01T08:00:00Z",
            "handledRequest": "2026-05-01T08:00:00Z",
            "completed": {
                "identity": "h",
                "finishedAt": "2026-05-01T08:00:01Z",
                "pendingCount": 1,
                "pending": ["shop.0003_y"],
            },
        },
    },
    Kind.POLICY: {"routerName": "dbalias_routers.Policy_auth"},
    Kind.SERVER: {
        "version": "PostgreSQL 15.14",
        "databases": 2,
        "orphans": {"count": 1, "databases": [{"name": "shop_old", "alias": "shop/old"}]},
        "nextAttempt": "2026-05-01T08:00:00Z",
    },
}


@pytest.mark.parametrize("kind", Kind)
def test_kind_has_its_names(kind: Kind, crds: dict[str, dict[str, Any]]) -> None:
    """Names, group, version and scope are those of the operator's constants."""
    spec = crds[kind]["spec"]
    names = spec["names"]
    assert (spec["group"], spec["versions"][0]["name"]) == (GROUP, VERSION)
    assert (names["plural"], names["singular"]) == (kind.plural, kind.lower())
    assert (names["shortNames"], names["categories"]) == ([SHORT[kind]], ["dbalias"])
    assert spec["scope"] == "Namespaced"


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.name)
def test_crd_fits_into_the_annotation_of_kubectl_apply(path: Any) -> None:
    """Annotations hold 256 KiB; 200 KB leave room for what comes."""
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize("kind", Kind)
def test_columns_say_how_the_object_is(apiserver: ApiServer, kind: Kind) -> None:
    """`kubectl get` has a column for each of these, in this order."""
    answer = apiserver.request("GET", objects(kind), accept=TABLE)
    assert [column["name"] for column in answer.body["columnDefinitions"]] == COLUMNS[kind]


@pytest.mark.parametrize("kind", Kind)
def test_columns_show_a_written_status(apiserver: ApiServer, kind: Kind) -> None:
    """Every column has a value once the operator has looked; the status keeps every field."""
    now = parse_timestamp("2026-05-01T08:00:00Z")
    assert now
    spec = {**SPECS[kind], **COLUMNS_OF_SPEC.get(kind, {})}
    body = Case("", kind, spec, "seen").body
    decided = [
        ConditionValue(Condition.READY, Status.FALSE, Reason.MIGRATION_FAILED, "m"),
        ConditionValue(Condition.MIGRATED, Status.FALSE, Reason.MIGRATION_FAILED, "m"),
    ]
    conditions = render_conditions(decided, previous=(), generation=1, now=now)
    status = {"observedGeneration": 1, "conditions": conditions, **STATUS[kind]}
    try:
        assert apiserver.create(body).accepted
        path = f"{objects(kind, 'seen')}/status?fieldValidation=Strict"
        written = apiserver.request("PATCH", path, {"status": status})
        table = apiserver.request("GET", objects(kind), accept=TABLE).body
    finally:
        apiserver.request("DELETE", objects(kind, "seen"))
    assert written.causes == []
    assert written.body["status"] == status
    [cells] = [row["cells"] for row in table["rows"] if row["cells"][0] == "seen"]
    assert all(cell not in (None, "", "<none>") for cell in cells), cells


@pytest.mark.parametrize("kind", Kind)
def test_fresh_object_is_not_current(apiserver: ApiServer, kind: Kind) -> None:
    """Programs that compare generations do not take a new object for a finished one."""
    body = Case("", kind, SPECS[kind], "fresh").body
    assert apiserver.try_create(body).body["status"] == {"observedGeneration": -1}
    made = apiserver.try_create({**body, "status": {}}).body
    assert made["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize(
    ("kind", "field"),
    [*((kind, "projectRef") for kind in OWNED), (Kind.ALIAS, "serverRef")],
)
def test_objects_are_listed_by_what_they_name(apiserver: ApiServer, kind: Kind, field: str) -> None:
    """The operator lists exactly the objects of one project, or those that name one server."""
    names = {"one": "shop", "two": "blog"}
    try:
        for name, named in names.items():
            spec = {**SPECS[kind], field: {"name": named}}
            assert apiserver.create(Case("", kind, spec, name).body).accepted
        query = f"?fieldSelector=spec.{field}.name%3Dblog"
        listed = apiserver.request("GET", objects(kind) + query).body
    finally:
        for name in names:
            apiserver.request("DELETE", objects(kind, name))
    assert [item["metadata"]["name"] for item in listed["items"]] == ["two"]


@pytest.mark.parametrize("kind", Kind)
def test_field_is_explained_and_bounded(kind: Kind, crds: dict[str, dict[str, Any]]) -> None:
    """`kubectl explain` has a text for each field; nothing a user writes is unbounded."""
    wanted = {"string": "maxLength", "array": "maxItems"}
    for at, node in nodes_of(schema_of(crds[kind])):
        if at and not at.endswith("[]") and at != ".metadata":
            assert node["description"].endswith("."), at
        if at.startswith(".spec.") and not {"enum", "default"} & node.keys():
            assert wanted.get(node.get("type", ""), "type") in node or is_open(node), at
        if at.startswith(".spec") and "additionalProperties" in node:
            assert "maxProperties" in node, at


def is_open(node: dict[str, Any]) -> bool:
    """Tell whether a node has no type because it takes any value, or a number or a text."""
    either = node.get("x-kubernetes-int-or-string") and node["maxLength"]
    return bool(either or node.get("x-kubernetes-preserve-unknown-fields"))


@pytest.mark.parametrize("kind", Kind)
def test_spec_has_no_default(kind: Kind, crds: dict[str, dict[str, Any]]) -> None:
    """A default would make a field set that empty, inheritFrom or a profile must see unset."""
    spec = schema_of(crds[kind])["properties"]["spec"]
    assert [at for at, node in nodes_of(spec) if "default" in node] == []


def test_rule_message_is_short_enough(crds: dict[str, dict[str, Any]]) -> None:
    """Every rule has a plain message within the API server's bound."""
    for crd in crds.values():
        for at, node in nodes_of(schema_of(crd)):
            for rule in node.get("x-kubernetes-validations", ()):
                assert 0 < len(rule["message"]) <= 2048, (at, json.dumps(rule))
                assert "messageExpression" not in rule, at


@pytest.mark.parametrize("kind", Kind)
def test_field_name_and_word_survive_yaml(kind: Kind, crds: dict[str, dict[str, Any]]) -> None:
    """Readers of YAML 1.1, kubectl among them, take on, off, yes and no for booleans."""
    for at, node in nodes_of(schema_of(crds[kind])):
        words = [*node.get("properties", {}), *(word for word in node.get("enum", ()) if word)]
        if at.startswith(".spec"):
            assert [yaml.safe_load(word) for word in words] == words, at
