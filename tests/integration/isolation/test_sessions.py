"""Sessions of one endpoint: how many there are, how they are kept, and how each call ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from dbalias.api.secrets import SecretBytes
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.sessions.timeouts import Timeouts
from integration.isolation.scenery import (
    PATIENT,
    QUICK,
    SLEEP,
    Held,
    Secure,
    address_of,
    an_endpoint,
    answer,
    sessions_on,
    silent_listener,
    step,
    until,
    until_none_is_left,
)
from localkube.databases import DatabaseServer


async def test_one_session_answers_call_after_call(server: DatabaseServer) -> None:
    """A connection per query is what slowed other operators down."""
    async with an_endpoint(address_of(server), timeouts=PATIENT) as endpoint:
        for _ in range(5):
            await answer(endpoint)
        assert endpoint.opened == 1


async def test_an_endpoint_holds_no_more_sessions_than_it_may(
    server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is asked at once, and inside databases too."""
    database = "mysql" if server.engine == "mariadb" else "template1"
    address = address_of(server, max_connections=2)
    held = Held(monkeypatch)
    async with an_endpoint(address, timeouts=PATIENT) as endpoint:
        looks = [answer(endpoint) for _ in range(20)]
        inside = [endpoint.run([step("SELECT 1", database=database)]) for _ in range(10)]
        await asyncio.gather(*looks, *inside)
    assert held.most == 2


async def test_a_session_in_a_database_is_closed_after_its_steps(server: DatabaseServer) -> None:
    """Nothing may keep a database from being dropped."""
    async with an_endpoint(address_of(server)) as endpoint:
        await endpoint.run(
            [
                step("CREATE DATABASE inside"),
                step("CREATE TABLE inside.t (a int)", database="inside")
                if server.engine == "mariadb"
                else step("CREATE TABLE public.t (a int)", database="inside"),
            ]
        )
        assert server.tables("inside") == {"t"}
        await endpoint.run([step("DROP DATABASE inside")])


async def test_a_session_that_nobody_uses_is_closed(server: DatabaseServer) -> None:
    """At rest an operator holds no connection of anybody's server."""
    assert until_none_is_left(server)
    async with an_endpoint(address_of(server), timeouts=PATIENT) as endpoint:
        await answer(endpoint)
        assert until(lambda: sessions_on(server) == 1)
    assert until_none_is_left(server)
    brief = replace(PATIENT, idle=0.3)
    async with an_endpoint(address_of(server), timeouts=brief) as endpoint:
        await answer(endpoint)
        assert await asyncio.to_thread(until_none_is_left, server)


