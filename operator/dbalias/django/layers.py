"""From a lineage of declarations to one: inherited fields, overridden one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from dbalias.api.alias import TLS, UNLIMITED, DatabaseAlias, MigrateConnection, Pooler
from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.django.credentials import FIELDS, Given, Reader, read_credentials
from dbalias.django.engines import Engine
from dbalias.django.lineage import object_of
from dbalias.django.sources import Sources, secret_ref
from dbalias.django.tls import OPTION_KEYS, overlaid

Value: TypeAlias = str | SecretBytes
"""A field's value: a text may be published in a ConfigMap, SecretBytes may not."""

_PLACE = ("host", "port")
"""What a DatabaseServer says, as it does of TLS."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What an alias comes to: own fields over inherited ones.

    ``fields`` has user, password, host, port and name where they are set, ``at`` where the
    nearest of them are declared.
    """

    engine: Engine
    fields: Mapping[str, Value] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    secret_options: Mapping[str, SecretBytes] = field(default_factory=dict)
    tls: TLS = field(default_factory=TLS)
    test_password: SecretBytes | None = None
    at: str = "spec"


def merge_lineage(lineage: Sequence[DatabaseAlias], *, engine: Engine, sources: Sources) -> Merged:
    """Return what the last of a lineage comes to, or raise UnresolvableError for a Secret."""
    result = Merged(engine)
    for alias in lineage:
        given = _given(alias, engine=engine, sources=sources)
        result = _overlay(result, alias, given)
    return replace(result, test_password=_test_password(lineage[-1], sources))


def merge_migration(
    base: Merged, connection: MigrateConnection, *, alias: DatabaseAlias, sources: Sources
) -> Merged:
    """Return the connection of an alias' Job: past the pooler, with its own fields."""
    given = Given()
    if connection.credentials:
        reader = Reader(sources, object_of(alias), "spec.migrate.connection.credentials")
        given = read_credentials(
            connection.credentials, engine=base.engine, user=connection.user, reader=reader
        )
    options, secret_options = _options(base, connection.options, given)
    return replace(
        base,
        fields=_inherited(base, given) | _fields(connection, given),
        options=options,
        secret_options=secret_options,
        at="spec.migrate.connection",
    )


def find_engine_name(lineage: Sequence[DatabaseAlias]) -> tuple[DatabaseAlias, str] | None:
    """Return the engine that counts and the object that declares it; None without one."""
    found = ((alias, alias.engine) for alias in reversed(lineage) if alias.engine)
    return next(found, None)


def is_pooled(lineage: Sequence[DatabaseAlias]) -> bool:
    """Return whether a pooler hands out a server connection per transaction."""
    poolers = [alias.pooler for alias in lineage if alias.pooler]
    return poolers[-1:] == [Pooler.TRANSACTION]


def merge_attributes(lineage: Sequence[DatabaseAlias]) -> dict[str, JSON]:
    """Return Django's further keys as inherited; ATOMIC_REQUESTS and TEST never are."""
    result: dict[str, JSON] = {}
    for alias in lineage:
        result |= alias.extra
        result |= dict(_attributes(alias))
    if lineage[-1].atomic_requests is not None:
        result["ATOMIC_REQUESTS"] = lineage[-1].atomic_requests
    return result


def _given(alias: DatabaseAlias, *, engine: Engine, sources: Sources) -> Given:
    if alias.credentials is None:
        return Given()
    reader = Reader(sources, object_of(alias), "spec.credentials")
    return read_credentials(alias.credentials, engine=engine, user=alias.user, reader=reader)


def _test_password(alias: DatabaseAlias, sources: Sources) -> SecretBytes | None:
    ref = alias.test_password
    if ref is None:
        return None
    reader = Reader(sources, object_of(alias), "spec.test.passwordSecretRef")
    return SecretBytes(reader.text(secret_ref(ref.name), ref.key).encode())


def _overlay(base: Merged, alias: DatabaseAlias, given: Given) -> Merged:
    elsewhere = alias.tls or alias.server
    tls_keys = OPTION_KEYS.get(base.engine.family, frozenset()) if elsewhere else frozenset()
    options, secret_options = _options(base, alias.options, given, without=tls_keys)
    return Merged(
        engine=base.engine,
        fields=_inherited(base, given, without=_PLACE if alias.server else ())
        | _fields(alias, given),
        options=options,
        secret_options=secret_options,
        tls=overlaid(base.tls, alias),
    )


def _inherited(base: Merged, given: Given, *, without: Collection[str] = ()) -> dict[str, Value]:
    """Return what of the base stays: nothing of its place where there is a whole other one."""
    if given.complete:
        return {}
    return {name: value for name, value in base.fields.items() if name not in without}


def _fields(spec: DatabaseAlias | MigrateConnection, given: Given) -> dict[str, Value]:
    said: dict[str, Value] = dict(given.fields)
    for name in FIELDS:
        value = getattr(spec, name, None)
        if value is not None:
            said[name] = str(value)
    return said


def _options(
    base: Merged, own: Mapping[str, JSON], given: Given, *, without: frozenset[str] = frozenset()
) -> tuple[dict[str, JSON], dict[str, SecretBytes]]:
    """Return public and secret options by key: own, then the URL's, then inherited ones."""
    public = {k: v for k, v in base.options.items() if k not in given.options and k not in without}
    secret = {**base.secret_options, **given.options}
    return {**public, **own}, {k: v for k, v in secret.items() if k not in without | own.keys()}


def _attributes(alias: DatabaseAlias) -> Iterator[tuple[str, JSON]]:
    if alias.conn_max_age is not None:
        yield "CONN_MAX_AGE", None if alias.conn_max_age == UNLIMITED else alias.conn_max_age
    for key, value in (
        ("CONN_HEALTH_CHECKS", alias.conn_health_checks),
        ("AUTOCOMMIT", alias.autocommit),
        ("DISABLE_SERVER_SIDE_CURSORS", alias.disable_server_side_cursors),
        ("TIME_ZONE", alias.time_zone),
    ):
        if value is not None:
            yield key, value
