"""Aliases with what their DatabaseServers give them: a place, TLS, and what was made there.

A server lends its CA and nothing else that it reads: neither its administrator's login nor a
certificate that proves who the administrator is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from dbalias.api.alias import TLS, Credentials, DatabaseAlias, TLSMode
from dbalias.api.conditions import Reason
from dbalias.api.meta import Kind
from dbalias.api.problems import Problem
from dbalias.api.provision import ServerRef
from dbalias.api.server import DatabaseServer, ServerEngine
from dbalias.django.engines import Family, family_of
from dbalias.django.faults import problem
from dbalias.django.lineage import elect_owners
from dbalias.django.resolve import declared_family
from dbalias.reconcile.provisioning.claims import find_misfit
from dbalias.servers.bindings import binding_name
from dbalias.servers.names import database_name


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a server that aliases name gives them nothing; ``message`` ends with the remedy."""

    reason: Reason
    message: str


ServerState: TypeAlias = DatabaseServer | Unusable
Servers: TypeAlias = Mapping[ServerRef, ServerState]
"""Each server that aliases of one namespace name, as that namespace may see it."""

CREATE_OR_NAME_ANOTHER = (
    "Create it, or name another: an alias with provision is deleted and created anew for that"
)
"""The API server lets nobody change the server of a database that is to be made."""


def not_found(ref: ServerRef) -> Unusable:
    """Return the state of a server that does not exist."""
    text = f"{server_name(ref)} does not exist (yet). {CREATE_OR_NAME_ANOTHER}"
    return Unusable(Reason.SERVER_NOT_FOUND, text)


def server_name(ref: ServerRef) -> str:
    """Return how sentences name a server."""
    where = f"{ref.namespace}/" if ref.namespace else ""
    return f"the {Kind.SERVER.value} {where}{ref.name}"


def placed(
    aliases: Iterable[DatabaseAlias], servers: Servers
) -> tuple[tuple[DatabaseAlias, ...], dict[str, Problem]]:
    """Return the aliases where their servers are; and a problem, by object, for each without."""
    found = tuple(
        _at(alias, servers.get(alias.server) if alias.server else None) for alias in aliases
    )
    owners, _ = elect_owners(found)
    problems = {one.metadata.name: _fault(one, servers, owners) for one in found if one.server}
    return found, {name: fault for name, fault in problems.items() if fault}


def _fault(
    alias: DatabaseAlias, servers: Servers, owners: Mapping[str, DatabaseAlias]
) -> Problem | None:
    assert alias.server is not None
    state = servers.get(alias.server) or not_found(alias.server)
    if isinstance(state, Unusable):
        return hindrance(alias, "spec.serverRef", state.reason, state.message)
    inherited, there = declared_family(alias, owners), family_of(state.engine)
    misfit = find_misfit(alias, state)
    if misfit or inherited in (there, Family.OTHER):
        return misfit
    message = f"the engine it has from there is for {inherited.value}, the server {there.value}"
    return problem(alias, "spec.inheritFrom", message, "Name another server, or another alias")


def hindrance(alias: DatabaseAlias, field: str, reason: Reason, message: str) -> Problem:
    """Return the problem of an alias that has no place, or no login there, for now."""
    return problem(alias, field, message, "What is published stays meanwhile", reason)


def is_made(credentials: Credentials, alias: DatabaseAlias) -> bool:
    """Tell whether credentials are those that the server pass makes for an alias."""
    return alias.provision is not None and credentials == _made_credentials(alias)


def _at(alias: DatabaseAlias, server: ServerState | None) -> DatabaseAlias:
    if not isinstance(server, DatabaseServer):
        return alias
    # What inherits has its engine from there, unless it says another.
    engine = alias.engine or (None if alias.inherit_from else server.engine.value)
    there = replace(
        alias, engine=engine, host=server.host, port=server.port, tls=_lent(server, alias)
    )
    return _made(there, server.engine) if alias.provision else there


def _lent(server: DatabaseServer, alias: DatabaseAlias) -> TLS:
    """Return how a server is to be trusted; drivers of MySQL have no way to refuse TLS."""
    tls = server.tls or TLS()
    ca = tls.ca and replace(tls.ca, namespace=_elsewhere(server, alias))
    refused = tls.mode is TLSMode.DISABLE and server.engine is not ServerEngine.POSTGRESQL
    return TLS(mode=None if refused else tls.mode, ca=ca)


def _elsewhere(server: DatabaseServer, alias: DatabaseAlias) -> str | None:
    there = server.metadata.namespace
    return None if there == alias.metadata.namespace else there


def _made(alias: DatabaseAlias, engine: ServerEngine) -> DatabaseAlias:
    """Return an alias with the database and the login that are made for it."""
    meta = alias.metadata
    name = database_name(meta.namespace, meta.name, declared=alias.name, engine=engine)
    return replace(alias, name=name, credentials=_made_credentials(alias))


def _made_credentials(alias: DatabaseAlias) -> Credentials:
    keys = {"user": "username", "password": "password"}
    return Credentials(binding_name(alias.metadata.name), keys=keys)
