"""``spec.serverRef`` and ``spec.provision`` of a DatabaseAlias read from YAML."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import Kind
from dbalias.api.parse_alias import parse_alias
from dbalias.api.provision import (
    Charset,
    DatabaseSpec,
    DeletionPolicy,
    Extension,
    PasswordRule,
    Provision,
    ServerRef,
)
from unit.api.bodies import a_body


def a_parsed_alias(**fields: Any) -> DatabaseAlias:
    """Return the value of a legal alias of namespace apps on a server."""
    spec = {"projectRef": {"name": "shop"}, "serverRef": {"name": "main"}, **fields}
    parsed = parse_alias(a_body(Kind.ALIAS, spec, namespace="apps"))
    assert parsed.problems == ()
    assert parsed.value
    return parsed.value


def test_server_is_one_of_the_own_namespace_by_default() -> None:
    """Only who names another namespace reaches into it."""
    assert a_parsed_alias().server == ServerRef("apps", "main")
    elsewhere = a_parsed_alias(serverRef={"name": "main", "namespace": "databases"})
    assert elsewhere.server == ServerRef("databases", "main")


def test_alias_without_a_server_names_none() -> None:
    """Nor does one that is not made have a provision."""
    alias = a_parsed_alias(serverRef=None, engine="postgresql")
    assert (alias.server, alias.provision) == (None, None)


def test_empty_provision_asks_for_the_defaults() -> None:
    """It is something else than none."""
    assert a_parsed_alias().provision is None
    provision = a_parsed_alias(provision={}).provision
    assert provision == Provision()
    assert provision.deletion_policy is DeletionPolicy.RETAIN
    assert provision.password == PasswordRule(32, Charset.ALPHANUMERIC)


def test_provision_with_all_fields_is_read() -> None:
    """Everything that is declared arrives."""
    provision = a_parsed_alias(
        provision={
            "database": {
                "encoding": "UTF8",
                "locale": "C",
                "template": "template0",
                "connectionLimit": 20,
                "extensions": [{"name": "citext"}, {"name": "a", "schema": "b", "version": "1"}],
                "schemas": ["audit"],
            },
            "deletionPolicy": "Delete",
            "adopt": True,
            "password": {"length": 40, "charset": "URLSafe"},
            "rotation": {"interval": "12h"},
            "readOnly": True,
        }
    ).provision
    assert provision == Provision(
        database=DatabaseSpec(
            encoding="UTF8",
            locale="C",
            template="template0",
            extensions=(Extension("citext"), Extension("a", "b", "1")),
            schemas=("audit",),
            connection_limit=20,
        ),
        deletion_policy=DeletionPolicy.DELETE,
        adopt=True,
        password=PasswordRule(40, Charset.URL_SAFE),
        rotation=timedelta(hours=12),
        read_only=True,
    )


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("10m", timedelta(minutes=10)),
        ("36h", timedelta(hours=36)),
        ("30d", timedelta(days=30)),
        ("9999d", timedelta(days=9999)),
    ],
)
def test_interval_is_read_in_each_unit(text: str, interval: timedelta) -> None:
    """Minutes, hours and days."""
    provision = a_parsed_alias(provision={"rotation": {"interval": text}}).provision
    assert provision
    assert provision.rotation == interval
