"""DatabaseAlias: what a body becomes, and what CEL cannot see."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.alias import (
    TLS,
    UNLIMITED,
    AliasMigrate,
    Credentials,
    DatabaseAlias,
    MigrateConnection,
    ObjectKeyRef,
    Pooler,
    Preset,
    Role,
    TLSMode,
)
from dbalias.api.meta import Kind, Metadata
from dbalias.api.parse import parse_alias
from dbalias.api.project import MigrateMode
from unit.api.bodies import a_body, an_alias

PG = {"engine": "postgresql", "name": "shop"}


def _problems(body: dict[str, Any]) -> list[str]:
    return [problem.field for problem in parse_alias(body).problems]


def test_alias_with_little_said_has_the_defaults() -> None:
    """What is not said is None, so that inheritance can tell; the name is the object's."""
    assert parse_alias(an_alias()).value == DatabaseAlias(
        metadata=Metadata("", "users"), project="shop", alias="users", engine="mysql"
    )


def test_alias_with_everything_said_is_read_whole() -> None:
    """Every field arrives where the type has it."""
    body = an_alias(
        alias="orders",
        name="n",
        host="h",
        port=3306,
        credentials={"secretRef": {"name": "s"}, "preset": "BasicAuth"},
        tls={
            "mode": "verify-full",
            "caRef": {"secretKeyRef": {"name": "ca", "key": "ca.pem"}},
            "clientCertificateRef": {"name": "client"},
        },
        pooler="Session",
        options={"charset": "utf8mb4"},
        connMaxAge="Unlimited",
        connHealthChecks=True,
        atomicRequests=False,
        autocommit=True,
        disableServerSideCursors=False,
        timeZone="Europe/Paris",
        test={"name": "t", "dependencies": ["default"], "migrate": False},
        extra={"SCHEMA": "x"},
        role="Primary",
        inheritFrom="default",
        migrate={
            "mode": "Approve",
            "apps": ["shop"],
            "dependsOn": ["default"],
            "args": ["--fake-initial"],
            "connection": {
                "host": "direct",
                "port": 3307,
                "credentials": {"secretRef": {"name": "ddl"}, "keys": {"password": "pw"}},
                "options": {"lock_timeout": 5},
            },
        },
    )
    assert parse_alias({**body, "status": {"alias": "orders"}}).value == DatabaseAlias(
        metadata=Metadata("", "users"),
        project="shop",
        alias="orders",
        engine="mysql",
        name="n",
        host="h",
        port=3306,
        credentials=Credentials("s", preset=Preset.BASIC_AUTH),
        tls=TLS(TLSMode.VERIFY_FULL, ObjectKeyRef("Secret", "ca", "ca.pem"), "client"),
        pooler=Pooler.SESSION,
        options={"charset": "utf8mb4"},
        conn_max_age=UNLIMITED,
        conn_health_checks=True,
        atomic_requests=False,
        autocommit=True,
        disable_server_side_cursors=False,
        time_zone="Europe/Paris",
        test={"NAME": "t", "DEPENDENCIES": ["default"], "MIGRATE": False},
        extra={"SCHEMA": "x"},
        role=Role.PRIMARY,
        inherit_from="default",
        migrate=AliasMigrate(
            MigrateMode.APPROVE,
            apps=("shop",),
            depends_on=("default",),
            args=("--fake-initial",),
            connection=MigrateConnection(
                "direct",
                3307,
                credentials=Credentials("ddl", keys={"password": "pw"}),
                options={"lock_timeout": 5},
            ),
        ),
        status={"alias": "orders"},
    )


def test_options_and_extra_may_be_json_texts() -> None:
    """The texts arrive as what they say."""
    body = an_alias(optionsJSON='{"isolation_level": null}', extraJSON='{"RATIO": 1.0}')
    alias = parse_alias(body).value
    assert alias
    assert (alias.options, alias.extra) == ({"isolation_level": None}, {"RATIO": 1.0})


