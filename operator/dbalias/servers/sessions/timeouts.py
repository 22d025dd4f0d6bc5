"""How long a server may take."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONG = re.compile(r"\s*((CREATE|DROP|ALTER)\s+(DATABASE|EXTENSION)|REASSIGN|DROP\s+OWNED)\b", re.I)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. ``connect`` is for all of it: name, TCP, TLS and login."""

    connect: float = 5.0
    statement: float = 30.0
    long: float = 300.0
    """Statements that copy or remove a whole database, or compile an extension's objects."""
    lock: int = 4
    """Waiting for a lock of somebody else's, on the server."""
    silence: int = 4
    """The server itself ends a session that says nothing for so long, and undoes what it began."""
    idle: float = 1.0
    """A session that nobody used for so long is closed, before the server does, although its next
    statement may wait for the Lease first: at rest none is held."""

    @property
    def late(self) -> float:
        """Return how long after it was let through a statement may begin to take effect.

        A process that was stopped between the two finds its session gone, and what waits for a
        lock is given up: both by the server's clock, whatever ours does.
        """
        return float(self.silence + self.lock)

    def of(self, statement: str) -> float:
        """Return how long this statement may take."""
        return self.long if self.is_long(statement) else self.statement

    def is_long(self, statement: str) -> bool:
        """Tell whether a statement may work for minutes."""
        return bool(_LONG.match(statement))
