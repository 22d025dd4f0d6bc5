"""Projects as files declare them: the snapshots that a plan would read, without a cluster."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dbalias.api.alias import Credentials, DatabaseAlias, Preset
from dbalias.api.conditions import Reason, parse_timestamp
from dbalias.api.meta import JSON, Key, Kind
from dbalias.api.parse import is_ours
from dbalias.api.parse_server import parse_server
from dbalias.api.provision import ServerRef
from dbalias.api.secrets import SecretBytes
from dbalias.cli.manifests import Fault, Manifest
from dbalias.django.credentials import PRESET_KEYS
from dbalias.django.sources import (
    Found,
    Missing,
    SourceKind,
    SourceRef,
    SourceState,
    key_ref,
    secret_ref,
)
from dbalias.reconcile.declared import read_source, with_declared
from dbalias.reconcile.places import (
    ServerState,
    Unusable,
    is_made,
    not_found,
    placed,
    server_name,
)
from dbalias.reconcile.provisioning.admission import find_refusal, needs_labels
from dbalias.reconcile.snapshot import Memory, Snapshot

STAND_IN = secrets.token_hex(16).encode()
"""Stands for every login that no file holds, so that the rest can be built and checked."""

_METADATA = frozenset(
    {"name", "namespace", "labels", "annotations", "creationTimestamp", "deletionTimestamp"}
)
"""What a file may say of an object; the rest is the API server's to write."""

_LOGIN = frozenset({"user", "password"})
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of an alias that names a Secret or ConfigMap, or has the operator make one."""

    field: str
    source: SourceRef
    keys: tuple[str, ...] | None = None
    """The keys it reads of a login; None where their values shape the settings as well."""
    is_made: bool = False
    """The operator makes it, and nobody else: a file that lacks it lacks nothing."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One project and all that belongs to it. ``manifests`` are by Kind/name.

    ``missing``: what aliases refer to and no file holds. Of a plain login the snapshot has
    STAND_IN instead, as published settings do not depend on its values. ``servers``: those that
    aliases name and no file declares.
    """

    snapshot: Snapshot
    manifests: Mapping[str, Manifest]
    missing: frozenset[SourceRef]
    servers: frozenset[ServerRef] = frozenset()

    @property
    def nameless(self) -> tuple[str, ...]:
        """The objects whose databases are named after a namespace that nobody says."""
        made = (one for one in self.snapshot.aliases if one.provision and not self.key.namespace)
        objects = (f"{Kind.ALIAS.value}/{one.metadata.name}" for one in made)
        return tuple(one for one in objects if "name" not in self.manifests[one].body["spec"])

    @property
    def key(self) -> Key:
        """The namespace (empty where no file says one) and the name of the project."""
        return self.snapshot.key


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that the files declare: a scene for each project that is declared or referred to."""

    ours: tuple[Manifest, ...]
    scenes: tuple[Scene, ...]
    duplicates: tuple[Manifest, ...]
    faults: tuple[Fault, ...]


def read_declarations(manifests: Iterable[Manifest], *, namespace: str = "") -> Declarations:
    """Sort objects by project; ``namespace`` is that of objects which state none."""
    index: dict[tuple[str, str, str], Manifest] = {}
    duplicates: list[Manifest] = []
    faults: list[Fault] = []
    for manifest in manifests:
        if not _is_read(manifest.body):
            continue
        try:
            one = replace(manifest, body=_normalised(manifest.body, namespace))
        except (ValueError, TypeError, AttributeError):
            message = f"{_name(manifest.body)} has data that is not text, or in a Secret not base64"
            faults.append(Fault(manifest.place("data"), message))
            continue
        metadata = one.body["metadata"]
        identity = (metadata["namespace"], one.body["kind"], metadata["name"])
        if identity in index:
            duplicates.append(one)
        else:
            index[identity] = one
    scenes = tuple(_scene(key, index) for key in sorted(_keys(index.values())))
    ours = tuple(one for one in (*index.values(), *duplicates) if is_ours(one.body))
    return Declarations(ours, scenes, tuple(duplicates), tuple(faults))


def references_of(alias: DatabaseAlias) -> Iterator[Reference]:
    """Return every Secret and ConfigMap that an alias names, with the field that does."""
    if alias.credentials and is_made(alias.credentials, alias):
        login = tuple(alias.credentials.keys.values())
        yield Reference("spec.provision", secret_ref(alias.credentials.secret), login, is_made=True)
    elif alias.credentials:
        user = alias.user or alias.inherit_from
        yield _login("spec.credentials", alias.credentials, user)
    connection = alias.migrate.connection
    if connection and connection.credentials:
        user = connection.user or alias.user or alias.inherit_from
        yield _login("spec.migrate.connection.credentials", connection.credentials, user)
    if alias.test_password:
        yield Reference("spec.test.passwordSecretRef", secret_ref(alias.test_password.name))
    if alias.tls and alias.tls.ca:
        yield Reference(
            "spec.serverRef" if alias.server else "spec.tls.caRef", key_ref(alias.tls.ca)
        )
    if alias.tls and alias.tls.client_certificate:
        yield Reference("spec.tls.clientCertificateRef", secret_ref(alias.tls.client_certificate))


