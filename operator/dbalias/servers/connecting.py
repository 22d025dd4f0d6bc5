"""Which engine and which endpoint stand behind an address."""

from __future__ import annotations

from collections.abc import Callable

from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.endpoint import Endpoint, Fence, unfenced
from dbalias.servers.mysql import MySQLEngine
from dbalias.servers.plot import Engine
from dbalias.servers.postgresql import PostgresEngine
from dbalias.servers.sessions.timeouts import Timeouts


def connect(
    address: Address,
    *,
    timeouts: Timeouts | None = None,
    fence: Fence = unfenced,
    on_open: Callable[[], object] = lambda: None,
) -> Endpoint:
    """Return the endpoint of a server; no session is opened yet. ``on_open``: one is."""
    is_postgresql = address.engine is ServerEngine.POSTGRESQL
    engine: Engine = PostgresEngine() if is_postgresql else MySQLEngine()
    return Endpoint(address, engine, timeouts=timeouts, fence=fence, on_open=on_open)
