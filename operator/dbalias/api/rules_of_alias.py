"""What a DatabaseAlias must hold beyond its shape, word for word as the CRD's CEL rules say it.

What lies inside options or comes from other objects is for ``django.faults`` to judge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbalias.api import limits
from dbalias.api.alias import UNLIMITED, Pooler, Preset, Role, TLSMode
from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.api.project import MigrateMode
from dbalias.api.reader import Reader
from dbalias.api.rules_of_arguments import demand_no_database
from dbalias.api.rules_of_provision import demand_provision_rules

Spec = Mapping[str, JSON]

CONNECTION_FIELDS = ("user", "host", "port", "name")

PRESET_FIELDS: Mapping[str, tuple[str, ...]] = {
    Preset.BASIC_AUTH: ("user",),
    Preset.CLOUD_NATIVE_PG: CONNECTION_FIELDS,
    Preset.SERVICE_BINDING: CONNECTION_FIELDS,
    Preset.URL: CONNECTION_FIELDS,
}
"""Which public fields a preset may read from its Secret."""


def demand_alias_rules(reader: Reader, spec: Spec, *, alias: str) -> None:
    """Report what the CRD's rules refuse; ``alias`` is the effective name."""
    _demand_empty(reader, spec, alias)
    _demand_engine(reader, spec)
    _demand_names(reader, spec)
    _demand_own_name_absent(reader, spec, alias)
    _demand_places(reader, spec)
    _demand_credentials(reader, spec, "spec")
    demand_tls(reader, spec.get("tls", {}))
    demand_provision_rules(reader, spec)
    _demand_migrate(reader, spec)
    demand_conn_max_age(reader, spec, at="spec.connMaxAge")
    reader.demand(
        spec.get("autocommit") is not False or not spec.get("atomicRequests"),
        "spec.atomicRequests",
        "without autocommit Django never commits what a request does",
        "Set atomicRequests to false, or remove autocommit",
    )


def demand_conn_max_age(reader: Reader, spec: Spec, *, at: str) -> None:
    """Report a ``connMaxAge`` that is neither seconds from 0 on nor Unlimited."""
    age = spec.get("connMaxAge", 0)
    legal = 0 <= age <= limits.MAX_CONN_AGE if isinstance(age, int) else age == UNLIMITED
    reader.demand(
        legal,
        at,
        "connMaxAge is neither seconds nor Unlimited",
        "Write a whole number from 0 on, or Unlimited",
    )


def _demand_empty(reader: Reader, spec: Spec, alias: str) -> None:
    if not spec.get("empty"):
        return
    reader.demand(
        alias == DEFAULT_ALIAS,
        "spec.empty",
        "empty is for the alias default alone",
        "Remove empty, or set alias to default",
    )
    reader.demand(
        spec.keys() <= {"projectRef", "alias", "empty"},
        "spec.empty",
        "an empty default has no other fields",
        "Keep projectRef and alias only, or remove empty",
    )


def _demand_engine(reader: Reader, spec: Spec) -> None:
    engine = spec.get("engine")
    reader.demand(
        engine is not None
        or "serverRef" in spec
        or "inheritFrom" in spec
        or spec.get("empty") is True,
        "spec.engine",
        "engine is missing",
        "Set engine, serverRef or inheritFrom; empty: true is for an empty default",
    )
    if engine is None:
        return
    reader.demand(
        engine in limits.ENGINE_WORDS
        or (
            re.fullmatch(limits.MODULE, engine) is not None
            and re.fullmatch(limits.SERVER_WORD, engine) is None
        ),
        "spec.engine",
        "engine is neither a known word nor a dotted path",
        "Write postgresql, postgis, mysql, mariadb, sqlite3 or a backend's dotted path",
    )
    reader.demand(
        engine not in limits.SQLITE_ENGINES or "name" in spec or "inheritFrom" in spec,
        "spec.name",
        "sqlite3 needs a name",
        "Set name to the path of the database file",
    )


def _demand_names(reader: Reader, spec: Spec) -> None:
    test = spec.get("test", {})
    for engines, server, most in (
        (limits.POSTGRESQL_ENGINES, "PostgreSQL", limits.POSTGRESQL_NAME_LENGTH),
        (limits.MYSQL_ENGINES, "MySQL", limits.MYSQL_NAME_LENGTH),
    ):
        for field, name in (("name", spec.get("name", "")), ("test.name", test.get("name", ""))):
            reader.demand(
                spec.get("engine") not in engines or len(name) <= most,
                f"spec.{field}",
                f"{field} is longer than the {most} characters that {server} allows",
                f"Shorten {field}",
            )
    reader.demand(
        spec.get("engine") not in limits.POSTGRESQL_ENGINES or "collation" not in test,
        "spec.test.collation",
        "Django sets no collation of PostgreSQL's test databases",
        "Remove test.collation, or name a template that has it",
    )


