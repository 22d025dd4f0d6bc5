"""OPTIONS as declared: what cannot work, what must not be public, and how it is translated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from dbalias.api.meta import JSON
from dbalias.django.engines import Engine, Family, isolation_level
from dbalias.django.option_kinds import KNOWN, LEVELS, ORACLE, Kind

OWN_FIELDS: Mapping[str, str] = {
    "host": "spec.host",
    "port": "spec.port",
    "dbname": "spec.name",
    "db": "spec.name",
    "database": "spec.name",
    "dsn": "spec.name",
    "user": "spec.user",
}
"""Options that a field of the alias stands for; drivers refuse or confuse the two."""

SECRETS = frozenset(
    {
        "password",
        "passwd",
        "access_token",
        "newpassword",
        "oauth_client_secret",
        "scram_client_key",
        "scram_server_key",
        "ssl_key_password",
        "sslpassword",
        "wallet_password",
    }
)
"""Names whose value would be published in a ConfigMap, at any depth and in any case."""


def find_faults(engine: Engine, options: Mapping[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Yield (key, what is wrong, remedy) of each option that cannot work or must not be.

    Keys and values are checked against the drivers for Django's own backends alone; others
    may read what they like, except for isolation levels and secrets.
    """
    for key, value in sorted(options.items()):
        checks = (
            public_fault(key, value),
            _key_fault(engine, key),
            value_fault(engine, key, value),
        )
        if fault := next(filter(None, checks), None):
            yield key, *fault


def public_fault(key: str, value: JSON) -> tuple[str, str] | None:
    """Return what keeps a value from being published in a ConfigMap and read from there."""
    if any(name.lower() in SECRETS for name in (key, *_names(value))):
        return "a secret value would be published in a ConfigMap", "Use the Secret meant for it"
    if _holds_nul(value):
        return "it holds a NUL, which no driver takes", "Remove it"
    return None


def value_fault(engine: Engine, key: str, value: JSON) -> tuple[str, str] | None:
    """Return what is wrong with the value of an option that may be set."""
    kind = _kind(engine, key)
    if kind is None or kind.takes(value):
        return None
    return f"the driver takes no such {key}", f"Write {kind.wanted}"


def translated(family: Family, options: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the options with isolation levels spelled as the backend wants them."""
    level = options.get("isolation_level")
    if level is None or family not in LEVELS:
        return dict(options)
    return {**options, "isolation_level": isolation_level(family, level)}


def _kind(engine: Engine, key: str) -> Kind | None:
    if key == "isolation_level":
        return LEVELS.get(engine.family)
    if not engine.is_djangos_own:
        return None
    if engine.family is Family.ORACLE:
        return ORACLE.get(key)
    return KNOWN[engine.family].get(key)


def _key_fault(engine: Engine, key: str) -> tuple[str, str] | None:
    known = KNOWN.get(engine.family, {})
    if not engine.is_djangos_own or key in known:
        return None
    if key in OWN_FIELDS:
        return "this option belongs to a field of its own", f"Set {OWN_FIELDS[key]}"
    if engine.family is Family.ORACLE:
        return None
    close = get_close_matches(key, sorted(known), n=1)
    hint = f"Did you mean {close[0]}?" if close else "Remove it, or name another engine"
    return f"{engine.path} knows no option of this name", hint


def _names(value: JSON) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for inner in _inside(value):
        yield from _names(inner)


def _holds_nul(value: JSON) -> bool:
    if isinstance(value, str):
        return "\0" in value
    return any("\0" in name for name in _names(value)) or any(map(_holds_nul, _inside(value)))


def _inside(value: JSON) -> Iterator[JSON]:
    match value:
        case dict():
            yield from value.values()
        case list():
            yield from value
