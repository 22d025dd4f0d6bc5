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
    lock: int = 10
    """Waiting for a lock of somebody else's, on the server."""
    idle: float = 60.0
    """A session that nobody used for so long is closed: at rest none is held."""

    def of(self, statement: str) -> float:
        """Return how long this statement may take."""
        return self.long if _LONG.match(statement) else self.statement
