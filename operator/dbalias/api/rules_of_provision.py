"""What ``spec.serverRef`` and ``spec.provision`` must hold beyond their shapes, as CEL says it.

Whether the fields suit the server's engine is for the pass over the server to judge: an alias
does not know it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbalias.api import limits
from dbalias.api.alias import Preset, Role
from dbalias.api.meta import JSON
from dbalias.api.reader import Reader

Spec = Mapping[str, JSON]

_OF_POSTGRESQL = frozenset({"encoding", "locale", "template", "extensions", "schemas"})
_OF_MYSQL = frozenset({"charset", "collation"})


def demand_provision_rules(reader: Reader, spec: Spec) -> None:
    """Report what the CRD's rules refuse about ``serverRef`` and ``provision``."""
    if "serverRef" in spec:
        _demand_place_from_server(reader, spec)
    if "provision" in spec:
        _demand_own_database(reader, spec)
        _demand_name(reader, spec)
        _demand_given_password(reader, spec)
        _demand_database(reader, spec["provision"].get("database", {}))
        _demand_interval(reader, spec["provision"].get("rotation", {}))


def _demand_place_from_server(reader: Reader, spec: Spec) -> None:
    reader.demand(
        spec.keys().isdisjoint({"host", "port", "tls"}),
        "spec.serverRef",
        "serverRef brings host, port and tls",
        "Remove host, port and tls, or remove serverRef",
    )
    credentials = spec.get("credentials", {})
    reader.demand(
        credentials.get("preset") in (None, Preset.BASIC_AUTH)
        and credentials.get("keys", {}).keys().isdisjoint({"host", "port", "url"}),
        "spec.serverRef",
        "host and port come from serverRef and from the credentials too",
        "Name user, password and name alone in credentials.keys, or remove serverRef",
    )
    reader.demand(
        spec.get("engine") not in limits.SQLITE_ENGINES,
        "spec.engine",
        "sqlite3 has no server",
        "Remove serverRef, or name the server's engine",
    )


def _demand_own_database(reader: Reader, spec: Spec) -> None:
    reader.demand(
        "serverRef" in spec,
        "spec.provision",
        "provision needs a server",
        "Set serverRef to a DatabaseServer",
    )
    reader.demand(
        "user" not in spec,
        "spec.user",
        "provision makes the login",
        "Remove user, or remove provision",
    )
    reader.demand(
        "inheritFrom" not in spec,
        "spec.inheritFrom",
        "provision makes a database of this alias' own",
        "Remove inheritFrom, or remove provision",
    )
    reader.demand(
        spec.get("role") != Role.REPLICA,
        "spec.role",
        "a Replica has no database of its own to make",
        "Remove provision, or set role to Primary",
    )


def _demand_name(reader: Reader, spec: Spec) -> None:
    name = spec.get("name", "a")
    reader.demand(
        len(name) <= limits.MYSQL_NAME_LENGTH and "\0" not in name,
        "spec.name",
        "no server makes a database of this name",
        "Choose at most 63 bytes for PostgreSQL or 64 characters for MySQL, without NUL",
    )
    reader.demand(
        spec.get("engine") not in limits.POSTGRESQL_ENGINES or _fits_postgresql(name),
        "spec.name",
        "name is longer than the 63 bytes that PostgreSQL keeps",
        "Shorten name",
    )
    reader.demand(
        name.lower() not in limits.SYSTEM_DATABASES,
        "spec.name",
        "name is that of a database which servers keep for themselves",
        "Choose another name",
    )


def _demand_given_password(reader: Reader, spec: Spec) -> None:
    credentials = spec.get("credentials", {})
    reader.demand(
        "preset" not in credentials and credentials.get("keys", {}).keys() <= {"password"},
        "spec.credentials",
        "beside provision credentials give a password and nothing else",
        "Remove preset, and every key but password",
    )
    reader.demand(
        not credentials or spec["provision"].keys().isdisjoint({"password", "rotation"}),
        "spec.provision",
        "a password that is given is neither generated nor rotated by schedule",
        "Remove password and rotation, or remove credentials",
    )


def _demand_database(reader: Reader, database: Spec) -> None:
    at = "spec.provision.database"
    reader.demand(
        database.keys().isdisjoint(_OF_POSTGRESQL) or database.keys().isdisjoint(_OF_MYSQL),
        at,
        "charset and collation are of MySQL and MariaDB, "
        "encoding, locale, template, extensions and schemas of PostgreSQL",
        "Keep those of the server",
    )
    for index, schema in enumerate(database.get("schemas", ())):
        reader.demand(
            not schema.startswith("pg_") and schema != "information_schema",
            f"{at}.schemas[{index}]",
            "PostgreSQL keeps this schema for itself",
            "Choose a name that does not begin with pg_ and is not information_schema",
        )
    reader.demand(
        all(_fits_postgresql(name) for name in _identifiers(database)),
        at,
        "a name is longer than the 63 bytes that PostgreSQL keeps",
        "Shorten the template's, the schema's or the extension's name",
    )


def _identifiers(database: Spec) -> list[str]:
    """Return every name of something in PostgreSQL."""
    extensions = database.get("extensions", ())
    return [
        database.get("template", ""),
        *database.get("schemas", ()),
        *(one.get(field, "") for one in extensions for field in ("name", "schema")),
    ]


def _demand_interval(reader: Reader, rotation: Spec) -> None:
    interval = rotation.get("interval", "1d")
    reader.demand(
        re.fullmatch(limits.INTERVAL, interval) is not None,
        "spec.provision.rotation.interval",
        "interval is no time, or less than 10 minutes",
        "Write minutes, hours or days, as in 10m, 12h or 30d",
    )


def _fits_postgresql(name: str) -> bool:
    return len(name.encode()) <= limits.POSTGRESQL_NAME_LENGTH
