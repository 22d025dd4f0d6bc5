"""Read one DatabaseServer and all that names it, live, into a Snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dbalias.api.alias import TLS, DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Key, Kind, Metadata
from dbalias.api.parse_alias import parse_alias
from dbalias.api.parse_metadata import parse_metadata
from dbalias.api.parse_server import parse_server
from dbalias.api.server import DatabaseServer
from dbalias.django.credentials import Reader, UnresolvableError, read_credentials
from dbalias.django.engines import Engine, find_engine
from dbalias.django.sources import (
    Missing,
    SourceKind,
    SourceRef,
    Sources,
    SourceState,
    Unavailable,
    key_ref,
    secret_ref,
)
from dbalias.reconcile.declared import read_source
from dbalias.reconcile.places import CREATE_OR_NAME_ANOTHER
from dbalias.reconcile.ports import Cluster, ForbiddenError, Resource, UnreadableError
from dbalias.reconcile.provisioning.admission import needs_labels
from dbalias.reconcile.provisioning.snapshot import Snapshot, Trouble
from dbalias.reconcile.reading import Reading
from dbalias.reconcile.snapshot import Broken
from dbalias.servers.address import DEFAULT_PORTS, Address, Certificates


async def gather(cluster: Cluster, key: Key) -> Snapshot:
    """Return the snapshot of one server; raise UnreadableError where the aliases are not known.

    An alias that is not seen would look like a database that nobody claims.
    """
    bodies = await cluster.list_everywhere(
        Resource.ALIASES, fields={"spec.serverRef.name": key.name}
    )
    aliases, broken = _aliases(key, bodies)
    snapshot = Snapshot(key, None, aliases, broken)
    try:
        body = await cluster.get(Resource.SERVERS, key.namespace, key.name)
    except UnreadableError as error:
        message = f"the DatabaseServer {key} cannot be read: {error}"
        return replace(snapshot, trouble=Trouble(Reason.UNREADABLE, message))
    return await _with_server(cluster, replace(snapshot, server=_server(body)))


async def _with_server(cluster: Cluster, snapshot: Snapshot) -> Snapshot:
    match snapshot.server:
        case DatabaseServer() as server:
            return await _with_address(cluster, snapshot, server)
        case Broken(problems=problems):
            message = "; ".join(map(str, problems))
            return replace(snapshot, trouble=Trouble(Reason.INVALID_CONFIGURATION, message))
        case None:
            message = f"there is no DatabaseServer {snapshot.key}. {CREATE_OR_NAME_ANOTHER}"
            trouble = Trouble(Reason.SERVER_NOT_FOUND, message)
            return replace(snapshot, trouble=trouble, lost=True)


def _server(body: JSON | None) -> DatabaseServer | Broken | None:
    if body is None:
        return None
    parsed, metadata = parse_server(body), parse_metadata(body["metadata"])
    status = body.get("status") or {}
    return parsed.value or Broken(Kind.SERVER, metadata, parsed.problems, status=status)


def _aliases(
    key: Key, bodies: Sequence[JSON]
) -> tuple[tuple[DatabaseAlias, ...], tuple[Metadata, ...]]:
    """Return the aliases that name the server, and the metadata of those nobody can read."""
    aliases, broken = [], []
    for body in bodies:
        if server_named_by(body) != key:
            continue
        alias = parse_alias(body).value
        if alias is None:
            broken.append(parse_metadata(body["metadata"]))
        else:
            aliases.append(alias)
    return tuple(aliases), tuple(broken)


def server_named_by(alias: Mapping[str, JSON]) -> Key | None:
    """Return the key of the server that the body of an alias names."""
    reference = (alias.get("spec") or {}).get("serverRef") or {}
    if "name" not in reference:
        return None
    return Key(reference.get("namespace") or alias["metadata"]["namespace"], reference["name"])


async def _with_address(cluster: Cluster, snapshot: Snapshot, server: DatabaseServer) -> Snapshot:
    reading = Reading(cluster, snapshot.key)
    labels, sources = await asyncio.gather(
        _labels(cluster, server, snapshot.aliases), _sources(reading, server)
    )
    snapshot = replace(snapshot, labels=labels, versions=dict(reading.versions))
    try:
        return replace(snapshot, address=build_address(server, sources))
    except UnresolvableError as error:
        problem = error.problems[0]
        trouble = Trouble(problem.reason, "; ".join(map(str, error.problems)))
        return replace(snapshot, trouble=trouble, lost=problem.reason is Reason.SECRET_NOT_FOUND)


async def _labels(
    cluster: Cluster, server: DatabaseServer, aliases: Iterable[DatabaseAlias]
) -> dict[str, Mapping[str, str] | None]:
    names = {alias.metadata.namespace for alias in aliases}
    asked = sorted(name for name in names if needs_labels(server, name))
    read = await asyncio.gather(*(read_labels(cluster, name) for name in asked))
    return dict(zip(asked, read, strict=True))


async def read_labels(cluster: Cluster, namespace: str) -> Mapping[str, str] | None:
    """Return the labels of a namespace; None where they may not be read.

    Raise UnreadableError where that is not known: a deletion would not wait for who is refused.
    """
    try:
        body = await cluster.get(Resource.NAMESPACES, None, namespace)
    except ForbiddenError:
        return None
    return None if body is None else dict(body["metadata"].get("labels") or {})


async def _sources(reading: Reading, server: DatabaseServer) -> Sources:
    sources: dict[SourceRef, SourceState] = {}
    for ref in sorted(set(_references(server))):
        resource = Resource.SECRETS if ref.kind is SourceKind.SECRET else Resource.CONFIG_MAPS
        try:
            body = await reading.concerning(resource, server.metadata.namespace, ref.name)
        except UnreadableError as error:
            sources[ref] = Unavailable(str(error))
            continue
        sources[ref] = Missing() if body is None else read_source(body)
    return sources


def _references(server: DatabaseServer) -> Iterator[SourceRef]:
    yield secret_ref(server.admin.secret)
    if server.tls and server.tls.ca:
        yield key_ref(server.tls.ca)
    if server.tls and server.tls.client_certificate:
        yield secret_ref(server.tls.client_certificate)


def build_address(server: DatabaseServer, sources: Sources) -> Address:
    """Return where the server is and who logs in there; raise UnresolvableError."""
    who = f"{Kind.SERVER}/{server.metadata.name}"
    reader = Reader(sources, who, "spec.adminCredentials")
    given = read_credentials(server.admin, engine=_engine(server), user=None, reader=reader).fields
    if missing := {"user", "password"} - given.keys():
        wanted = " and ".join(sorted(missing))
        raise reader.fail(
            f"Secret {server.admin.secret} gives no {wanted}",
            "Store username and password there, or name their keys",
            Reason.SECRET_KEY_MISSING,
        )
    return Address(
        engine=server.engine,
        host=server.host,
        port=server.port or DEFAULT_PORTS[server.engine],
        user=given["user"].reveal().decode(),
        password=given["password"],
        tls=_certificates(server.tls or TLS(), Reader(sources, who, "spec.tls")),
        database=server.database,
        max_connections=server.max_connections,
    )


def _engine(server: DatabaseServer) -> Engine:
    engine = find_engine(server.engine.value)
    assert engine is not None
    return engine


def _certificates(tls: TLS, reader: Reader) -> Certificates:
    certificate = secret_ref(tls.client_certificate) if tls.client_certificate else None
    return Certificates(
        mode=tls.mode,
        ca=reader.value(key_ref(tls.ca), tls.ca.key).reveal() if tls.ca else None,
        certificate=reader.value(certificate, "tls.crt").reveal() if certificate else None,
        key=reader.value(certificate, "tls.key") if certificate else None,
    )
