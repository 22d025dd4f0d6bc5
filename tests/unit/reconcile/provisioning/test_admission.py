"""Which namespaces a server admits."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.alias import Credentials
from dbalias.api.meta import Metadata
from dbalias.api.server import (
    AllowedFrom,
    AllowedNamespaces,
    DatabaseServer,
    Operator,
    Requirement,
    ServerEngine,
)
from dbalias.reconcile.provisioning.admission import find_refusal, needs_labels


def a_server(source: AllowedFrom, **fields: Any) -> DatabaseServer:
    """Return a server of namespace databases that admits by these rules."""
    return DatabaseServer(
        metadata=Metadata("databases", "main"),
        engine=ServerEngine.POSTGRESQL,
        host="db",
        admin=Credentials("admin"),
        allowed=AllowedNamespaces(source, **fields),
    )


def by_expression(operator: Operator, *values: str) -> DatabaseServer:
    """Return a server that admits by one expression about the label ``tier``."""
    return a_server(AllowedFrom.SELECTOR, expressions=(Requirement("tier", operator, values),))


@pytest.mark.parametrize("source", list(AllowedFrom))
def test_its_own_namespace_is_always_admitted(source: AllowedFrom) -> None:
    """Whatever the rules, and without reading any labels."""
    server = a_server(source)
    assert find_refusal(server, "databases") is None
    assert not needs_labels(server, "databases")


@pytest.mark.parametrize(
    ("server", "labels", "admitted"),
    [
        pytest.param(a_server(AllowedFrom.SAME), {}, False, id="Same admits no other"),
        pytest.param(a_server(AllowedFrom.ALL), None, True, id="All admits without labels"),
        pytest.param(
            a_server(AllowedFrom.NAMES, names=("shop",)), None, True, id="Names admits the named"
        ),
        pytest.param(
            a_server(AllowedFrom.NAMES, names=("shopping",)), None, False, id="no part of a name"
        ),
        pytest.param(
            a_server(AllowedFrom.SELECTOR, labels={"team": "a"}),
            {"team": "a", "x": "y"},
            True,
            id="matchLabels hold",
        ),
        pytest.param(
            a_server(AllowedFrom.SELECTOR, labels={"team": "a"}), {"team": "b"}, False, id="differ"
        ),
        pytest.param(
            a_server(AllowedFrom.SELECTOR, labels={"team": "a"}), None, False, id="unread denies"
        ),
        pytest.param(by_expression(Operator.IN, "a", "b"), {"tier": "b"}, True, id="In"),
        pytest.param(by_expression(Operator.IN, "a"), {}, False, id="In wants the label"),
        pytest.param(by_expression(Operator.NOT_IN, "a"), {"tier": "a"}, False, id="NotIn"),
        pytest.param(by_expression(Operator.NOT_IN, "a"), {}, True, id="NotIn holds when absent"),
        pytest.param(by_expression(Operator.EXISTS), {"tier": ""}, True, id="Exists"),
        pytest.param(by_expression(Operator.EXISTS), {}, False, id="Exists not"),
        pytest.param(by_expression(Operator.DOES_NOT_EXIST), {}, True, id="DoesNotExist"),
        pytest.param(by_expression(Operator.DOES_NOT_EXIST), None, False, id="unread proves none"),
    ],
)
def test_a_namespace_is_admitted_by_its_rules(
    server: DatabaseServer, labels: dict[str, str] | None, admitted: bool
) -> None:
    """Another namespace is admitted as the rules say, and denied where they cannot be told."""
    assert (find_refusal(server, "shop", labels) is None) is admitted


def test_a_refusal_names_both_sides_and_the_remedy() -> None:
    """Whoever reads the condition knows which object to edit."""
    refusal = find_refusal(a_server(AllowedFrom.SAME), "shop")
    assert refusal is not None
    assert "databases/main" in refusal
    assert "namespace shop" in refusal
    assert "spec.allowedNamespaces" in refusal
