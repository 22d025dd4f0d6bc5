"""Logging in as the operator does and as applications do, with time enough for a slow machine."""

from __future__ import annotations

import asyncio
import base64
import threading
from contextlib import closing
from functools import partial
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql

from dbalias.api.meta import JSON
from dbalias.servers.connecting import connect
from dbalias.servers.sessions.timeouts import Timeouts

PATIENCE = 60
"""Seconds; with the operator's own few, a machine that stalls would be told of as a fault."""
connect_patiently = partial(
    connect, timeouts=Timeouts(connect=PATIENCE, lock=PATIENCE, silence=PATIENCE)
)


async def end_of_threads() -> None:
    """Wait until no thread of the operator's works with a server."""
    for thread in threading.enumerate():
        if thread.name == "dbalias-server":
            await asyncio.to_thread(thread.join)


def decoded(body: JSON) -> dict[str, str]:
    """Return what a Secret holds."""
    return {key: base64.b64decode(text).decode() for key, text in body["data"].items()}


def can_make_a_table(binding: dict[str, str]) -> bool:
    """Tell whether a login is let in, and may make, fill and drop a table."""
    return _can(
        binding,
        "CREATE TABLE tried (id integer)",
        "INSERT INTO tried VALUES (1)",
        "DROP TABLE tried",
    )


def can_store(binding: dict[str, str], value: str) -> bool:
    """Tell whether a login is let in, and stores something in a table that stays."""
    return _can(
        binding,
        "CREATE TABLE IF NOT EXISTS kept (value varchar(99))",
        f"INSERT INTO kept VALUES ('{value}')",
    )


def can_read(binding: dict[str, str]) -> bool:
    """Tell whether a login is let in."""
    return _can(binding, "SELECT 1")


def _can(binding: dict[str, str], *statements: str) -> bool:
    opened = _postgresql if binding["type"] == "postgresql" else _mysql
    try:
        with closing(opened(binding)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except (psycopg.Error, pymysql.err.Error):
        return False
    return True


def _postgresql(binding: dict[str, str]) -> psycopg.Connection:
    return psycopg.connect(binding["uri"], connect_timeout=PATIENCE, autocommit=True)


def _mysql(binding: dict[str, str]) -> pymysql.Connection:
    found = urlsplit(binding["uri"])
    return pymysql.connect(
        host=found.hostname,
        port=found.port or 0,
        user=unquote(found.username or ""),
        password=unquote(found.password or "").encode(),
        database=unquote(found.path.removeprefix("/")),
        connect_timeout=PATIENCE,
        autocommit=True,
        ssl_disabled=True,  # or half a second goes into certificates that nobody looks at
    )
