"""Names and passwords from the resource through SQL into the Secret: nothing is interpreted."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from dbalias.reconcile.ports import Resource
from integration.operator.operating import wait_until
from integration.provisioning.rig import ADMIN_PASSWORD, ADMINISTRATOR, Rig, an_alias, secret
from localkube.databases import DatabaseServer, PostgresServer

CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a database, and whether each of the servers can have it."""

    text: str
    postgres: bool = True
    mariadb: bool = True

    def is_legal_on(self, server: DatabaseServer) -> bool:
        """Tell whether the server can have a database of this name."""
        return self.postgres if server.engine == "postgresql" else self.mariadb


NAMES = (
    *(Name(f"a{quote}; DROP DATABASE {CANARY}; --") for quote in ("'", '"', "`", "''", "\\'")),
    Name("$$; DROP DATABASE canary; $$"),
    Name("%s %(name)s {} {0} $1 :x ?"),
    Name("back\\slash\\"),
    Name("_%_"),
    Name("select"),
    Name("größe 漢字"),
    Name("line\nbreak\ttab"),
    Name("a/b..c@d:e?f#g&h=i"),
    Name("postgresql://other:1/postgres?user=postgres"),
    Name("dbname=postgres user=postgres"),
    Name("x" * 63),
    Name("ü" * 31 + "u"),
    Name("x" * 64, postgres=False),
    Name("ü" * 32, postgres=False),
    Name("smile 😀", mariadb=False),
    Name("ends in a space ", mariadb=False),
    Name("_" * 40, mariadb=False),
)
SCHEMAS = ['s"; DROP TABLE old; --', "s'%s\\", "größe", "select", "$user"]
PASSWORDS = tuple(
    f"{start} is secret"
    for start in (
        *("pass'word\"with`quotes", "back\\slash\\", "%s%%{}$1 :x ?", " spaces  around "),
        *("p@:/?#[]&=+;,%41", "ünïcödé-漢字-😀", "'; DROP DATABASE canary; --", "x" * 502),
    )
)


@pytest.fixture
def logged(database: DatabaseServer) -> Iterator[DatabaseServer]:
    """A server that writes down every statement, and has a database that is nobody's business."""
    is_postgres = isinstance(database, PostgresServer)
    on, off = (
        (("ALTER SYSTEM SET log_statement = 'all'",), ("ALTER SYSTEM RESET log_statement",))
        if is_postgres
        else (
            ("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON"),
            ("SET GLOBAL general_log = OFF",),
        )
    )
    reload = ("SELECT pg_reload_conf()",) if is_postgres else ()
    for statement in (f"CREATE DATABASE {CANARY}", *on, *reload):
        database.admin_sql(statement)
    if is_postgres:  # a reload reaches new sessions a moment later
        wait_until(lambda: database.admin_sql("SHOW log_statement") == [("all",)])
    yield database
    for statement in (*off, *reload):
        database.admin_sql(statement)
    database.drop_database(CANARY)


def statements(database: DatabaseServer) -> str:
    """Return every statement that the server was sent."""
    if isinstance(database, PostgresServer):
        return database.log.read_text(errors="replace")
    rows = database.admin_sql("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log")
    return "\n".join(str(row[0]) for row in rows)


def an_alias_of(index: int, text: str, **provision: Any) -> Any:
    """Return an alias whose database has this name."""
    body = an_alias(f"odd{index}", provision={"deletionPolicy": "Delete", **provision})
    body["spec"]["name"] = text
    return body


def databases(server: DatabaseServer) -> set[str]:
    """Return every database of a server but the one where claims are kept."""
    postgres = isinstance(server, PostgresServer)
    rows = server.admin_sql("SELECT datname FROM pg_database" if postgres else "SHOW DATABASES")
    return {str(row[0]) for row in rows} - {"dbalias"}


async def test_any_name_is_a_name_from_the_resource_to_the_secret(
    rig: Rig, logged: DatabaseServer
) -> None:
    """Each is made, opened by its Secret, left alone by a second pass, and dropped again."""
    before = databases(logged)
    for index, name in enumerate(NAMES):
        await rig.put(Resource.ALIASES, an_alias_of(index, name.text, readOnly=True))
    await rig.run()
    made = {index: name for index, name in enumerate(NAMES) if name.is_legal_on(logged)}
    assert databases(logged) == before | {name.text for name in made.values()}
    for index, name in enumerate(NAMES):
        told = await rig.provisioned(f"odd{index}")
        if index not in made:
            assert (told["reason"], told["status"]) == ("InvalidConfiguration", "False"), name
            continue
        assert told["reason"] == "Provisioned", (name, told)
        binding = await rig.binding(f"odd{index}-binding")
        assert binding
        assert binding["database"] == name.text
        assert rig.opens(binding), name
        assert rig.reads(await rig.binding(f"odd{index}-binding-readonly")), name
    await _nothing_changes(rig, made)
    await _all_goes_again(rig, made)
    assert databases(logged) == before
    assert rig.roles() == set()


