"""A server that fails delays its own calls, and those of no other server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import pytest

from dbalias.api.alias import TLSMode
from dbalias.api.secrets import SecretBytes
from dbalias.servers.address import Address
from dbalias.servers.faults import ServerFaultError
from integration.isolation.scenery import (
    QUICK,
    Secure,
    address_of,
    an_endpoint,
    answer,
    dropped_packets,
    silent_listener,
    stopped,
    tls,
)
from localkube.databases import DatabaseServer

CALLS = 40
LAG = 0.8
"""Seconds that the event loop or a healthy server's call may take on a machine that is busy."""

Trouble: TypeAlias = Callable[[Secure], contextlib.AbstractContextManager[Address]]


@contextlib.contextmanager
def never_answers(secure: Secure) -> Iterator[Address]:
    """A server that accepts, and never says a word."""
    with silent_listener() as port:
        yield address_of(secure.server, port=port)


@contextlib.contextmanager
def drops_packets(secure: Secure) -> Iterator[Address]:
    """A server behind a firewall that drops."""
    with dropped_packets() as port:
        yield address_of(secure.server, port=port)


@contextlib.contextmanager
def is_frozen(secure: Secure) -> Iterator[Address]:
    """A real server that stopped where it was."""
    with stopped(secure.server):
        yield address_of(secure.server)


@contextlib.contextmanager
def has_a_wrong_certificate(secure: Secure) -> Iterator[Address]:
    """A real server whose certificate is for another host."""
    certificates = tls(TLSMode.VERIFY_FULL, secure.ca)
    yield address_of(secure.server, tls=certificates, host="localhost")


@contextlib.contextmanager
def refuses_the_login(secure: Secure) -> Iterator[Address]:
    """A real server whose administrator's password was changed."""
    yield address_of(secure.server, password=SecretBytes(b"of yesterday"))


@contextlib.contextmanager
def takes_long_to_resolve(secure: Secure) -> Iterator[Address]:
    """A server whose name a broken DNS answers late: nothing can end the system's own call."""
    resolve = socket.getaddrinfo

    def late(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "late.invalid":
            time.sleep(2.5)
        return resolve(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", late)
        yield address_of(secure.server, host="late.invalid")


@contextlib.asynccontextmanager
async def lag() -> AsyncIterator[list[float]]:
    """Measure how long the event loop was kept from its work, at most."""
    worst = [0.0]

    async def tick() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            worst[0] = max(worst[0], time.monotonic() - before - 0.01)

    ticking = asyncio.create_task(tick())
    try:
        yield worst
    finally:
        ticking.cancel()


@pytest.mark.parametrize(
    "trouble",
    [
        never_answers,
        drops_packets,
        is_frozen,
        has_a_wrong_certificate,
        refuses_the_login,
        takes_long_to_resolve,
    ],
    ids=lambda one: one.__name__,
)
async def test_a_server_that_fails_delays_its_own_calls_alone(
    trouble: Trouble, secure: Secure, healthy: DatabaseServer
) -> None:
    """Calls on the other server take what they always take, and the operator's loop goes on."""
    with trouble(secure) as address:
        async with (
            lag() as worst,
            an_endpoint(address, timeouts=QUICK) as failing,
            an_endpoint(address_of(healthy), timeouts=QUICK) as well,
        ):
            calls = [asyncio.create_task(answer(failing)) for _ in range(CALLS)]
            took = []
            for _ in range(CALLS):
                began = time.monotonic()
                assert await answer(well) == "1"
                took.append(time.monotonic() - began)
                await asyncio.sleep(0.02)
            ends = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(end, ServerFaultError) for end in ends)
    assert max(took) < LAG
    assert worst[0] < LAG
