"""Which session an engine has."""

from __future__ import annotations

from typing import Protocol

from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.faults import Fault
from dbalias.servers.plot import Session
from dbalias.servers.sessions.mysql import MySQLSession
from dbalias.servers.sessions.postgresql import PostgreSQLSession
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.sessions.words import build_fault
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
    _check(address)
    kind = PostgreSQLSession if address.engine is ServerEngine.POSTGRESQL else MySQLSession
    return kind(address, database, watch=watch, timeouts=timeouts)


def _check(address: Address) -> None:
    """Refuse what drivers would read as something else: they end a text at NUL, and take the
    name of the operator's own account where there is none.
    """
    if not address.user or "\0" in address.user or b"\0" in address.password.reveal():
        raise build_fault(
            Fault.LOGIN_REFUSED, address, says="the user is empty, or it or the password holds NUL"
        )
