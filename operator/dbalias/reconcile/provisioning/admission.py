"""Whom a server admits: the alias names the server, and the server admits the namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from dbalias.api.server import AllowedFrom, DatabaseServer, Operator, Requirement


def needs_labels(server: DatabaseServer, namespace: str) -> bool:
    """Tell whether the labels of the namespace have to be read to know."""
    own = namespace == server.metadata.namespace
    return not own and server.allowed.source is AllowedFrom.SELECTOR


def find_refusal(
    server: DatabaseServer, namespace: str, labels: Mapping[str, str] | None = None
) -> str | None:
    """Return why aliases of this namespace are not admitted, with the remedy; None if they are.

    ``labels`` are those of the namespace; None where they could not be read, which denies.
    """
    if needs_labels(server, namespace) and labels is None:
        return (
            f"the labels of namespace {namespace} cannot be read, and the DatabaseServer "
            f"{_name(server)} admits by labels. Let the operator get namespaces"
        )
    if _admits(server, namespace, labels or {}):
        return None
    return (
        f"the DatabaseServer {_name(server)} does not admit namespace {namespace}. "
        "Admit it in the server's spec.allowedNamespaces"
    )


def _admits(server: DatabaseServer, namespace: str, labels: Mapping[str, str]) -> bool:
    allowed = server.allowed
    if namespace == server.metadata.namespace:
        return True
    match allowed.source:
        case AllowedFrom.SAME:
            return False
        case AllowedFrom.ALL:
            return True
        case AllowedFrom.NAMES:
            return namespace in allowed.names
        case AllowedFrom.SELECTOR:
            return labels.items() >= allowed.labels.items() and all(
                _holds(one, labels) for one in allowed.expressions
            )
    assert_never(allowed.source)


def _holds(one: Requirement, labels: Mapping[str, str]) -> bool:
    """Tell whether labels meet one expression; NotIn holds where the label is absent."""
    match one.operator:
        case Operator.IN:
            return labels.get(one.key) in one.values
        case Operator.NOT_IN:
            return labels.get(one.key) not in one.values
        case Operator.EXISTS:
            return one.key in labels
        case Operator.DOES_NOT_EXIST:
            return one.key not in labels
    assert_never(one.operator)


def _name(server: DatabaseServer) -> str:
    return f"{server.metadata.namespace}/{server.metadata.name}"
