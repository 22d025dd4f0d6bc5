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
        test={
            "name": "t",
            "dependencies": ["default"],
            "migrate": False,
            "passwordSecretRef": {"name": "t", "key": "pw"},
            "extra": {"CREATE_DB": False},
        },
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
        test={"NAME": "t", "DEPENDENCIES": ["default"], "MIGRATE": False, "CREATE_DB": False},
        test_password=ObjectKeyRef("Secret", "t", "pw"),
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


def test_whatever_is_open_may_be_a_json_text() -> None:
    """The texts arrive as what they say: numbers exact, 1.0 a float, null a value."""
    text = '{"a": null, "b": 1.0, "c": 9007199254740993, "d": [1, {"e": true}]}'
    body = an_alias(
        optionsJSON=text,
        extraJSON=text,
        test={"extraJSON": text},
        migrate={"connection": {"optionsJSON": text}},
    )
    alias = parse_alias(body).value
    assert alias
    assert alias.migrate.connection
    for found in (alias.options, alias.extra, alias.test, alias.migrate.connection.options):
        assert found == {"a": None, "b": 1.0, "c": 2**53 + 1, "d": [1, {"e": True}]}
        assert type(found["b"]) is float


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "1",
        "{",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e400}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": ' + 70 * "[" + 70 * "]" + "}",
        '{"a": ' + 7000 * "[" + 7000 * "]" + "}",
    ],
    ids=lambda text: text[:16],
)
def test_what_no_json_reader_is_sure_to_read_is_refused(text: str) -> None:
    """Not an object, a key twice, no number, half a character, or too deep to be copied."""
    assert _problems(an_alias(optionsJSON=text)) == ["spec.optionsJSON"]


@pytest.mark.parametrize("field", ["host", "port", "name", "user", "options", "test", "extra"])
def test_null_is_the_same_as_nothing(field: str) -> None:
    """The API server drops it; Django never meets a HOST, OPTIONS or TEST of None."""
    assert parse_alias(an_alias(**{field: None})).value == parse_alias(an_alias()).value


def test_all_problems_of_an_alias_are_told_at_once() -> None:
    """Shape, rules and content, in one answer."""
    body = an_alias(
        port="http", host="", role="Replica", migrate={}, optionsJSON="[", extra={1: "x"}
    )
    assert _problems(body) == [
        "spec.host",
        "spec.extra",
        "spec.port",
        "spec.migrate",
        "spec.optionsJSON",
    ]


def test_long_object_name_needs_an_alias() -> None:
    """A name of 64 characters is a legal object and no legal alias."""
    spec = an_alias()["spec"]
    assert _problems(a_body(Kind.ALIAS, spec, name="a" * 64)) == ["spec.alias"]
