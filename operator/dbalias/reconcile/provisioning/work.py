"""What the work on each alias of a pass shares."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dbalias.api.meta import Key
from dbalias.api.server import DatabaseServer
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.poll import Place
from dbalias.reconcile.ports import Cluster
from dbalias.reconcile.provisioning.ports import Endpoint
from dbalias.servers import bindings
from dbalias.servers.address import Address
from dbalias.servers.faults import ServerFaultError
from dbalias.servers.plot import Plot, Step
from dbalias.servers.wanted import Wanted

logger = logging.getLogger(__name__)

AGAIN = timedelta(seconds=20)
"""Until what one alias met is tried again, about."""


@dataclass(slots=True)
class Work:
    """One pass over a server that answers. ``tries_logins``: also those that were published."""

    cluster: Cluster
    secrets: BindingSecrets
    endpoint: Endpoint
    server: DatabaseServer
    address: Address
    clock: Callable[[], datetime]
    tries_logins: bool = False
    fault: ServerFaultError | None = None
    """What the server itself turned out to be in the way of: nothing more is tried."""
    versions: dict[Place, str | None] = field(default_factory=dict)
    """Secrets that people keep, as they were read, for the poll to compare."""
    one_login: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Trying logins is paced: each is a new connection."""

    @property
    def key(self) -> Key:
        """The server."""
        return Key(self.server.metadata.namespace, self.server.metadata.name)

    def place(self, database: str) -> bindings.Place:
        """Return where applications find a database."""
        return bindings.Place(
            engine=self.server.engine,
            host=self.address.host,
            port=self.address.port,
            database=database,
            ca=self.address.tls.ca,
        )

    def again(self) -> datetime:
        """Return when what failed is tried again; not all at once."""
        return self.clock() + AGAIN * random.uniform(0.5, 1.5)

    async def carry_out(self, alias: Key, steps: Sequence[Step]) -> None:
        """Carry steps out, and log what they do: of a repair or a drop nothing else is left."""
        if not steps:
            return
        said = " ".join("; ".join(step.says for step in steps).split())
        logger.info("alias %s on server %s: %s", alias, self.key, said)
        await self.endpoint.run(steps)

    async def look(self, wanted: Wanted) -> Plot:
        """Return what one alias has on the server now."""
        return await self.endpoint.look_up(wanted)
