"""What is still sent, and what still takes effect, when somebody else may be at work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import psycopg
import pymysql
import pytest

from dbalias.servers.endpoint import Endpoint
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.plot import Step
from dbalias.servers.sessions.timeouts import Timeouts
from integration.isolation.scenery import (
    PATIENCE,
    PATIENT,
    Asking,
    address_of,
    an_endpoint,
    answer,
    step,
    until_none_is_left,
)
from localkube.databases import DatabaseServer

PATIENT_BUT_FOR_LOCKS = replace(PATIENT, lock=1)
SOON_SILENT = replace(PATIENT, silence=5)
TABLE = {"postgresql": "public.fenced", "mariadb": "fenced.fenced"}


class ShutError(Exception):
    """What a fence raises."""


@dataclass(slots=True)
class Gate:
    """A fence that is open, until ``at_last`` happens at the given one of the next statements."""

    at_last: Callable[[], object]
    left: int = 1_000_000
    asked: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        """Let it through, or not."""
        self.asked.append(seconds)
        self.left -= 1
        if self.left == 0:
            self.at_last()


def shut() -> None:
    """Let nothing through."""
    raise ShutError


@asynccontextmanager
async def fenced(
    server: DatabaseServer,
    at_last: Callable[[], object],
    *,
    timeouts: Timeouts = PATIENT,
) -> AsyncIterator[Any]:
    """Give an endpoint with its gate, on a database with an empty table."""
    server.create_database("fenced", "fenced", "secret")
    server.admin_sql("CREATE TABLE fenced (a integer)", database="fenced")
    gate = Gate(at_last)
    address = address_of(server, database="fenced")
    endpoint = Endpoint(address, Asking(), timeouts=timeouts, fence=gate)
    try:
        yield endpoint, gate
    finally:
        gate.left = 1_000_000
        await endpoint.close()
        server.drop_database("fenced")


def insert(server: DatabaseServer, *values: int) -> Step:
    """Return a step; several values stand between a BEGIN and a COMMIT."""
    return step(*(f"INSERT INTO {TABLE[server.engine]} VALUES ({value})" for value in values))


def rows(server: DatabaseServer) -> int:
    """Return how many rows took effect."""
    return len(server.admin_sql("SELECT a FROM fenced", database="fenced"))


async def test_every_statement_asks_the_fence(server: DatabaseServer) -> None:
    """For as long as it may take to have its effect; a login asks as well."""
    async with fenced(server, shut) as (endpoint, gate):
        await answer(endpoint)
        logged_in = len(gate.asked)
        await endpoint.run([insert(server, 1, 2)])
        assert len(gate.asked) == logged_in + 4
        assert set(gate.asked) == {PATIENT.late}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_nothing_is_sent_that_the_fence_refuses(server: DatabaseServer, number: int) -> None:
    """Not even a COMMIT: the session is closed, and what it began is undone."""
    async with fenced(server, shut) as (endpoint, gate):
        await answer(endpoint)
        gate.left = number
        with pytest.raises(ShutError):
            await endpoint.run([insert(server, 1, 2)])
        assert until_none_is_left(server)
        assert rows(server) == 0


async def test_nobody_logs_in_whom_the_fence_refuses(server: DatabaseServer) -> None:
    """A process that lost its Lease bothers no server."""
    async with fenced(server, shut) as (endpoint, gate):
        gate.left = 1
        with pytest.raises(ShutError):
            await answer(endpoint)
        assert len(gate.asked) == 1


@pytest.mark.parametrize("number", [1, 4], ids=["before BEGIN", "before COMMIT"])
async def test_what_was_let_through_and_comes_late_finds_its_session_gone(
    server: DatabaseServer, number: int
) -> None:
    """The server ends a silent session by its own clock, whatever became of who has it."""
    awake = threading.Event()
    asleep = partial(awake.wait, 2 * PATIENCE)
    async with fenced(server, asleep, timeouts=SOON_SILENT) as (endpoint, gate):
        await answer(endpoint)
        gate.left = number
        late = asyncio.create_task(endpoint.run([insert(server, 1, 2)]))
        assert await asyncio.to_thread(until_none_is_left, server)
        assert not late.done()
        awake.set()
        with pytest.raises(ServerFaultError) as caught:
            await late
        assert caught.value.fault is Fault.UNREACHABLE
        assert rows(server) == 0


async def test_what_waits_for_a_lock_is_given_up_in_time(server: DatabaseServer) -> None:
    """By the server: whoever sent it may be stopped meanwhile, and is not asked."""
    async with fenced(server, shut, timeouts=PATIENT_BUT_FOR_LOCKS) as (endpoint, _):
        await answer(endpoint)
        began = time.monotonic()
        with locked(server), pytest.raises(ServerFaultError) as caught:
            await endpoint.run([insert(server, 1)])
        assert time.monotonic() - began < PATIENCE
        assert caught.value.fault is Fault.TIMED_OUT
        assert rows(server) == 0


async def test_a_password_that_waits_for_a_lock_is_given_up_in_time(server: DatabaseServer) -> None:
    """The tables of logins have locks of their own, which no lock timeout of MariaDB ends."""
    is_mariadb = server.engine == "mariadb"
    text = "ALTER USER fenced@'%' REQUIRE NONE" if is_mariadb else "ALTER ROLE fenced PASSWORD 'x'"
    async with fenced(server, shut, timeouts=PATIENT_BUT_FOR_LOCKS) as (endpoint, _):
        await answer(endpoint)
        began = time.monotonic()
        table = "mysql.global_priv" if is_mariadb else "pg_catalog.pg_authid"
        with locked(server, table), pytest.raises(ServerFaultError) as caught:
            await endpoint.run([step(text)])
        assert time.monotonic() - began < PATIENCE
        assert caught.value.fault is Fault.TIMED_OUT


@contextmanager
def locked(server: DatabaseServer, table: str = "") -> Iterator[None]:
    """Let nobody else write into a table."""
    place: dict[str, Any] = {"host": server.host, "port": server.port, "user": server.admin_user}
    place["password"] = server.admin_password
    if server.engine == "postgresql":
        opened: Any = psycopg.connect(**place, dbname="fenced")
        text = "LOCK TABLE {} IN SHARE MODE"
    else:
        opened, text = pymysql.connect(**place, database="fenced"), "LOCK TABLES {} READ"
    with closing(opened), opened.cursor() as cursor:
        cursor.execute(text.format(table or TABLE[server.engine]))
        yield


async def test_a_session_in_use_is_not_taken_for_silent(server: DatabaseServer) -> None:
    """A statement may take longer than a session may say nothing."""
    nap = "SELECT sleep(7)" if server.engine == "mariadb" else "SELECT pg_sleep(7)"
    async with an_endpoint(address_of(server), timeouts=SOON_SILENT) as endpoint:
        await endpoint.run([step(nap)])
        assert endpoint.opened == 1
