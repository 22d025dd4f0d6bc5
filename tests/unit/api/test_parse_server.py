"""A DatabaseServer read from YAML."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.alias import TLS, Credentials, ObjectKeyRef, Preset, TLSMode
from dbalias.api.parse_server import parse_server
from dbalias.api.server import (
    AllowedFrom,
    AllowedNamespaces,
    DatabaseServer,
    Operator,
    Requirement,
    ServerEngine,
)
from unit.api.bodies import a_server


def a_parsed_server(**fields: Any) -> DatabaseServer:
    """Return the value of a legal server."""
    value = parse_server(a_server(**fields)).value
    assert value
    return value


def test_server_with_all_fields_is_read() -> None:
    """Everything that is declared arrives."""
    server = a_parsed_server(
        engine="mariadb",
        port=3307,
        tls={
            "mode": "verify-full",
            "caRef": {"configMapKeyRef": {"name": "ca", "key": "ca.pem"}},
            "clientCertificateRef": {"name": "admin-tls"},
        },
        adminCredentials={"secretRef": {"name": "root"}, "preset": "BasicAuth"},
        adoptable=["legacy"],
        maxConnections=8,
        checkLogins=True,
    )
    assert (server.engine, server.host, server.port) == (ServerEngine.MARIADB, "db", 3307)
    ca = ObjectKeyRef("ConfigMap", "ca", "ca.pem")
    assert server.tls == TLS(TLSMode.VERIFY_FULL, ca, "admin-tls")
    assert server.admin == Credentials("root", preset=Preset.BASIC_AUTH)
    assert (server.max_connections, server.check_logins) == (8, True)
    assert server.adoptable == {"legacy"}


def test_server_has_the_defaults_that_are_documented() -> None:
    """Four connections, its own namespace, no logging in as others."""
    server = a_parsed_server()
    assert (server.port, server.tls, server.database) == (None, None, None)
    assert server.allowed == AllowedNamespaces(AllowedFrom.SAME)
    assert (server.max_connections, server.check_logins) == (4, False)
    assert server.adoptable == frozenset()


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"from": "All"}, AllowedNamespaces(AllowedFrom.ALL)),
        (
            {"from": "Names", "names": ["shop", "blog"]},
            AllowedNamespaces(AllowedFrom.NAMES, names=("shop", "blog")),
        ),
        (
            {
                "from": "Selector",
                "selector": {
                    "matchLabels": {"databases": "allowed"},
                    "matchExpressions": [
                        {"key": "stage", "operator": "In", "values": ["test"]},
                        {"key": "legacy", "operator": "DoesNotExist"},
                    ],
                },
            },
            AllowedNamespaces(
                AllowedFrom.SELECTOR,
                labels={"databases": "allowed"},
                expressions=(
                    Requirement("stage", Operator.IN, ("test",)),
                    Requirement("legacy", Operator.DOES_NOT_EXIST),
                ),
            ),
        ),
    ],
    ids=["all", "by name", "by label"],
)
def test_namespaces_that_are_admitted_are_read(
    declared: dict[str, Any], expected: AllowedNamespaces
) -> None:
    """In each of the ways in which a server admits."""
    assert a_parsed_server(allowedNamespaces=declared).allowed == expected


def test_every_problem_of_a_server_is_told_at_once() -> None:
    """Each with its field and a remedy."""
    parsed = parse_server(a_server(host="/run/db", port=0, allowedNamespaces={"from": "Names"}))
    assert parsed.value is None
    fields = {problem.field for problem in parsed.problems}
    assert fields == {"spec.host", "spec.port", "spec.allowedNamespaces.names"}
    assert all(problem.remedy for problem in parsed.problems)
