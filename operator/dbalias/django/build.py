"""Build a connection: public values into the dictionary, secret ones into files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.django.addresses import NAMED_ELSEWHERE, find_address_faults
from dbalias.django.connections import Connection, PhysicalDatabase, Place
from dbalias.django.credentials import UnresolvableError
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
    prefix: str,
) -> Built:
    """Return the entry of DATABASES for an alias, or raise UnresolvableError for a bad value.

    A login is published in one object: where the password is secret, so is the user.
    ``prefix`` is what ``file_prefix`` returned: all files of the connection begin with it.
    """
    texts = {name: reveal(value) for name, value in merged.fields.items()}
    _check(texts, merged, alias)
    placed = {name: f"{prefix}.{name}" for name in _secret_fields(merged)}
    options = {**tls.options, **translated(merged.engine.family, merged.options)}
    secrets: list[Place] = [((DJANGO_KEYS[name],), file) for name, file in placed.items()]
    named = {key: f"{prefix}.{key}.option" for key in merged.secret_options}
    secrets += [(("OPTIONS", key), file) for key, file in named.items()]
    data = {file: SecretBytes(texts[name].encode()) for name, file in placed.items()}
    data |= {file: merged.secret_options[key] for key, file in named.items()}
    if merged.test_password:
        secrets.append((("TEST", "PASSWORD"), f"{prefix}.test"))
        data[f"{prefix}.test"] = merged.test_password
    files = tuple(place for place in tls.files if not _overridden(place, merged.options))
    connection = Connection(
        settings=_settings(merged, texts, placed=placed, options=options) | dict(attributes),
        database=_physical(merged, texts, namespace=alias.metadata.namespace),
        secrets=tuple(sorted(secrets)),
        files=files,
        user=texts.get("user"),
    )
    return Built(connection, data | {name: tls.data[name] for _, name in files})


def file_prefix(merged: Merged, owner: str) -> str:
    """Return how the names of all files of a connection begin: ``<owner>.<mark>``.

    The mark names the database that the connection leads to. A login for another database
    is another file, and so a ConfigMap with the old address never meets the new password,
    whichever of the two objects a kubelet brings first. The namespace has no part in it, so
    that files are called the same where none is known yet.
    """
    texts = {name: reveal(value) for name, value in merged.fields.items()}
    database = _physical(merged, texts, namespace="")
    return f"{owner}.{digest([merged.engine.path, database.key], 8)}"


def reveal(value: Value) -> str:
    """Return the text of a value, for a Secret, a status or a comparison."""
    return value.reveal().decode() if isinstance(value, SecretBytes) else value


def _secret_fields(merged: Merged) -> Iterator[str]:
    for name, value in merged.fields.items():
        login = name == "user" and isinstance(merged.fields.get("password"), SecretBytes)
        if login or isinstance(value, SecretBytes):
            yield name


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


def _check(texts: Mapping[str, str], merged: Merged, alias: DatabaseAlias) -> None:
    family = merged.engine.family
    key = NAMED_ELSEWHERE.get(family, "")
    named = bool(merged.options.get(key) or key in merged.secret_options)
    faults = find_address_faults(texts, family, named_elsewhere=named)
    problems = [
        problem(alias, f"{merged.at}.{name}", message, remedy) for name, message, remedy in faults
    ]
    if problems:
        raise UnresolvableError(*problems)
