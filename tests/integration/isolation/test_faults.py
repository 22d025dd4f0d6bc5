"""Each way in which a server fails: which fault it is, what helps, and that no secret is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pymysql
import pytest

from dbalias.api.secrets import SecretBytes
from dbalias.servers.address import Address
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.plot import Step
from dbalias.servers.sessions.timeouts import Timeouts
from integration.isolation.scenery import (
    PATIENT,
    QUICK,
    address_of,
    an_endpoint,
    answer,
    dropped_packets,
    silent_listener,
    step,
    stopped,
)
from localkube.databases import DatabaseServer

SECRET = "pa55word-of-nobody"


async def fault_of(
    address: Address, *steps: Step, timeouts: Timeouts | None = None
) -> tuple[Fault, str]:
    """Return the fault of these steps, or of a look, and what is said of it."""
    async with an_endpoint(address, timeouts=timeouts) as endpoint:
        with pytest.raises(ServerFaultError) as caught:
            await (endpoint.run(steps) if steps else answer(endpoint))
    told = str(caught.value)
    assert SECRET not in told
    assert address.password.reveal().decode() not in told
    return caught.value.fault, told


@pytest.fixture
def limited(server: DatabaseServer) -> Iterator[Address]:
    """A login without any right of its own."""
    server.create_database("limited", "limited", SECRET)
    yield address_of(
        server, user="limited", password=SecretBytes(SECRET.encode()), database="limited"
    )
    server.drop_database("limited")


async def test_a_port_where_nothing_listens_is_unreachable(server: DatabaseServer) -> None:
    """And so said, with the fields to look at."""
    fault, told = await fault_of(address_of(server, port=1))
    assert fault is Fault.UNREACHABLE
    assert "127.0.0.1:1 refuses the connection" in told
    assert "spec.port" in told


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 64 + ".invalid", "no such host"])
async def test_a_name_that_does_not_resolve_is_unreachable(
    server: DatabaseServer, host: str
) -> None:
    """Whatever the name looks like."""
    fault, told = await fault_of(address_of(server, host=host), timeouts=PATIENT)
    assert fault is Fault.UNREACHABLE
    assert "does not resolve" in told


async def test_a_server_that_never_answers_is_left_in_time(server: DatabaseServer) -> None:
    """It accepts the connection, and says nothing at all."""
    with silent_listener() as port:
        fault, _ = await fault_of(address_of(server, port=port), timeouts=QUICK)
    assert fault is Fault.UNREACHABLE


async def test_packets_that_nobody_answers_are_waited_for_no_longer_than_told(
    server: DatabaseServer,
) -> None:
    """A firewall that drops: the connection is never made."""
    with dropped_packets() as port:
        fault, _ = await fault_of(address_of(server, port=port), timeouts=QUICK)
    assert fault is Fault.UNREACHABLE


async def test_a_server_that_stops_in_the_middle_of_a_call_is_left_in_time(
    server: DatabaseServer,
) -> None:
    """A frozen machine: the connection stands, and no answer comes."""
    timeouts = replace(PATIENT, statement=5.0)
    async with an_endpoint(address_of(server), timeouts=timeouts) as endpoint:
        await answer(endpoint)
        with stopped(server), pytest.raises(ServerFaultError) as caught:
            await answer(endpoint)
        assert caught.value.fault is Fault.TIMED_OUT
        assert await answer(endpoint) == "1"


async def test_a_wrong_password_is_a_refused_login(server: DatabaseServer) -> None:
    """The words name the login, the server's code and where the password comes from."""
    wrong = SecretBytes(SECRET.encode())
    fault, told = await fault_of(address_of(server, password=wrong))
    assert fault is Fault.LOGIN_REFUSED
    assert server.admin_user in told
    assert "28P01" in told or "1045" in told
    assert "Secret" in told


