"""Which session an engine has."""

from __future__ import annotations

from typing import Protocol

from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.plot import Session
from dbalias.servers.sessions.mysql import MySQLSession
from dbalias.servers.sessions.postgresql import PostgreSQLSession
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.threads import Watch


class OpenSession(Session, Protocol):
    """A session as the endpoint keeps it."""

    def is_alive(self) -> bool:
        """Tell, without asking it, whether the server still holds this session."""

    def close(self) -> None:
        """End the session."""


def open_session(
    address: Address, database: str | None, *, watch: Watch, timeouts: Timeouts
) -> OpenSession:
    """Log in, within ``timeouts.connect``; blocking. Raises ServerFaultError."""
    kind = PostgreSQLSession if address.engine is ServerEngine.POSTGRESQL else MySQLSession
    return kind(address, database, watch=watch, timeouts=timeouts)
