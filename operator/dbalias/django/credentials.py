"""Credentials: which fields of a connection a Secret gives, by preset or by named keys.

Sources: the Secret type kubernetes.io/basic-auth, CloudNativePG's application Secrets, and
the Service Binding Specification for Kubernetes 1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbalias.api.alias import Credentials, Preset
from dbalias.api.conditions import Reason
from dbalias.api.problems import Problem
from dbalias.api.secrets import SecretBytes
from dbalias.api.urls import parse_url
from dbalias.django.engines import Engine, Family, family_of
from dbalias.django.option_kinds import LIBPQ, MYSQL_TEXT
from dbalias.django.options import value_fault
from dbalias.django.sources import Found, Missing, SourceRef, Sources, SourceState, secret_ref

PRESET_KEYS: Mapping[Preset, Mapping[str, str]] = {
    Preset.BASIC_AUTH: {"user": "username", "password": "password"},
    Preset.CLOUD_NATIVE_PG: {
        "user": "username",
        "password": "password",
        "host": "host",
        "port": "port",
        "name": "dbname",
    },
    Preset.SERVICE_BINDING: {
        "user": "username",
        "password": "password",
        "host": "host",
        "port": "port",
        "name": "database",
    },
}

ADDRESS_FIELDS = ("host", "port", "name")
FIELDS = ("user", "password", *ADDRESS_FIELDS)

_TRIMMED = frozenset({"host", "port"})
"""Fields in which a line's end cannot be meant; ``echo`` leaves one in many Secrets."""

URL_OPTIONS: Mapping[Family, frozenset[str]] = {
    Family.POSTGRESQL: frozenset(LIBPQ),
    Family.MYSQL: frozenset(MYSQL_TEXT),
}


class UnresolvableError(Exception):
    """An alias cannot be stated as a connection, for one or more reasons."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Given:
    """What a Secret gives. ``complete``: it describes a whole database, so that nothing of
    another one (an inherited port) may fill its gaps."""

    fields: Mapping[str, SecretBytes] = field(default_factory=dict)
    options: Mapping[str, SecretBytes] = field(default_factory=dict)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values for one field (``spec.credentials``, …) of one object (Kind/name)."""

    sources: Sources
    object: str
    field: str

    def fail(self, message: str, remedy: str, reason: Reason | None = None) -> UnresolvableError:
        """Return the exception that says what is wrong here; never a value."""
        reason = reason or Reason.INVALID_CONFIGURATION
        return UnresolvableError(Problem(self.object, self.field, message, remedy, reason))

    def data(self, ref: SourceRef) -> Mapping[str, SecretBytes]:
        """Return the data of a source, or raise UnresolvableError."""
        source: SourceState | None = self.sources.get(ref)
        match source:
            case Found():
                return source.data
            case Missing():
                absent = {"Secret": Reason.SECRET_NOT_FOUND}.get(
                    ref.kind.value, Reason.CONFIG_MAP_NOT_FOUND
                )
                where = "there" if ref.namespace else "in this namespace"
                raise self.fail(f"{ref} does not exist", f"Create it {where}", absent)
            case _:
                why = source.why if source else "it was not read yet"
                remedy = "It is tried again; the last published values stay"
                raise self.fail(f"{ref} cannot be read: {why}", remedy, Reason.UNREADABLE)

    def value(self, ref: SourceRef, key: str) -> SecretBytes:
        """Return one value of a source, or raise UnresolvableError."""
        data = self.data(ref)
        if key not in data:
            raise self.fail(
                f"{ref} has no key {key}", f"Add the key {key} to it", Reason.SECRET_KEY_MISSING
            )
        return data[key]

    def text(self, ref: SourceRef, key: str) -> str:
        """Return one value as text, or raise UnresolvableError for bytes that are none."""
        try:
            text = self.value(ref, key).reveal().decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise self.fail(f"the key {key} of {ref} is no text", "Store it as UTF-8 without NUL")
        return text


def declared_fields(credentials: Credentials) -> frozenset[str]:
    """Return the fields that a Secret is declared to give; they may not be said twice."""
    if credentials.preset is Preset.URL or "url" in credentials.keys:
        return frozenset(FIELDS)
    if credentials.preset:
        return frozenset(PRESET_KEYS[credentials.preset])
    return frozenset(credentials.keys) or frozenset({"password"})


