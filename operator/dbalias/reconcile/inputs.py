"""What aliases are made from besides themselves: servers, Secrets and ConfigMaps, read live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Key
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
from dbalias.migrations.record import Outcome, Record, stored_tasks
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.declared import read_source
from dbalias.reconcile.places import Servers, ServerState, Unusable, not_found, placed, server_name
from dbalias.reconcile.poll import version_of
from dbalias.reconcile.ports import Resource, UnreadableError
from dbalias.reconcile.provisioned import moved
from dbalias.reconcile.provisioning.admission import find_refusal, needs_labels
from dbalias.reconcile.reading import Reading
from dbalias.reconcile.snapshot import Astray, Snapshot
from dbalias.servers.bindings import Intact, Place, binding_name, is_as_written, read_binding
from dbalias.servers.marks import Mark

AT_ONCE = 16
_SHUT_OUT = (Reason.LOGIN_REFUSED, Reason.DATABASE_UNREACHABLE)


@dataclass(frozen=True, slots=True)
class _Binding:
    """A Secret that the server pass writes for an alias."""

    alias: DatabaseAlias
    server: DatabaseServer
    mark: Mark

    @property
    def is_known(self) -> bool:
        """Whether the server pass has told which database it opens."""
        return incarnation_of(self.alias) is not None

    @property
    def is_told(self) -> bool:
        """Whether the server pass has told that it has written it."""
        return bool(self.alias.status.get("binding"))

    def is_intact(self, body: JSON | None) -> bool:
        """Tell whether a Secret of this name is the one that was written."""
        return isinstance(read_binding(body, self.mark, self.server.engine), Intact)

    def is_as_written(self, body: JSON | None) -> bool:
        """Tell whether nobody edited anything in it: other consumers read more than the login."""
        here = self.server
        place = Place(here.engine, here.host, self.alias.name or "", here.port)
        return is_as_written(body, self.mark, place)


async def with_inputs(reading: Reading, secrets: BindingSecrets, snapshot: Snapshot) -> Snapshot:
    """Read the servers that aliases name, and then what all of them refer to."""
    servers = await _servers(reading, {one.server for one in snapshot.aliases if one.server})
    found, hindered = placed(snapshot.aliases, servers)
    hindered = moved(found, servers) | hindered
    bindings = _bindings(found, servers, snapshot.memory.installation)
    astray: set[Astray] = set()
    slots = asyncio.Semaphore(AT_ONCE)

    async def read(ref: SourceRef) -> tuple[SourceRef, SourceState]:
        binding = bindings.get(ref)
        if binding is not None and not (binding.is_known or binding.is_told):
            return ref, Missing()  # the status that tells of it comes after the Secret
        async with slots:
            asked = reading.binding(secrets, ref.name) if binding else _asked(reading, ref)
            state, body = await _source(asked)
        if binding is None or isinstance(state, Unavailable):
            return ref, state
        intact = binding.is_intact(body)
        if binding.is_told and not binding.is_as_written(body):
            version, there = version_of(body), binding.server.metadata
            astray.add(
                Astray(Key(there.namespace, there.name), binding.alias.metadata.name, version)
            )
        return ref, state if intact and binding.is_known else Missing()

    wanted = sorted(required_sources(found) | bindings.keys())
    return replace(
        snapshot,
        aliases=found,
        hindered=hindered,
        sources=dict(await asyncio.gather(*map(read, wanted))),
        tried=frozenset(
            one.alias.metadata.name for one in bindings.values() if one.server.check_logins
        ),
        astray=frozenset(astray.union(*map(_shut_out, bindings.values()))),
    )


def _shut_out(binding: _Binding) -> frozenset[Astray]:
    """Return the runs that did not get into a database that was made: it may be gone."""
    status, meta = binding.alias.status, binding.server.metadata
    records = [Record.stored(status, task) for task in stored_tasks(status, binding.alias.alias)]
    return frozenset(
        Astray(Key(meta.namespace, meta.name), binding.alias.metadata.name, record.job)
        for record in records
        if record.outcome is Outcome.FAILED and record.reason in _SHUT_OUT
    )


def _bindings(
    aliases: Iterable[DatabaseAlias], servers: Servers, installation: str
) -> dict[SourceRef, _Binding]:
    found = {}
    for alias in aliases:
        server = servers[alias.server] if alias.server else None
        if alias.provision is None or not isinstance(server, DatabaseServer):
            continue
        meta = alias.metadata
        binding = _Binding(alias, server, Mark(installation, meta.namespace, meta.name))
        found[secret_ref(binding_name(meta.name))] = binding
        if alias.provision.read_only:
            found[secret_ref(binding_name(meta.name, readers=True))] = binding
    return found


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


def _asked(reading: Reading, ref: SourceRef) -> Awaitable[JSON | None]:
    is_secret = ref.kind is SourceKind.SECRET
    resource = Resource.SECRETS if is_secret else Resource.CONFIG_MAPS
    return reading.concerning(resource, ref.namespace or reading.key.namespace, ref.name)


async def _source(asked: Awaitable[JSON | None]) -> tuple[SourceState, JSON | None]:
    try:
        body = await asked
    except UnreadableError as error:
        return Unavailable(str(error)), None
    return (Missing() if body is None else read_source(body)), body