def _login(field: str, credentials: Credentials, user: str | None) -> Reference:
    match credentials.preset:
        case Preset.BASIC_AUTH:
            keys = dict(PRESET_KEYS[Preset.BASIC_AUTH])
        case None:
            keys = dict(credentials.keys) or {"password": "password"}
            if not credentials.keys and user is None:
                keys["user"] = "username"
        case _:
            keys = {"url": ""}
    known = tuple(keys.values()) if keys.keys() <= _LOGIN else None
    return Reference(f"{field}.secretRef.name", secret_ref(credentials.secret), known)


def _is_read(body: JSON) -> bool:
    plain = body.get("apiVersion") == "v1" and body["kind"] in set(SourceKind)
    return plain or is_ours(body)


def _normalised(body: JSON, namespace: str) -> JSON:
    """Return a body as the API server would store it; raise ValueError for broken data."""
    metadata = {key: body["metadata"][key] for key in _METADATA & body["metadata"].keys()}
    metadata["namespace"] = str(metadata.get("namespace") or namespace)
    if not _is_time(metadata.get("creationTimestamp")):
        metadata["creationTimestamp"] = None
    stored = {**body, "metadata": metadata}
    if body["kind"] == SourceKind.SECRET:
        given = {key: "".join(text.split()) for key, text in (body.get("data") or {}).items()}
        for text in given.values():
            base64.b64decode(text, validate=True)
        written = {
            key: base64.b64encode(text.encode()).decode()
            for key, text in (stored.pop("stringData", None) or {}).items()
        }
        stored["data"] = given | written
    elif body["kind"] == SourceKind.CONFIG_MAP:
        for text in (body.get("data") or {}).values():
            text.encode()
    return stored


def _is_time(written: JSON) -> bool:
    try:
        return isinstance(written, str) and parse_timestamp(written) is not None
    except ValueError:
        return False


def _keys(manifests: Iterable[Manifest]) -> set[Key]:
    found = set()
    for one in manifests:
        name = _project_of(one.body)
        if name:
            found.add(Key(one.body["metadata"]["namespace"], name))
    return found


def _project_of(body: JSON) -> str | None:
    if not is_ours(body):
        return None
    if body["kind"] == Kind.PROJECT:
        return str(body["metadata"]["name"])
    spec = body.get("spec")
    reference = spec.get("projectRef") if isinstance(spec, dict) else None
    name = reference.get("name") if isinstance(reference, dict) else None
    return name if isinstance(name, str) else None


def _scene(key: Key, index: Mapping[tuple[str, str, str], Manifest]) -> Scene:
    project = index.get((key.namespace, Kind.PROJECT.value, key.name))
    own = [
        one
        for (namespace, _, _), one in index.items()
        if namespace == key.namespace and _project_of(one.body) == key.name
    ]
    snapshot = with_declared(
        Snapshot(key, Memory(_NEVER, salt="")),
        project.body if project else None,
        [one.body for one in own if one.body["kind"] == Kind.ALIAS],
        [one.body for one in own if one.body["kind"] == Kind.POLICY],
    )
    servers = {
        one.server: _server(one.server, key, index) for one in snapshot.aliases if one.server
    }
    aliases, hindered = placed(snapshot.aliases, servers)
    references = [ref for alias in aliases for ref in references_of(alias)]
    stored = {
        ref.source: read_source(index[place].body)
        for ref in references
        if (place := _place(ref.source, key)) in index
    }
    missing = frozenset(ref.source for ref in references) - stored.keys()
    assumed = {source: _assume(source, references) for source in missing}
    return Scene(
        replace(snapshot, aliases=aliases, hindered=hindered, sources={**stored, **assumed}),
        {_name(one.body): one for one in own},
        missing,
        frozenset(ref for ref, state in servers.items() if state == not_found(ref)),
    )


def _place(source: SourceRef, key: Key) -> tuple[str, str, str]:
    return (source.namespace or key.namespace, source.kind.value, source.name)


def _server(
    ref: ServerRef, key: Key, index: Mapping[tuple[str, str, str], Manifest]
) -> ServerState:
    """Return a server as the files declare it; which labels a namespace has they do not say."""
    manifest = index.get((ref.namespace, Kind.SERVER.value, ref.name))
    if manifest is None:
        return not_found(ref)
    server = parse_server(manifest.body).value
    if server is None:
        return Unusable(Reason.SERVER_UNAVAILABLE, f"{server_name(ref)} has problems of its own")
    known = key.namespace and not needs_labels(server, key.namespace)
    refusal = find_refusal(server, key.namespace) if known else None
    return Unusable(Reason.NAMESPACE_NOT_ALLOWED, refusal) if refusal else server


def _assume(source: SourceRef, references: Iterable[Reference]) -> SourceState:
    used = [ref.keys for ref in references if ref.source == source]
    if None in used:
        return Missing()
    return Found({key: SecretBytes(STAND_IN) for keys in used if keys for key in keys})


def _name(body: JSON) -> str:
    return f"{body['kind']}/{body['metadata']['name']}"
