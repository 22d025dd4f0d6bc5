"""What aliases are made from besides themselves: servers, Secrets and ConfigMaps, read live."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.api.parse_server import parse_server
from dbalias.api.provision import ServerRef
from dbalias.api.server import DatabaseServer
from dbalias.django.sources import (
    Missing,
    SourceKind,
    SourceRef,
    SourceState,
    Unavailable,
    required_sources,
    secret_ref,
)
from dbalias.migrations.identity import incarnation_of
from dbalias.reconcile.declared import read_source
from dbalias.reconcile.places import Servers, ServerState, Unusable, not_found, placed, server_name
from dbalias.reconcile.ports import Resource, UnreadableError
from dbalias.reconcile.provisioning.admission import find_refusal, needs_labels
from dbalias.reconcile.reading import Reading
from dbalias.reconcile.snapshot import Snapshot
from dbalias.servers.bindings import Intact, binding_name, read_binding
from dbalias.servers.marks import Mark

AT_ONCE = 16


async def with_inputs(reading: Reading, snapshot: Snapshot) -> Snapshot:
    """Read the servers that aliases name, and then what all of them refer to."""
    aliases, installation = snapshot.aliases, snapshot.memory.installation
    servers = await _servers(reading, {alias.server for alias in aliases if alias.server})
    found, hindered = placed(aliases, servers)
    made = {
        secret_ref(binding_name(alias.metadata.name)): alias
        for alias in found
        if alias.provision and alias.metadata.name not in hindered
    }
    slots = asyncio.Semaphore(AT_ONCE)

    async def read(ref: SourceRef) -> tuple[SourceRef, SourceState]:
        async with slots:
            state, body = await _source(reading, ref)
        alias = made.get(ref)
        if alias is not None and not _is_issued(body, alias, servers, installation):
            return ref, state if isinstance(state, Unavailable) else Missing()
        return ref, state

    sources = await asyncio.gather(*(read(ref) for ref in sorted(required_sources(found))))
    tried = (one.metadata.name for one in made.values() if _tries(servers, one))
    return replace(
        snapshot,
        aliases=found,
        hindered=hindered,
        sources=dict(sources),
        tried=frozenset(tried),
    )


async def _servers(reading: Reading, refs: set[ServerRef]) -> Servers:
    ordered = sorted(refs, key=lambda ref: (ref.namespace, ref.name))
    states = await asyncio.gather(*(_server(reading, ref) for ref in ordered))
    return dict(zip(ordered, states, strict=True))


async def _server(reading: Reading, ref: ServerRef) -> ServerState:
    try:
        body = await reading.concerning(Resource.SERVERS, ref.namespace, ref.name)
    except UnreadableError as error:
        return Unusable(Reason.UNREADABLE, f"{server_name(ref)} cannot be read: {error}")
    if body is None:
        return not_found(ref)
    parsed = parse_server(body)
    if parsed.value is None:
        text = f"{server_name(ref)} cannot be understood: {parsed.problems[0]}"
        return Unusable(Reason.SERVER_UNAVAILABLE, text)
    return await _admitting(reading, parsed.value)


async def _admitting(reading: Reading, server: DatabaseServer) -> ServerState:
    """Return the server, if it admits the namespace of the project."""
    namespace, labels = reading.key.namespace, None
    if needs_labels(server, namespace):
        try:
            body = await reading.concerning(Resource.NAMESPACES, None, namespace)
        except UnreadableError:
            body = None
        labels = None if body is None else body["metadata"].get("labels") or {}
    refusal = find_refusal(server, namespace, labels)
    return Unusable(Reason.NAMESPACE_NOT_ALLOWED, refusal) if refusal else server


async def _source(reading: Reading, ref: SourceRef) -> tuple[SourceState, JSON | None]:
    is_secret = ref.kind is SourceKind.SECRET
    resource = Resource.SECRETS if is_secret else Resource.CONFIG_MAPS
    namespace = ref.namespace or reading.key.namespace
    try:
        body = await reading.concerning(resource, namespace, ref.name)
    except UnreadableError as error:
        return Unavailable(str(error)), None
    return (Missing() if body is None else read_source(body)), body


def _tries(servers: Servers, alias: DatabaseAlias) -> bool:
    server = servers[alias.server] if alias.server else None
    return isinstance(server, DatabaseServer) and server.check_logins


def _is_issued(
    body: JSON | None, alias: DatabaseAlias, servers: Servers, installation: str
) -> bool:
    """Tell whether a binding Secret is as the server pass issued it, and of which database."""
    meta, server = alias.metadata, servers[alias.server] if alias.server else None
    if not isinstance(server, DatabaseServer) or incarnation_of(alias) is None:
        return False
    mark = Mark(installation, meta.namespace, meta.name)
    return isinstance(read_binding(body, mark, server.engine), Intact)