def test_all_problems_of_an_alias_are_told_at_once() -> None:
    """Shape, rules and content, in one answer."""
    body = an_alias(
        port="3306", host="", role="Replica", migrate={}, optionsJSON="[", extra={"NAME": "x"}
    )
    assert _problems(body) == [
        "spec.host",
        "spec.port",
        "spec.migrate",
        "spec.optionsJSON",
        "spec.extra.NAME",
    ]


@pytest.mark.parametrize("age", [60, "Unlimited"])
@pytest.mark.parametrize("pool", [True, {"min_size": 2}])
def test_pool_with_kept_connections_is_refused(age: Any, pool: Any) -> None:
    """Django refuses the pair at the first connection."""
    body = an_alias(**PG, options={"pool": pool}, connMaxAge=age)
    assert _problems(body) == ["spec.options.pool"]


@pytest.mark.parametrize(
    "fields",
    [
        {**PG, "options": {"pool": True}},
        {**PG, "options": {"pool": True}, "connMaxAge": 0},
        {**PG, "options": {"pool": False}, "connMaxAge": 60},
        {"options": {"pool": True}, "connMaxAge": 60},
    ],
    ids=["age unset", "age 0", "no pool", "another backend's own option"],
)
def test_pool_without_kept_connections_is_accepted(fields: dict[str, Any]) -> None:
    """Only PostgreSQL's pool, only with an age."""
    assert _problems(an_alias(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "level", "known"),
    [
        (PG, "read committed", True),
        (PG, "REPEATABLE_READ", True),
        (PG, "Serializable", True),
        (PG, 4, True),
        (PG, 5, False),
        (PG, True, False),
        (PG, "snapshot", False),
        ({}, "read-committed", True),
        ({}, 2, False),
        ({}, "snapshot", False),
        ({"engine": "shop.backends.mssql"}, "snapshot", True),
    ],
)
def test_isolation_level_is_known_by_name(fields: Any, level: Any, known: bool) -> None:
    """PostgreSQL also takes psycopg's numbers; foreign backends have levels of their own."""
    refused = [] if known else ["spec.options.isolation_level"]
    assert _problems(an_alias(**fields, options={"isolation_level": level})) == refused
    at = [field.replace("options", "migrate.connection.options") for field in refused]
    migrate = {"connection": {"options": {"isolation_level": level}}}
    assert _problems(an_alias(**fields, migrate=migrate)) == at


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, False),
        ({"name": "shop"}, True),
        ({"options": {"service": "shop"}}, True),
        ({"inheritFrom": "default"}, True),
        ({"credentials": {"secretRef": {"name": "s"}}}, False),
        ({"credentials": {"secretRef": {"name": "s"}, "keys": {"name": "db"}}}, True),
        ({"credentials": {"secretRef": {"name": "s"}, "keys": {"url": "u"}}}, True),
        ({"credentials": {"secretRef": {"name": "s"}, "preset": "CloudNativePG"}}, True),
        ({"credentials": {"secretRef": {"name": "s"}, "preset": "BasicAuth"}}, False),
    ],
)
def test_postgresql_needs_the_name_of_a_database(fields: Any, named: bool) -> None:
    """From the spec, a Secret, a service file or another alias."""
    assert _problems(an_alias(**{"engine": "postgis", **fields})) == (
        [] if named else ["spec.name"]
    )


@pytest.mark.parametrize("key", ["PASSWORD", "OPTIONS", "CONN_MAX_AGE", "TEST"])
def test_extra_cannot_set_what_has_a_field(key: str) -> None:
    """A password in a ConfigMap, or an option past every check, is not an extra."""
    assert _problems(an_alias(extra={key: "x"})) == [f"spec.extra.{key}"]


def test_long_object_name_needs_an_alias() -> None:
    """A name of 64 characters is a legal object and no legal alias."""
    spec = an_alias()["spec"]
    assert _problems(a_body(Kind.ALIAS, spec, name="a" * 64)) == ["spec.alias"]
