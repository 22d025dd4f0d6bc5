"""Whatever a file holds, parsing answers: a value, or problems, never an error."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from dbalias.api.parse import parse_object
from unit.api.bodies import a_policy, a_project, a_server, an_alias

BODIES = [
    an_alias(
        name="n",
        credentials={"secretRef": {"name": "s"}, "keys": {"password": "p"}},
        tls={"mode": "require", "caRef": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        options={"isolation_level": "serializable", "pool": True},
        extra={"SCHEMA": "x"},
        connMaxAge=0,
        test={"mirror": "default", "dependencies": ["default"]},
        migrate={"args": ["-v"], "dependsOn": ["default"], "connection": {"options": {}}},
    ),
    an_alias(
        name="n",
        serverRef={"name": "main", "namespace": "databases"},
        provision={
            "database": {"extensions": [{"name": "citext", "schema": "x"}], "schemas": ["shop"]},
            "password": {"length": 20},
            "rotation": {"interval": "30d"},
        },
    ),
    an_alias(
        serverRef={"name": "main"},
        credentials={"secretRef": {"name": "s"}, "keys": {"password": "p"}},
        provision={"database": {"charset": "utf8mb4", "collation": "c"}},
    ),
    {
        **a_server(),
        "metadata": {
            "name": "main",
            "namespace": "databases",
            "uid": "u",
            "generation": 1,
            "creationTimestamp": "2026-05-01T08:00:00Z",
            "managedFields": [{"manager": "kubectl", "time": "2026-05-01T08:00:00Z"}],
            "finalizers": ["dbalias.dev/database"],
            "labels": {"a": "b"},
            "annotations": {"a": "b"},
        },
    },
    a_server(
        port=5432,
        tls={"mode": "require", "caRef": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        allowedNamespaces={
            "from": "Selector",
            "selector": {
                "matchLabels": {"a": "b"},
                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
            },
        },
        adoptable=["legacy"],
        maxConnections=4,
        database="postgres",
    ),
    a_policy(
        {"match": {"apps": ["auth"]}, "read": ["r"], "weights": {"r": 1}, "write": "users"},
        relations=[{"aliases": ["users", "orders"]}],
    ),
    a_project(
        settings={"module": "shop.settings", "extra": [{"name": "A", "value": 1}]},
        profiles=[{"name": "web", "aliases": [{"alias": "*", "connMaxAge": 1}]}],
        migrate={
            "args": ["-v"],
            "deadlineSeconds": 600,
            "pod": {
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
                "envFrom": [{"secretRef": {"name": "s"}}],
                "labels": {"a": "b"},
                "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}],
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            },
        },
        commands=[{"name": "c", "args": ["check"], "databases": ["users"]}],
        workloads=[{"kind": "Deployment", "name": "web"}],
    ),
]
LEAVES = (
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.dates()
)
KEYS = some.text() | some.integers() | some.booleans()
ANYTHING = some.recursive(LEAVES, lambda inner: some.lists(inner) | some.dictionaries(KEYS, inner))


@settings(max_examples=600)
@given(some.sampled_from(BODIES), ANYTHING, some.data())
def test_body_with_anything_anywhere_is_read_or_refused(
    legal: dict[str, Any], anything: Any, data: Any
) -> None:
    """One place of a legal object holds whatever YAML can; the answer is of one kind."""
    body = copy.deepcopy(legal)
    folder, key = data.draw(some.sampled_from(_places(body)))
    folder[key] = anything
    parsed = parse_object(body)
    assert (parsed.value is None) == bool(parsed.problems)


def test_bodies_are_legal() -> None:
    """Else the test above would look at refusals alone."""
    assert [problem for body in BODIES for problem in parse_object(body).problems] == []


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a body: a map or list, and a key or index in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in pairs:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += _places(inner)
    return found