@pytest.mark.parametrize(
    "password", [b"", b"\xff\xfe", b"a\0b", "é\x7f\\'\"%s".encode(), b"x" * 2000]
)
async def test_no_password_makes_more_of_a_login_than_a_refusal(
    server: DatabaseServer, password: bytes
) -> None:
    """Whatever a Secret holds."""
    async with an_endpoint(address_of(server, password=SecretBytes(password))) as endpoint:
        with pytest.raises(ServerFaultError) as caught:
            await answer(endpoint)
    assert caught.value.fault is Fault.LOGIN_REFUSED


@pytest.mark.parametrize("user", ["", "a\0b", "root\0", "é' or 1=1 --", "x" * 2000, "-c a=b"])
async def test_no_user_makes_more_of_a_login_than_a_refusal(
    server: DatabaseServer, user: str
) -> None:
    """Nor is anybody else tried in his place."""
    async with an_endpoint(address_of(server, user=user)) as endpoint:
        with pytest.raises(ServerFaultError) as caught:
            await answer(endpoint)
    assert caught.value.fault is Fault.LOGIN_REFUSED


@contextlib.contextmanager
def filled(server: DatabaseServer, user: str) -> Iterator[None]:
    """Take every connection that others may have."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                if server.engine == "postgresql":
                    held = psycopg.connect(
                        host=server.host, port=server.port, user=user, password=SECRET,
                        dbname="limited",
                    )  # fmt: skip
                    stack.callback(held.close)
                else:
                    other = pymysql.connect(
                        host=server.host, port=server.port, user=user, password=SECRET
                    )
                    stack.callback(other.close)
            except (psycopg.OperationalError, pymysql.err.OperationalError):
                break
        yield


async def test_a_full_server_is_full(server: DatabaseServer, limited: Address) -> None:
    """No connection is left, except those kept for superusers."""
    with filled(server, "limited"):
        fault, told = await fault_of(limited)
    assert fault is Fault.FULL
    assert "53300" in told or "1040" in told


async def test_a_server_that_takes_no_writes_is_read_only(
    server: DatabaseServer, limited: Address
) -> None:
    """A replica, or one that was set so: reading works, and the first write tells."""
    if server.engine == "postgresql":
        server.admin_sql("ALTER ROLE limited SET default_transaction_read_only = on")
        fault, told = await fault_of(limited, step("CREATE TABLE public.t (a int)"))
        server.admin_sql("ALTER ROLE limited RESET default_transaction_read_only")
    else:
        server.admin_sql("SET GLOBAL read_only = 1")
        try:
            fault, told = await fault_of(limited, step("CREATE TABLE t (a int)"))
        finally:
            server.admin_sql("SET GLOBAL read_only = 0")
    assert fault is Fault.READ_ONLY
    assert "primary" in told


async def test_what_the_administrator_may_not_do_is_a_missing_privilege(
    server: DatabaseServer, limited: Address
) -> None:
    """The words say which step, as whom, and that a grant helps."""
    fault, told = await fault_of(limited, step("CREATE DATABASE others"))
    assert fault is Fault.PRIVILEGE
    assert told.startswith("trying: ")
    assert "limited" in told
    assert "grant" in told


async def test_what_exists_already_has_changed(server: DatabaseServer) -> None:
    """Somebody was quicker: look again."""
    name = "mysql" if server.engine == "mariadb" else "postgres"
    fault, _ = await fault_of(address_of(server), step(f"CREATE DATABASE {name}"))
    assert fault is Fault.CHANGED


async def test_a_statement_that_is_wrong_is_told_without_its_text(server: DatabaseServer) -> None:
    """A driver's message quotes the statement, and the statement may hold a password's hash."""
    fault, told = await fault_of(address_of(server), step(f"NO STATEMENT '{SECRET}'"))
    assert fault is Fault.STATEMENT
    assert "42601" in told or "1064" in told


async def test_a_server_that_speaks_another_language_is_unreachable(
    server: DatabaseServer, healthy: DatabaseServer
) -> None:
    """The port of MySQL named for PostgreSQL, or the other way round."""
    fault, _ = await fault_of(address_of(server, port=healthy.port), timeouts=QUICK)
    assert fault in {Fault.UNREACHABLE, Fault.CERTIFICATE}
