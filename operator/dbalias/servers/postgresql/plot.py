"""One wanted database on a PostgreSQL server: what is there, and the steps to what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbalias.api.secrets import SecretBytes
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Obstacle, Standing, Step
from dbalias.servers.postgresql.found import Found
from dbalias.servers.postgresql.inside import work_inside
from dbalias.servers.postgresql.obstacles import find_obstacles
from dbalias.servers.postgresql.outside import (
    claim,
    drop_former_readers,
    finish_adoption,
    list_former_readers,
    make_database,
    make_logins,
)
from dbalias.servers.postgresql.removal import remove
from dbalias.servers.postgresql.standing import find_holder, find_standing
from dbalias.servers.wanted import Wanted


@dataclass(frozen=True, slots=True)
class PostgresPlot:
    """``servers.plot.Plot`` for PostgreSQL: decisions over what was found, without I/O."""

    found: Found

    @property
    def wanted(self) -> Wanted:
        """What this was looked up for."""
        return self.found.wanted

    @property
    def standing(self) -> Standing:
        """Whose it is."""
        return find_standing(self.found)

    @property
    def holder(self) -> Mark | None:
        """The mark of whoever holds it."""
        return find_holder(self.found)

    @property
    def incarnation(self) -> str | None:
        """The cluster's identifier and the database's number in it."""
        database = self.found.database
        return f"{self.found.admin.system}/{database.oid}" if database else None

    @property
    def logins(self) -> frozenset[str]:
        """Those of the wanted logins that exist."""
        return frozenset(self.found.login_names) & self.found.roles.keys()

    @property
    def former(self) -> frozenset[str]:
        """Readers of before that are to go."""
        return frozenset(role.name for role in list_former_readers(self.found))

    @property
    def unseen(self) -> str | None:
        """The database, where something in it may differ, nobody looked yet, and we may.

        Where we may not connect, the steps from outside come first, which may let us.
        """
        found, database = self.found, self.found.database
        if database is None or not database.is_open or found.inside is not None:
            return None
        return database.name if found.needs_inside and self._may_go_on else None

    def obstacle(self) -> Obstacle | None:
        """Return what forbids to go on although the standing allows it."""
        return next(find_obstacles(self.found), None)

    def differences(self, logins: frozenset[str]) -> tuple[str, ...]:
        """Return in words what ``steps`` would change, or would if the database were adopted."""
        said = [step.says for step in self._plan(logins, {})]
        if self.found.adopts and self.found.inside is None:
            said.append(f"make {self.wanted.owner} the owner of everything in it")
        return tuple(said)

    def steps(
        self, logins: frozenset[str], passwords: Mapping[str, SecretBytes]
    ) -> tuple[Step, ...]:
        """Return claim, creation and repair, in this order."""
        return tuple(self._plan(logins, passwords)) if self._may_go_on else ()

    def removal(self) -> tuple[Step, ...]:
        """Return how to drop what this alias made."""
        return tuple(remove(self.found))

    @property
    def _may_go_on(self) -> bool:
        standing = self.standing
        if standing is Standing.UNMARKED:
            return self.wanted.adopt
        return standing is not Standing.ANOTHERS

    def _plan(self, logins: frozenset[str], passwords: Mapping[str, SecretBytes]) -> Iterator[Step]:
        found = self.found
        yield from claim(found)
        yield from make_database(found)
        yield from make_logins(found, logins, passwords)
        yield from work_inside(found, logins)
        yield from finish_adoption(found)
        yield from drop_former_readers(found)
