"""What the server pass asks of a database server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from dbalias.api.secrets import SecretBytes
from dbalias.servers.address import Address
from dbalias.servers.plot import Plot, Step, Survey
from dbalias.servers.wanted import Wanted


class Endpoint(Protocol):
    """One server over a bounded number of sessions. Every call raises ServerFaultError."""

    async def survey(self, wanted: Sequence[Wanted]) -> Survey:
        """Look up everything wanted, and all marks, in one session."""

    async def look_up(self, wanted: Wanted) -> Plot:
        """Look up one database again, for less than a survey costs."""

    async def look_inside(self, plot: Plot) -> Plot:
        """Return the plot with what a session in its ``unseen`` database shows."""

    async def run(self, steps: Sequence[Step]) -> None:
        """Carry the steps out in their order; after one that failed, none."""

    async def try_login(self, user: str, password: SecretBytes, database: str) -> None:
        """Log in with what was issued, and leave again."""

    async def close(self) -> None:
        """End every session."""


Connect: TypeAlias = Callable[[Address], Endpoint]
