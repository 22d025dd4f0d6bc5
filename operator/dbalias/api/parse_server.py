"""Reading a DatabaseServer."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.meta import JSON, Kind
from dbalias.api.parse_alias import build_credentials, build_tls
from dbalias.api.parse_metadata import Envelope, open_envelope
from dbalias.api.problems import Parsed
from dbalias.api.rules_of_server import demand_server_rules
from dbalias.api.server import (
    DEFAULT_CONNECTIONS,
    AllowedFrom,
    AllowedNamespaces,
    DatabaseServer,
    Operator,
    Requirement,
    ServerEngine,
)
from dbalias.api.shape_of_server import SERVER_SPEC

Spec = Mapping[str, JSON]


def parse_server(body: JSON) -> Parsed[DatabaseServer]:
    """Return the server that ``body`` declares, or every problem that it has."""
    envelope = open_envelope(body, kind=Kind.SERVER, spec=SERVER_SPEC)
    reader = envelope.reader
    demand_server_rules(reader, envelope.spec)
    if reader.problems:
        return Parsed(None, tuple(reader.problems))
    return Parsed(_build_server(envelope))


def _build_server(envelope: Envelope) -> DatabaseServer:
    spec = envelope.spec
    return DatabaseServer(
        metadata=envelope.metadata,
        engine=ServerEngine(spec["engine"]),
        host=spec["host"],
        admin=build_credentials(spec["adminCredentials"]),
        port=spec.get("port"),
        tls=build_tls(spec.get("tls")),
        database=spec.get("database"),
        allowed=_build_allowed(spec.get("allowedNamespaces", {})),
        adoptable=frozenset(spec.get("adoptable", ())),
        max_connections=spec.get("maxConnections", DEFAULT_CONNECTIONS),
        check_logins=spec.get("checkLogins", False),
        status=envelope.status,
    )


def _build_allowed(spec: Spec) -> AllowedNamespaces:
    selector = spec.get("selector", {})
    return AllowedNamespaces(
        source=AllowedFrom(spec.get("from", AllowedFrom.SAME)),
        names=tuple(spec.get("names", ())),
        labels=selector.get("matchLabels", {}),
        expressions=tuple(
            Requirement(one["key"], Operator(one["operator"]), tuple(one.get("values", ())))
            for one in selector.get("matchExpressions", ())
        ),
    )
