"""A server that fails delays its own calls, and those of no other server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from dbalias.api.alias import TLSMode
from dbalias.api.secrets import SecretBytes
from dbalias.servers.address import Address
from dbalias.servers.faults import ServerFaultError
from integration.isolation.scenery import (
    PATIENT,
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


def takes_seconds_to_resolve(secure: Secure) -> contextlib.AbstractContextManager[Address]:
    """A server whose name a broken DNS answers late: nothing can end the system's own call."""
    return _resolves_after(2.5, secure)


def takes_long_to_resolve(secure: Secure) -> contextlib.AbstractContextManager[Address]:
    """A server whose name no DNS answers while anybody waits for it."""
    return _resolves_after(600, secure)


@contextlib.contextmanager
def _resolves_after(seconds: float, secure: Secure) -> Iterator[Address]:
    resolve, over = socket.getaddrinfo, threading.Event()

    def late(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "late.invalid":
            over.wait(seconds)
        return resolve(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", late)
        try:
            yield address_of(secure.server, host="late.invalid")
        finally:
            over.set()


SILENT: list[Trouble] = [never_answers, drops_packets, is_frozen]
REFUSING: list[Trouble] = [has_a_wrong_certificate, refuses_the_login]


@pytest.mark.parametrize("trouble", [*SILENT, takes_long_to_resolve], ids=lambda one: one.__name__)
async def test_a_server_that_hangs_delays_no_call_on_another(
    trouble: Trouble, secure: Secure, healthy: DatabaseServer
) -> None:
    """The other one answers every time while each call hangs, and would for ten minutes."""
    with trouble(secure) as address:
        async with (
            an_endpoint(address, timeouts=PATIENT) as failing,
            an_endpoint(address_of(healthy), timeouts=PATIENT) as well,
        ):
            calls = [asyncio.create_task(answer(failing)) for _ in range(CALLS)]
            for _ in range(CALLS):
                assert await answer(well) == "1"
                await asyncio.sleep(0.02)
            assert not any(call.done() for call in calls)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize(
    "trouble", [*SILENT, takes_seconds_to_resolve, *REFUSING], ids=lambda one: one.__name__
)
async def test_every_call_on_a_server_that_fails_ends_and_none_on_another(
    trouble: Trouble, secure: Secure, healthy: DatabaseServer
) -> None:
    """Each ends in a fault, in a second or two; meanwhile and after it the other one answers."""
    with trouble(secure) as address:
        async with (
            an_endpoint(address, timeouts=QUICK) as failing,
            an_endpoint(address_of(healthy), timeouts=PATIENT) as well,
        ):
            calls = [asyncio.create_task(answer(failing)) for _ in range(CALLS)]
            assert await answer(well) == "1"
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert await answer(well) == "1"
    assert all(isinstance(end, ServerFaultError) for end in ends)
