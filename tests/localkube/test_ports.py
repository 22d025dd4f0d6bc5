"""A reserved port is a server's own, also while the server is down."""

import socket
import subprocess
import sys

import pytest

from localkube.ports import reserve_port

RESERVE = "from localkube.ports import reserve_port; print(reserve_port(), flush=True); input()"


def listen(port: int) -> socket.socket:
    """Listen as servers do."""
    return socket.create_server(("127.0.0.1", port))


def test_a_reserved_port_takes_a_server_again_and_again() -> None:
    """Also at once after one that had connections; while it is down nobody answers."""
    port = reserve_port()
    for _ in range(3):
        with listen(port) as server:
            client = socket.create_connection(("127.0.0.1", port))
            server.accept()[0].close()
            client.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("address", ["", "127.0.0.1"])
def test_a_reserved_port_is_nobody_elses(address: str) -> None:
    """Other test runs of the machine choose by binding, at whichever address."""
    with subprocess.Popen(
        [sys.executable, "-c", RESERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as other:  # fmt: skip
        assert other.stdout is not None
        port = int(other.stdout.readline())
        with socket.socket() as chooser, pytest.raises(OSError, match="in use"):
            chooser.bind((address, port))
        other.communicate(b"\n")