def _demand_own_name_absent(reader: Reader, spec: Spec, alias: str) -> None:
    reader.demand(
        spec.get("inheritFrom") != alias,
        "spec.inheritFrom",
        "inheritFrom names the alias itself",
        "Name another alias",
    )
    test = spec.get("test", {})
    reader.demand(
        test.get("mirror") != alias and alias not in test.get("dependencies", ()),
        "spec.test",
        "test.mirror or test.dependencies names the alias itself",
        "Name other aliases",
    )
    reader.demand(
        alias not in spec.get("migrate", {}).get("dependsOn", ()),
        "spec.migrate.dependsOn",
        "migrate.dependsOn names the alias itself",
        "Name other aliases",
    )


def demand_one_source(reader: Reader, spec: Spec, field: str, *, at: str) -> None:
    """Report a field of any content that is said as a map and as a text."""
    reader.demand(
        not (field in spec and f"{field}JSON" in spec),
        f"{at}.{field}JSON",
        f"{field} and {field}JSON exclude each other",
        "Keep one of them",
    )


def _demand_places(reader: Reader, spec: Spec) -> None:
    """Report hosts and ports that no driver takes, and what is said in two places."""
    for where, at in (
        (spec, "spec"),
        (spec.get("migrate", {}).get("connection", {}), "spec.migrate.connection"),
    ):
        _demand_port(reader, where, at=at)
        demand_one_source(reader, where, "options", at=at)
    demand_one_source(reader, spec, "extra", at="spec")
    demand_one_source(reader, spec.get("test", {}), "extra", at="spec.test")
    reader.demand(
        spec.get("engine") not in limits.MYSQL_ENGINES
        or "," not in f"{spec.get('host', '')}{spec.get('port', '')}",
        "spec.host",
        "MySQL's drivers connect to one host",
        "Name one host and one port",
    )


def _demand_port(reader: Reader, spec: Spec, *, at: str) -> None:
    port = spec.get("port", 1)
    reader.demand(
        0 < port <= limits.MAX_PORT
        if isinstance(port, int)
        else re.fullmatch(limits.PORTS, port) is not None,
        f"{at}.port",
        "port is no port",
        "Write a number from 1 to 65535, or one for each PostgreSQL host as in 5432,5433",
    )
    reader.demand(
        isinstance(port, int)
        or "," not in port
        or "host" not in spec
        or port.count(",") == spec["host"].count(","),
        f"{at}.port",
        "port has not as many entries as host",
        "Write one port for all hosts, or one for each",
    )


def demand_layout(reader: Reader, credentials: Spec, *, at: str) -> None:
    """Report credentials whose Secret would be read in two ways."""
    keys = credentials.get("keys", {})
    reader.demand(
        not ("preset" in credentials and keys),
        at,
        "preset and keys exclude each other",
        "Keep one of them",
    )
    reader.demand(
        "url" not in keys or len(keys) == 1,
        f"{at}.keys",
        "url holds what the other keys name",
        "Keep url alone, or remove it",
    )


def _demand_credentials(reader: Reader, spec: Spec, at: str) -> None:
    credentials = spec.get("credentials", {})
    keys = credentials.get("keys", {})
    demand_layout(reader, credentials, at=f"{at}.credentials")
    named = CONNECTION_FIELDS if "url" in keys else tuple(keys)
    for field in CONNECTION_FIELDS:
        reader.demand(
            not (
                field in spec
                and field in (*named, *PRESET_FIELDS.get(credentials.get("preset"), ()))
            ),
            f"{at}.{field}",
            f"{field} is set here and read from the credentials too",
            f"Remove {field}, or let credentials.keys leave it out",
        )


def demand_tls(reader: Reader, tls: Spec) -> None:
    """Report certificates from nowhere, from two places, or without TLS."""
    reader.demand(
        "caRef" not in tls or len(tls["caRef"]) == 1,
        "spec.tls.caRef",
        "caRef names not exactly one source",
        "Set one of configMapKeyRef and secretKeyRef",
    )
    reader.demand(
        tls.get("mode") != TLSMode.DISABLE or tls.keys() == {"mode"},
        "spec.tls.mode",
        "mode disable uses no certificates",
        "Remove caRef and clientCertificateRef, or choose another mode",
    )


def _demand_migrate(reader: Reader, spec: Spec) -> None:
    migrate = spec.get("migrate", {})
    connection = migrate.get("connection", {})
    replica = spec.get("role") == Role.REPLICA
    reader.demand(
        not replica or "migrate" not in spec,
        "spec.migrate",
        "a Replica is never migrated",
        "Remove migrate, or set role to Primary",
    )
    reader.demand(
        not replica or spec.get("test", {}).keys() <= {"mirror"},
        "spec.test",
        "a Replica has no test database of its own",
        "Keep test.mirror only, or set role to Primary",
    )
    reader.demand(
        spec.get("pooler") != Pooler.TRANSACTION
        or replica
        or bool(connection)
        or migrate.get("mode") == MigrateMode.NEVER,
        "spec.pooler",
        "a migration cannot hold its lock through pooler Transaction",
        "Set migrate.connection to a direct endpoint, or migrate.mode to Never",
    )
    demand_no_database(reader, migrate.get("args", ()), at="spec.migrate.args")
    _demand_credentials(reader, connection, "spec.migrate.connection")
    reader.demand(
        "name" not in connection.get("credentials", {}).get("keys", {}),
        "spec.migrate.connection.credentials.keys.name",
        "migrate.connection reaches the alias' own database",
        "Remove the key name",
    )
