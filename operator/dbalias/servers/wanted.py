"""What one provisioned alias needs on its server, in terms that every engine shares."""

from __future__ import annotations

from dataclasses import dataclass

from dbalias.api.provision import DatabaseSpec
from dbalias.servers.marks import Mark


@dataclass(frozen=True, slots=True)
class Pair:
    """Two alternating logins: while one is published, the other is the last or the next."""

    a: str
    b: str

    def other(self, login: str) -> str:
        """Return the one that takes turns with ``login``."""
        return self.a if login == self.b else self.b


@dataclass(frozen=True, slots=True)
class Wanted:
    """A database, the role that owns it (PostgreSQL) and the logins that work in it."""

    mark: Mark
    database: str
    owner: str
    logins: Pair
    readers: Pair | None
    """Logins that may only read."""
    spec: DatabaseSpec
    adopt: bool = False
    require_tls: bool = False

    @property
    def wants_inside(self) -> bool:
        """Tell whether anything is to be done in a session in the database itself."""
        return bool(self.spec.extensions or self.spec.schemas or self.readers)