async def _nothing_changes(rig: Rig, made: dict[int, Name]) -> None:
    versions = [await rig.version(Resource.ALIASES, f"odd{index}") for index in made]
    rig.restart()
    await rig.run()
    assert [await rig.version(Resource.ALIASES, f"odd{index}") for index in made] == versions


async def _all_goes_again(rig: Rig, made: dict[int, Name]) -> None:
    for index in made:
        await rig.remove(Resource.ALIASES, f"odd{index}")
    await rig.run()
    for index in made:
        assert await rig.version(Resource.ALIASES, f"odd{index}") is None
        assert await rig.binding(f"odd{index}-binding") is None


async def test_any_schema_is_a_schema(rig: Rig, administered_postgres: DatabaseServer) -> None:
    """Of PostgreSQL; MariaDB has none, and says so."""
    await rig.put(Resource.ALIASES, an_alias_of(0, "odd", database={"schemas": SCHEMAS}))
    await rig.run()
    told = await rig.provisioned("odd0")
    if rig.database is not administered_postgres:
        assert told["reason"] == "InvalidConfiguration"
        return
    assert told["reason"] == "Provisioned", told
    rows = rig.database.admin_sql("SELECT nspname FROM pg_namespace", database="odd")
    assert {row[0] for row in rows} >= set(SCHEMAS)
    await _nothing_changes(rig, {0: Name("odd")})
    await _all_goes_again(rig, {0: Name("odd")})


async def test_any_password_opens_the_database_and_is_in_no_statement(
    rig: Rig, logged: DatabaseServer
) -> None:
    """Given ones with every kind of character, and the generated ones, before and after a pass."""
    for index, password in enumerate(PASSWORDS):
        await rig.put(Resource.SECRETS, secret(f"given{index}", password=password))
        body = an_alias_of(index, f"given{index}")
        body["spec"]["credentials"] = {"secretRef": {"name": f"given{index}"}}
        await rig.put(Resource.ALIASES, body)
    generated = {"length": 128, "charset": "Printable"}
    await rig.put(Resource.ALIASES, an_alias_of(99, "generated", password=generated))
    await rig.run()
    seen = []
    for index, given in [*enumerate(PASSWORDS), (99, None)]:
        told = await rig.provisioned(f"odd{index}")
        assert told["reason"] == "Provisioned", (index, told)
        binding = await rig.binding(f"odd{index}-binding")
        assert binding
        assert given in (None, binding["password"])
        assert rig.opens(binding), index
        seen.append(binding["password"])
    log = statements(logged)
    assert "given0" in log
    assert [one for one in seen if one in log or one.encode().hex() in log.lower()] == []
    assert CANARY in databases(logged)
    await _all_goes_again(rig, {index: Name("") for index in (*range(len(PASSWORDS)), 99)})


async def test_no_password_is_in_a_status_an_event_or_our_log(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes of it: issued, refused as a password, or refused as the administrator's."""
    caplog.set_level(logging.DEBUG)
    for name, password in (("good", "this is secret"), ("bad", "line\nbreak is secret")):
        await rig.put(Resource.SECRETS, secret(f"given-{name}", password=password))
        given = {"secretRef": {"name": f"given-{name}"}}
        provision = {"deletionPolicy": "Delete"}
        await rig.put(Resource.ALIASES, an_alias(name, credentials=given, provision=provision))
    await rig.alias("generated")
    await rig.run()
    assert (await rig.provisioned("good"))["reason"] == "Provisioned"
    assert (await rig.provisioned("bad"))["reason"] == "InvalidConfiguration"
    generated = await rig.binding("generated-binding")
    assert generated
    wrong = secret("admin", username=ADMINISTRATOR, password="it is secret")["data"]
    await rig.patch(Resource.SECRETS, "admin", data=wrong)
    await rig.remove(Resource.ALIASES, "good")
    await rig.run()
    assert (await rig.server_status())["conditions"]["Connected"]["reason"] == "LoginRefused"
    rig.later(timedelta(minutes=11))
    await rig.run()
    assert await rig.events("good") == ["DatabaseRetained"]
    kinds = (Resource.ALIASES, Resource.SERVERS, Resource.EVENTS, Resource.CONFIG_MAPS)
    bodies = [await rig.cluster.list(kind, rig.namespace) for kind in kinds]
    said = json.dumps(bodies, ensure_ascii=False) + caplog.text
    assert f"create database {rig.namespace}_generated" in caplog.text
    for password in ("is secret", generated["password"], ADMIN_PASSWORD, "SCRAM-SHA-256$"):
        assert password not in said
