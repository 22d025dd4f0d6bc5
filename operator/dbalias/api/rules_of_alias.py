"""What a DatabaseAlias must hold beyond its shape.

The first group is word for word what the CRD's CEL rules say; the second is what CEL cannot
see because it lies inside options or in a string.
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

Spec = Mapping[str, JSON]

CONNECTION_FIELDS = ("user", "host", "port", "name")

PRESET_FIELDS: Mapping[str, tuple[str, ...]] = {
    Preset.BASIC_AUTH: ("user",),
    Preset.CLOUD_NATIVE_PG: CONNECTION_FIELDS,
    Preset.SERVICE_BINDING: CONNECTION_FIELDS,
    Preset.URL: CONNECTION_FIELDS,
}
"""Which public fields a preset may read from its Secret."""

OWN_KEYS = frozenset(
    {
        "ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS", "TEST", "TIME_ZONE",
        "CONN_MAX_AGE", "CONN_HEALTH_CHECKS", "ATOMIC_REQUESTS", "AUTOCOMMIT",
        "DISABLE_SERVER_SIDE_CURSORS",
    }
)  # fmt: skip
"""Keys of a DATABASES entry that have a field of their own."""


def demand_alias_rules(reader: Reader, spec: Spec, *, alias: str) -> None:
    """Report what the CRD's rules refuse; ``alias`` is the effective name."""
    _demand_empty(reader, spec, alias)
    _demand_engine(reader, spec)
    _demand_own_name_absent(reader, spec, alias)
    _demand_one_source(reader, spec)
    _demand_credentials(reader, spec, "spec")
    _demand_tls(reader, spec.get("tls", {}))
    _demand_migrate(reader, spec)
    demand_conn_max_age(reader, spec, at="spec.connMaxAge")


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
        engine is not None or "inheritFrom" in spec or spec.get("empty") is True,
        "spec.engine",
        "engine is missing",
        "Set engine or inheritFrom; empty: true is for an empty default",
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
    reader.demand(
        engine not in limits.POSTGRESQL_ENGINES
        or len(spec.get("name", "")) <= limits.POSTGRESQL_NAME_LENGTH,
        "spec.name",
        "name is longer than the 63 characters that PostgreSQL allows",
        "Shorten name",
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


def _demand_one_source(reader: Reader, spec: Spec) -> None:
    for field in ("options", "extra"):
        reader.demand(
            not (field in spec and f"{field}JSON" in spec),
            f"spec.{field}JSON",
            f"{field} and {field}JSON exclude each other",
            "Keep one of them",
        )


def _demand_credentials(reader: Reader, spec: Spec, at: str) -> None:
    credentials = spec.get("credentials", {})
    keys = credentials.get("keys", {})
    reader.demand(
        not ("preset" in credentials and keys),
        f"{at}.credentials",
        "preset and keys exclude each other",
        "Keep one of them",
    )
    reader.demand(
        "url" not in keys or len(keys) == 1,
        f"{at}.credentials.keys",
        "url holds what the other keys name",
        "Keep url alone, or remove it",
    )
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


def _demand_tls(reader: Reader, tls: Spec) -> None:
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


def demand_engine_options(reader: Reader, spec: Spec, options: Spec, *, at: str) -> None:
    """Report OPTIONS that Django refuses only when the first connection is made."""
    engine = spec.get("engine")
    pooled = options.get("pool") and engine in (None, *limits.POSTGRESQL_ENGINES)
    reader.demand(
        not pooled or spec.get("connMaxAge", 0) == 0,
        f"{at}.pool",
        "a connection pool needs connMaxAge 0",
        "Remove pool, or set connMaxAge to 0",
    )
    level = options.get("isolation_level")
    reader.demand(
        level is None or _is_isolation_level(level, engine),
        f"{at}.isolation_level",
        "isolation_level is not known",
        f"Write one of {', '.join(limits.ISOLATION_LEVELS)}",
    )


def _is_isolation_level(level: JSON, engine: str | None) -> bool:
    if engine not in (None, *limits.POSTGRESQL_ENGINES, *limits.MYSQL_ENGINES):
        return True
    if isinstance(level, str):
        return " ".join(re.split(r"[\s_-]+", level.strip().lower())) in limits.ISOLATION_LEVELS
    numbered = engine is None or engine in limits.POSTGRESQL_ENGINES
    return numbered and type(level) is int and 1 <= level <= len(limits.ISOLATION_LEVELS)


def demand_database_named(reader: Reader, spec: Spec, options: Spec) -> None:
    """Report a PostgreSQL alias without a database: Django refuses it when it connects."""
    credentials = spec.get("credentials", {})
    reader.demand(
        spec.get("engine") not in limits.POSTGRESQL_ENGINES
        or "inheritFrom" in spec
        or "name" in spec
        or "service" in options
        or bool({"name", "url"} & credentials.get("keys", {}).keys())
        or "name" in PRESET_FIELDS.get(credentials.get("preset"), ()),
        "spec.name",
        "PostgreSQL needs the name of a database",
        "Set name, credentials.keys.name or options.service",
    )


def demand_foreign_keys(reader: Reader, extra: Spec, *, at: str) -> None:
    """Report keys of ``extra`` that have a field of their own."""
    for key in sorted(OWN_KEYS & extra.keys()):
        reader.refuse(f"{at}.{key}", f"{key} has a field of its own", "Use that field instead")