async def test_a_session_that_the_server_ended_is_replaced(
    server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart of the server between two passes is nobody's failure."""
    own = "connection_id" if server.engine == "mariadb" else "pg_backend_pid"
    kill = "KILL {}" if server.engine == "mariadb" else "SELECT pg_terminate_backend({})"
    held = Held(monkeypatch)
    asked = f"SELECT {own}()"
    async with an_endpoint(address_of(server), asked, timeouts=PATIENT) as endpoint:
        first = await answer(endpoint)
        server.admin_sql(kill.format(first))
        assert until(lambda: not held.sessions[0].is_alive())
        assert await answer(endpoint) != first


async def test_a_session_is_not_used_again_after_a_fault(server: DatabaseServer) -> None:
    """What a failed statement left behind in it is nobody's inheritance."""
    async with an_endpoint(address_of(server)) as endpoint:
        with pytest.raises(ServerFaultError):
            await endpoint.run([step("SELECT no_such_function()")])
        await answer(endpoint)
        assert endpoint.opened == 2


async def test_statements_of_one_step_are_done_together_or_not_at_all(
    server: DatabaseServer,
) -> None:
    """A role without its mark would be nobody's."""
    server.create_database("together", "together", "secret")
    table = "together.t" if server.engine == "mariadb" else "public.t"
    async with an_endpoint(address_of(server, database="together")) as endpoint:
        await endpoint.run([step(f"CREATE TABLE {table} (a int primary key)")])
        insert = f"INSERT INTO {table} VALUES (1)"
        with pytest.raises(ServerFaultError) as caught:
            await endpoint.run([step(insert, insert)])
        assert caught.value.fault is Fault.CHANGED
        await endpoint.run([step(insert)])
    server.drop_database("together")


async def test_a_statement_without_end_is_ended_on_both_sides(server: DatabaseServer) -> None:
    """The call ends in time, and the server does not go on with it for ever."""
    assert until_none_is_left(server)
    timeouts = Timeouts(connect=60, statement=1.0, long=12.0)
    async with an_endpoint(address_of(server), SLEEP[server.engine], timeouts=timeouts) as endpoint:
        began = time.monotonic()
        with pytest.raises(ServerFaultError) as caught:
            await answer(endpoint)
    assert caught.value.fault is Fault.TIMED_OUT
    assert time.monotonic() - began < 10
    assert until_none_is_left(server)


async def test_a_call_that_is_cancelled_ends_its_session(server: DatabaseServer) -> None:
    """An operator that shuts down waits for no server."""
    async with an_endpoint(address_of(server), SLEEP[server.engine]) as endpoint:
        call = asyncio.create_task(answer(endpoint))
        await asyncio.sleep(0.3)
        call.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - began < 10


LEAVING = """
import asyncio, sys
sys.path[:0] = {path!r}
from integration.isolation.scenery import Asking
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.endpoint import Endpoint
from dbalias.servers.sessions.timeouts import Timeouts

async def leave():
    address = Address(ServerEngine({engine!r}), "127.0.0.1", {port}, "me", SecretBytes(b"x"))
    endpoint = Endpoint(address, Asking(), timeouts=Timeouts(connect=600))
    calls = [asyncio.create_task(endpoint.survey([])) for _ in range(3)]
    await asyncio.sleep(0.3)

asyncio.run(leave())
"""


def test_a_process_that_waits_for_a_server_can_end(server: DatabaseServer) -> None:
    """No thread of it is joined, so that a shutdown takes no timeout of anybody's."""
    with silent_listener() as port:
        program = LEAVING.format(path=sys.path, engine=server.engine, port=port)
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


async def test_closing_an_endpoint_ends_what_is_at_work(server: DatabaseServer) -> None:
    """A server whose address changed gets a new endpoint, and the old one goes."""
    async with an_endpoint(address_of(server), SLEEP[server.engine]) as endpoint:
        call = asyncio.create_task(answer(endpoint))
        await asyncio.sleep(0.3)
        await endpoint.close()
        with pytest.raises(ServerFaultError):
            await asyncio.wait_for(call, 15)


async def test_waiting_calls_end_with_the_first_that_finds_the_server_gone(
    server: DatabaseServer,
) -> None:
    """A thousand aliases do not wait for a thousand timeouts."""
    with silent_listener() as port:
        address = address_of(server, port=port, max_connections=2)
        async with an_endpoint(address, timeouts=QUICK) as endpoint:
            began = time.monotonic()
            calls = [answer(endpoint) for _ in range(50)]
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert time.monotonic() - began < 15
            assert endpoint.opened == 2
    assert {end.fault for end in ends if isinstance(end, ServerFaultError)} == {Fault.UNREACHABLE}
    assert len(ends) == 50


async def test_a_fault_of_the_server_is_forgotten_with_the_next_call(
    server: DatabaseServer,
) -> None:
    """Whoever asks later finds out for himself."""
    server.stop()
    try:
        async with an_endpoint(address_of(server)) as endpoint:
            with pytest.raises(ServerFaultError) as caught:
                await answer(endpoint)
            assert caught.value.fault is Fault.UNREACHABLE
            server.start()
            assert await answer(endpoint) == "1"
    finally:
        server.start()


async def test_a_login_is_tried_and_left_at_once(server: DatabaseServer) -> None:
    """The proof that a published password opens its database."""
    server.create_database("tried", "tried", 'it\'s 100% "sécret" \\ ü')
    password = SecretBytes('it\'s 100% "sécret" \\ ü'.encode())
    async with an_endpoint(address_of(server)) as endpoint:
        await endpoint.try_login("tried", password, "tried")
        with pytest.raises(ServerFaultError) as refused:
            await endpoint.try_login("tried", SecretBytes(b"another"), "tried")
        with pytest.raises(ServerFaultError) as gone:
            await endpoint.try_login("tried", password, "never_made")
        assert await answer(endpoint) == "1"
    assert refused.value.fault is Fault.LOGIN_REFUSED
    assert gone.value.fault in {Fault.CHANGED, Fault.PRIVILEGE}
    server.drop_database("tried")


async def test_a_database_without_room_stops_no_other(both: dict[str, Secure]) -> None:
    """Its connection limit is its own, and an administrator who is no superuser meets it."""
    server = both["postgresql"].server
    server.create_database("roomless", "roomless", "secret")
    server.admin_sql("ALTER DATABASE roomless CONNECTION LIMIT 0")
    login = {"user": "roomless", "password": SecretBytes(b"secret"), "database": "template1"}
    async with an_endpoint(address_of(server, **login)) as endpoint:
        inside = [endpoint.run([step("SELECT 1", database="roomless")]) for _ in range(10)]
        looks = [answer(endpoint) for _ in range(10)]
        ends = await asyncio.gather(*inside, *looks, return_exceptions=True)
    faults = [end for end in ends[:10] if isinstance(end, ServerFaultError)]
    assert [(one.fault, one.is_of_server) for one in faults] == [(Fault.FULL, False)] * 10
    assert ends[10:] == ["1"] * 10
    server.drop_database("roomless")


async def test_a_refused_login_of_somebody_else_stops_nobody(server: DatabaseServer) -> None:
    """One alias' broken password is no fault of its server."""
    address = address_of(server, max_connections=1)
    async with an_endpoint(address) as endpoint:
        ends = await asyncio.gather(
            endpoint.try_login("nobody", SecretBytes(b"x"), "nothing"),
            *(answer(endpoint) for _ in range(5)),
            return_exceptions=True,
        )
    assert isinstance(ends[0], ServerFaultError)
    assert ends[1:] == ["1"] * 5
