"""Build a connection: public values into the dictionary, secret ones into files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.django.connections import Connection, PhysicalDatabase, Place
from dbalias.django.credentials import ADDRESS_FIELDS, UnresolvableError
from dbalias.django.engines import Family
from dbalias.django.faults import problem
from dbalias.django.layers import Merged, Value
from dbalias.django.options import translated
from dbalias.django.tls import TLSOptions

DJANGO_KEYS: Mapping[str, str] = {
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
    "name": "NAME",
}

LONGEST_POSTGRESQL_NAME = 63
"""Bytes of a PostgreSQL identifier; Django refuses longer names."""


@dataclass(frozen=True, slots=True)
class Built:
    """A connection and the files it reads: name → content."""

    connection: Connection
    data: Mapping[str, SecretBytes] = field(default_factory=dict)


def build_connection(
    merged: Merged,
    alias: DatabaseAlias,
    *,
    attributes: Mapping[str, JSON],
    tls: TLSOptions,
) -> Built:
    """Return the entry of DATABASES for an alias, or raise UnresolvableError for a bad value.

    A login is published in one object: where the password is secret, so is the user. Files
    of an address are named by their content as well, so that a changed host from a Secret
    is a changed entry, which waits for its migrations like any other.
    """
    texts = {name: reveal(value) for name, value in merged.fields.items()}
    _check(texts, merged.engine.family, alias)
    placed = dict(_place_fields(merged, alias.alias))
    options = {**tls.options, **translated(merged.engine.family, merged.options)}
    secrets: list[Place] = [((DJANGO_KEYS[name],), file) for name, file in placed.items()]
    named = dict(_place_options(merged, alias.alias))
    secrets += [(("OPTIONS", key), file) for key, file in named.items()]
    files = tuple(place for place in tls.files if not _overridden(place, merged.options))
    connection = Connection(
        settings=_settings(merged, texts, placed=placed, options=options) | dict(attributes),
        database=_physical(merged, texts, namespace=alias.metadata.namespace),
        secrets=tuple(sorted(secrets)),
        files=files,
        user=texts.get("user"),
    )
    data = {file: SecretBytes(texts[name].encode()) for name, file in placed.items()}
    data |= {file: merged.secret_options[key] for key, file in named.items()}
    return Built(connection, data | {name: tls.data[name] for _, name in files})


def reveal(value: Value) -> str:
    """Return the text of a value, for a Secret, a status or a comparison."""
    return value.reveal().decode() if isinstance(value, SecretBytes) else value


def _place_fields(merged: Merged, alias: str) -> Iterator[tuple[str, str]]:
    for name, value in merged.fields.items():
        prefix = f"{alias}.migrate" if name in merged.own else alias
        login = name == "user" and isinstance(merged.fields.get("password"), SecretBytes)
        if name in ADDRESS_FIELDS and isinstance(value, SecretBytes):
            yield name, f"{prefix}.{digest(value.reveal(), 8)}.{name}"
        elif login or isinstance(value, SecretBytes):
            yield name, f"{prefix}.{name}"


def _place_options(merged: Merged, alias: str) -> Iterator[tuple[str, str]]:
    for key in merged.secret_options:
        prefix = f"{alias}.migrate" if key in merged.own_options else alias
        yield key, f"{prefix}.{key}.option"


def _settings(
    merged: Merged,
    texts: Mapping[str, str],
    *,
    placed: Mapping[str, str],
    options: Mapping[str, JSON],
) -> dict[str, JSON]:
    public = {name: text for name, text in texts.items() if name not in placed}
    settings: dict[str, JSON] = {"ENGINE": merged.engine.path}
    settings |= {DJANGO_KEYS[name]: text for name, text in public.items()}
    return settings | ({"OPTIONS": dict(options)} if options else {})


def _overridden(place: Place, options: Mapping[str, JSON]) -> bool:
    return place[0][1] in options


def _physical(merged: Merged, texts: Mapping[str, str], *, namespace: str) -> PhysicalDatabase:
    return PhysicalDatabase(
        family=merged.engine.family,
        host=texts.get("host", ""),
        port=texts.get("port", ""),
        name=texts.get("name", ""),
        namespace=namespace,
    )


def _check(texts: Mapping[str, str], family: Family, alias: DatabaseAlias) -> None:
    faults = [problem(alias, *fault) for fault in _faults(texts, family, alias)]
    if faults:
        raise UnresolvableError(*faults)


def _faults(
    texts: Mapping[str, str], family: Family, alias: DatabaseAlias
) -> Iterator[tuple[str, str, str]]:
    name, port = texts.get("name", ""), texts.get("port", "")
    by_service = family is Family.POSTGRESQL and "service" in alias.options
    if not name and family is not Family.OTHER and not by_service:
        yield "spec.name", "the database has no name", "Set it, or read it from the Secret"
    if family is Family.POSTGRESQL and len(name.encode()) > LONGEST_POSTGRESQL_NAME:
        yield "spec.name", "PostgreSQL's names end at 63 bytes", "Choose a shorter one"
    ports = port.split(",") if family is Family.POSTGRESQL else [port]
    if port and not all(one.isascii() and one.isdigit() for one in ports):
        yield "spec.port", "the port is no number", "Correct it in the Secret"
    if texts.get("password") and not texts.get("user") and family is not Family.OTHER:
        yield "spec.user", "there is a password but no user", "Set it, or add it to the Secret"
