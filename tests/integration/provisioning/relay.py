"""An address that leads to one server, and after a failover to another."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Iterator

from localkube.databases import DatabaseServer


class Relay(socketserver.ThreadingTCPServer):
    """Passes on what comes to ``port``, both ways, to ``target``; a session keeps its server.

    While ``is_mute`` the server still gets and does everything, and its answers are lost.
    """

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, target: DatabaseServer) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.target = target
        self.is_mute = False
        self.port = int(self.server_address[1])


class _Session(socketserver.BaseRequestHandler):
    """One connection, which ends when either side does."""

    server: Relay

    def handle(self) -> None:
        """Pass on until there is nothing more."""
        target = self.server.target
        with (
            contextlib.suppress(OSError),
            socket.create_connection((target.host, target.port), timeout=60) as onward,
        ):
            other = {self.request: onward, onward: self.request}
            while True:
                for ready in select.select(list(other), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is self.request or not self.server.is_mute:
                        other[ready].sendall(data)


@contextlib.contextmanager
def relayed(target: DatabaseServer) -> Iterator[Relay]:
    """Give a relay to a server."""
    with Relay(target) as relay:
        threading.Thread(target=relay.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield relay
        finally:
            relay.shutdown()
