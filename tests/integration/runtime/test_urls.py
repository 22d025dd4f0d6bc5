"""The published URLs are taken by real clients, whatever is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pymysql
import pytest

from integration.runtime.pod import Database, Pod, a_database
from localkube.databases import DatabaseServer, PostgresServer

NASTY = ["p/w?:@ %41+&=#[]", "quote'\"\\$HOME`{{x}}", "grüße · 密码", " spaces ", "%", "a\tb"]


@pytest.fixture(scope="session")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """PostgreSQL at both loopback addresses and a socket."""
    folder = tmp_path_factory.mktemp("everywhere")
    with PostgresServer(folder, listen=("127.0.0.1", "::1")) as server:
        yield server


def url_of(pod: Pod, database: Database, **fields: object) -> str:
    """Publish a database as default; return its URL as a consumer reads it."""
    alias = database.alias("default", **fields)
    pod.publish([alias], sources=database.sources("default"))
    return (pod.mount / "default.url").read_text("utf-8")


@pytest.mark.parametrize("password", NASTY)
def test_psycopg_takes_a_url_with_any_password(
    password: str, pod: Pod, everywhere: DatabaseServer
) -> None:
    """Percent-encoded once, and read once."""
    database = a_database(everywhere, password)
    with psycopg.connect(url_of(pod, database)) as connection:
        assert connection.info.dbname == database.name


@pytest.mark.parametrize("place", ["::1", "socket", "127.0.0.1,::1", "127.0.0.1,127.0.0.1"])
def test_psycopg_takes_addresses_of_every_kind(
    place: str, pod: Pod, everywhere: DatabaseServer
) -> None:
    """IPv6, a socket's folder, and several hosts of which the first may not answer."""
    database = a_database(everywhere)
    host = str(everywhere.data) if place == "socket" else place
    port = f"1,{everywhere.port}" if "," in place else everywhere.port
    options = {"application_name": "a b&c", "connect_timeout": 60}
    with psycopg.connect(
        url_of(pod, database, host=host, port=port, options=options)
    ) as connection:
        assert connection.info.port == everywhere.port
        assert connection.info.host == host.rpartition(",")[2]
        found = connection.execute("SHOW application_name").fetchone()
    assert found == ("a b&c",)


def test_one_host_parses_as_any_url(pod: Pod, everywhere: DatabaseServer) -> None:
    """The standard library's parts, decoded, are the fields: what URL-reading settings rely on."""
    database = replace(a_database(everywhere, NASTY[0]), server=everywhere)
    parts = urlsplit(url_of(pod, database, host="::1", options={"sslmode": "prefer"}))
    assert (parts.scheme, parts.hostname, parts.port) == ("postgresql", "::1", everywhere.port)
    assert unquote(parts.password or "") == NASTY[0]
    assert unquote(parts.username or "") == database.user
    assert unquote(parts.path[1:]) == database.name
    assert parse_qs(parts.query) == {"sslmode": ["prefer"]}


@pytest.mark.parametrize("password", [one for one in NASTY if one.isascii()])
def test_pymysql_takes_the_parts_of_a_url(password: str, pod: Pod, mariadb: DatabaseServer) -> None:
    """Read with the standard library, as there is no URL in PyMySQL itself."""
    database = a_database(mariadb, password)
    parts = urlsplit(url_of(pod, database, options={"charset": "utf8mb4"}))
    assert parts.scheme == "mysql"
    with pymysql.connect(
        host=unquote(parts.hostname or ""),
        port=parts.port or 0,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path[1:]),
        charset=parse_qs(parts.query)["charset"][0],
    ) as connection:
        assert connection.db == database.name.encode()


def test_a_mysql_socket_is_the_host_of_its_url(pod: Pod, mariadb: DatabaseServer) -> None:
    """With its slashes encoded; upper case in it is only safe outside of ``hostname``."""
    database = a_database(mariadb)
    socket = str(Path(str(mariadb.data)) / "mariadb.sock")
    parts = urlsplit(url_of(pod, database, host=socket, port=None))
    assert unquote(parts.netloc.rpartition("@")[2]) == socket
