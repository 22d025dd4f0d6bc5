"""The way to a server, before any word is spoken: its name, its address, its port."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable
from typing import Any

from dbalias.servers.address import Address
from dbalias.servers.faults import Fault, ServerFaultError


def resolve(address: Address) -> list[tuple[socket.AddressFamily, Any]]:
    """Return where a name leads to: families and addresses; raises ServerFaultError."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ServerFaultError(
            Fault.UNREACHABLE,
            f"{address.host} does not resolve: check spec.host, and DNS in the operator's pod",
        ) from None
    return [(family, place) for family, _, _, _, place in found]


def open_socket(address: Address, remaining: Callable[[], float]) -> socket.socket:
    """Connect to the first of the name's addresses that answers; raises ServerFaultError."""
    refused = False
    for family, place in resolve(address):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.01, remaining()))
            connection.connect(place)
        except OSError as error:
            connection.close()
            refused = refused or isinstance(error, ConnectionRefusedError)
            continue
        connection.settimeout(None)
        _keep_alive(connection)
        return connection
    if refused:
        raise ServerFaultError(
            Fault.UNREACHABLE,
            f"{address} refuses the connection: nothing listens there; check spec.host and "
            "spec.port",
        )
    raise ServerFaultError(
        Fault.UNREACHABLE,
        f"{address} does not answer: check spec.host, spec.port, network policies, and whether "
        "the server runs",
    )


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with contextlib.suppress(AttributeError, OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)


def is_quiet(number: int) -> bool:
    """Tell whether an idle session's socket has nothing to read: its end would be that."""
    poller = select.poll()
    poller.register(number, select.POLLIN)
    return not poller.poll(0)