def read_credentials(
    credentials: Credentials, *, engine: Engine, user: str | None, reader: Reader
) -> Given:
    """Return what the Secret gives, or raise UnresolvableError. ``user`` is the alias' own."""
    ref = secret_ref(credentials.secret)
    match credentials.preset:
        case Preset.URL:
            key = "url" if "url" in reader.data(ref) else "uri"
            return _read_url(ref, key, engine=engine, reader=reader)
        case Preset.SERVICE_BINDING:
            return _read_binding(ref, engine=engine, reader=reader)
        case Preset.BASIC_AUTH | Preset.CLOUD_NATIVE_PG:
            keys = PRESET_KEYS[credentials.preset]
            complete = credentials.preset is Preset.CLOUD_NATIVE_PG
            return Given(_read_fields(ref, keys, reader), complete=complete)
        case None:
            return _read_keys(credentials, engine=engine, user=user, reader=reader)


def _read_keys(
    credentials: Credentials, *, engine: Engine, user: str | None, reader: Reader
) -> Given:
    ref, keys = secret_ref(credentials.secret), dict(credentials.keys)
    if not keys:
        keys = {"password": "password"}
        if user is None and "username" in reader.data(ref):
            keys["user"] = "username"
    if "url" in keys:
        return _read_url(ref, keys["url"], engine=engine, reader=reader)
    return Given(_read_fields(ref, keys, reader))


def _read_binding(ref: SourceRef, *, engine: Engine, reader: Reader) -> Given:
    data = reader.data(ref)
    if "type" in data:
        _check_family(reader.text(ref, "type"), engine, f"the type in {ref}", reader)
    base = Given(complete=True)
    if "uri" in data and not {"host", "database"} <= set(data):
        base = _read_url(ref, "uri", engine=engine, reader=reader)
    keys = PRESET_KEYS[Preset.SERVICE_BINDING]
    optional = {"port", "user", "password", *base.fields}
    wanted = {name: key for name, key in keys.items() if key in data or name not in optional}
    return Given({**base.fields, **_read_fields(ref, wanted, reader)}, base.options, complete=True)


def _read_fields(ref: SourceRef, keys: Mapping[str, str], reader: Reader) -> dict[str, SecretBytes]:
    fields = {}
    for name, key in keys.items():
        text = reader.text(ref, key)
        text = text.strip() if name in _TRIMMED else text
        if name == "host" and not text:
            raise reader.fail(f"the key {key} of {ref} is empty", "Store the host there")
        fields[name] = SecretBytes(text.encode())
    return fields


def _read_url(ref: SourceRef, key: str, *, engine: Engine, reader: Reader) -> Given:
    parsed = parse_url(reader.text(ref, key).strip())
    if parsed is None:
        raise reader.fail(
            f"the key {key} of {ref} is no database URL",
            "Write scheme://user:password@host:port/name with special characters percent-encoded",
        )
    _check_family(parsed.scheme, engine, f"the URL in {ref}", reader)
    unknown = sorted(set(parsed.query) - URL_OPTIONS.get(engine.family, frozenset()))
    if unknown:
        raise reader.fail(
            f"the URL in {ref} has parameters that its driver does not take as text",
            "Leave them out of the URL and use spec.tls or spec.options instead",
        )
    for name, text in sorted(parsed.query.items()):
        if fault := value_fault(engine, name, text):
            raise reader.fail(f"in the URL of {ref}, {fault[0]}", fault[1])
    return Given(_as_secrets(parsed.fields), _as_secrets(parsed.query), complete=True)


def _check_family(word: str, engine: Engine, what: str, reader: Reader) -> None:
    family = family_of(word)
    if Family.OTHER not in (family, engine.family) and family is not engine.family:
        raise reader.fail(
            f"{what} is for {family.value}, the engine for {engine.family.value}",
            "Set spec.engine to fit it",
        )


def _as_secrets(texts: Mapping[str, str]) -> dict[str, SecretBytes]:
    return {name: SecretBytes(text.encode()) for name, text in texts.items()}
