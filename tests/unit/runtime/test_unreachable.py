"""What is said of a database that does not let a run in, and when a session was only lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import ConnectionHandler, OperationalError

from dbalias_errors import Exit, RunError, is_connection_error, open_connection
from localkube.ports import reserve_port


class Late:
    """A connection of Django's whose driver has not begun yet, as on a busy machine."""

    def __init__(self, host: str, port: int) -> None:
        entry = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}
        entry |= {"HOST": host, "PORT": str(port)}
        self.begins = threading.Event()
        self.connection: Any = ConnectionHandler({"default": entry})["default"]
        self.connection.ensure_connection = self.begins.wait


@pytest.fixture
def refusing() -> Iterator[Late]:
    """Give one to an address where nothing listens."""
    late = Late("127.0.0.1", reserve_port())
    yield late
    late.begins.set()


@pytest.fixture
def silent() -> Iterator[Late]:
    """Give one to an address that accepts, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        late = Late("127.0.0.1", server.getsockname()[1])
        yield late
        late.begins.set()


def said_of(late: Late) -> str:
    """Return what the run says as it gives up at once."""
    with pytest.raises(RunError) as raised:
        open_connection(late.connection, patience=0.0)
    assert raised.value.code is Exit.UNREACHABLE
    return raised.value.message


def test_a_port_that_refuses_is_not_said_to_accept(refusing: Late) -> None:
    """The network is looked at, not the driver's silence."""
    assert "refuses the connection: nothing listens on this port" in said_of(refusing)


def test_a_server_that_accepts_and_is_silent_is_named_so(silent: Late) -> None:
    """It may hang, or be no database server."""
    assert "accepts connections, and has said nothing for 0 s" in said_of(silent)


def test_a_file_that_cannot_be_opened_has_no_host_and_no_port(tmp_path: Path) -> None:
    """SQLite: the file is named, and no time is waited for it."""
    file = tmp_path / "no-such-volume" / "shop.sqlite3"
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    connection = ConnectionHandler({"default": entry})["default"]

    with pytest.raises(RunError) as raised:
        open_connection(connection, patience=0.0)

    assert raised.value.code is Exit.UNREACHABLE
    assert f"the file {file} cannot be opened" in raised.value.message
    assert "host" not in raised.value.message


@pytest.mark.parametrize("code", [1053, 1927, 2006, 2013, 2055, 4031])
def test_a_session_that_the_server_ends_is_no_wrong_statement(code: int) -> None:
    """Between two migrations such a run is tried again; MariaDB has numbers of its own."""
    assert is_connection_error(OperationalError(code, "ended"))
    assert not is_connection_error(OperationalError(1064, "syntax"))
