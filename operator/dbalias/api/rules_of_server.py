"""What a DatabaseServer must hold beyond its shape, word for word as the CRD's CEL rules say it."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.meta import JSON
from dbalias.api.reader import Reader
from dbalias.api.rules_of_alias import demand_layout, demand_tls
from dbalias.api.server import AllowedFrom, Operator, ServerEngine

Spec = Mapping[str, JSON]


def demand_server_rules(reader: Reader, spec: Spec) -> None:
    """Report what the CRD's rules refuse."""
    demand_tls(reader, spec.get("tls", {}))
    _demand_admin(reader, spec.get("adminCredentials", {}))
    _demand_allowed(reader, spec.get("allowedNamespaces", {}))
    reader.demand(
        "database" not in spec or spec.get("engine") == ServerEngine.POSTGRESQL,
        "spec.database",
        "database is for postgresql alone",
        "Remove database",
    )


def _demand_admin(reader: Reader, credentials: Spec) -> None:
    at = "spec.adminCredentials"
    demand_layout(reader, credentials, at=at)
    reader.demand(
        credentials.get("keys", {}).keys().isdisjoint({"host", "port", "name"}),
        f"{at}.keys",
        "host, port and database of a server are fields of its spec",
        "Remove the keys host, port and name",
    )


def _demand_allowed(reader: Reader, allowed: Spec) -> None:
    at, source = "spec.allowedNamespaces", allowed.get("from")
    reader.demand(
        ("names" in allowed) == (source == AllowedFrom.NAMES),
        f"{at}.names",
        "names and from Names need each other",
        "Set both, or neither",
    )
    reader.demand(
        ("selector" in allowed) == (source == AllowedFrom.SELECTOR),
        f"{at}.selector",
        "selector and from Selector need each other",
        "Set both, or neither",
    )
    selector = allowed.get("selector")
    reader.demand(
        selector is None or any(selector.values()),
        f"{at}.selector",
        "selector demands nothing",
        "Name labels, or set from to All",
    )
    for index, term in enumerate((selector or {}).get("matchExpressions", ())):
        reader.demand(
            bool(term.get("values")) == (term.get("operator") in (Operator.IN, Operator.NOT_IN)),
            f"{at}.selector.matchExpressions[{index}]",
            "In and NotIn need values, Exists and DoesNotExist take none",
            "Add or remove values",
        )
