"""A real PostgreSQL server as an administrator of ours finds it, and who else is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.plot import Step
from dbalias.servers.postgresql import PostgresEngine
from dbalias.servers.postgresql.plot import PostgresPlot
from dbalias.servers.sessions.opening import OpenSession, open_session
from dbalias.servers.threads import Watch
from dbalias.servers.wanted import Wanted
from integration.servers.wanting import PATIENT, issued, wanted_on
from localkube.databases import PostgresServer

PASSWORD = "only-for-tests"
"""Of every login that a test makes, so that it can log in."""
ENGINE = PostgresEngine()
a_wanted = partial(wanted_on, ServerEngine.POSTGRESQL)


@dataclass
class Site:
    """One server and one administrator. ``close`` ends the administrator's sessions."""

    server: PostgresServer
    user: str
    password: str
    sessions: dict[str | None, OpenSession] = field(default_factory=dict)

    def session(self, database: str | None = None) -> OpenSession:
        """Return the administrator's session in a database."""
        found = self.sessions.get(database)
        if found is None or not found.is_alive():
            if found is not None:
                found.close()  # The server ends one that was silent for a while.
            found = self._open(database)
            self.sessions[database] = found
        return found

    def _open(self, database: str | None) -> OpenSession:
        secret = SecretBytes(self.password.encode())
        address = Address(
            ServerEngine.POSTGRESQL, self.server.host, self.server.port, self.user, secret
        )
        return open_session(address, database, watch=Watch(), timeouts=PATIENT)

    def close(self) -> None:
        """End all sessions of the administrator."""
        for session in self.sessions.values():
            session.close()
        self.sessions.clear()

    def _leave(self, database: str | None) -> None:
        """Close a session; a database's limit counts it until its process is gone."""
        self.sessions.pop(database).close()
        if database not in {None, "postgres"}:  # where the first session is, which stays
            self.until_left(database, "dbalias")

    def until_left(self, database: str, program: str = "%") -> None:
        """Wait until nobody, or nobody with this program, has a session in a database."""
        deadline = time.monotonic() + 60
        while self.server.admin_sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s "
            "AND backend_type = 'client backend'",
            [database, program],
        ):
            assert time.monotonic() < deadline, f"sessions in {database} do not end"
            time.sleep(0.01)

    def look(self, wanted: Wanted) -> PostgresPlot:
        """Return what there is, seen from inside as well where that is asked for."""
        plot = ENGINE.survey(self.session(), [wanted]).plots[wanted.database]
        if plot.unseen is not None:
            plot = ENGINE.look_inside(self.session(plot.unseen), plot)
            self._leave(wanted.database)
        assert isinstance(plot, PostgresPlot)
        return plot

    def steps(self, wanted: Wanted, logins: Iterable[str] = ()) -> tuple[Step, ...]:
        """Return what is to be done, new logins getting the tests' password."""
        plot = self.look(wanted)
        names = frozenset(logins) or issued(wanted)
        new = {name: SecretBytes(PASSWORD.encode()) for name in names - plot.logins}
        return plot.steps(names, new)

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Run steps where they belong, in sessions that are closed afterwards."""
        for step in steps:
            try:
                self.session(step.database).run(step)
            finally:
                self._leave(step.database)

    def creep(self, plan: Callable[[], tuple[Step, ...]]) -> list[str]:
        """Do one step of each plan and leave, until nothing is left; return what was done."""
        said: list[str] = []
        while steps := plan():
            said.append(steps[0].says)
            assert len(said) < 40, said
            self.carry_out(steps[:1])
            self.close()
        return said

    def provide(self, wanted: Wanted, logins: Iterable[str] = ()) -> Wanted:
        """Bring about what is wanted, and show that nothing is left to do."""
        self.carry_out(self.steps(wanted, logins))
        assert self.steps(wanted, logins) == ()
        return wanted

    def remove(self, wanted: Wanted) -> None:
        """Drop what the alias made."""
        self.carry_out(self.look(wanted).removal())

    def sql(self, text: str, *, database: str = "") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, who is not the administrator of every site."""
        return self.server.admin_sql(text, database=database)

    def log_in(
        self, user: str, database: str, password: str = PASSWORD
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a session of a login, as an application has it."""
        return psycopg.connect(
            host=self.server.host,
            port=self.server.port,
            user=user,
            password=password,
            dbname=database,
            connect_timeout=60,
            autocommit=True,
        )

    def roles(self, wanted: Wanted) -> set[str]:
        """Return the roles on the server whose names begin as those of an alias."""
        names = {row[0] for row in self.sql("SELECT rolname FROM pg_roles")}
        return {
            name for name in names if name == wanted.owner or name.startswith(wanted.owner + "_")
        }

    def has_database(self, name: str) -> bool:
        """Tell whether there is such a database."""
        return (name,) in self.sql("SELECT datname FROM pg_database")


@dataclass
class Counting:
    """A session that counts what it is asked."""

    session: OpenSession
    statements: int = 0

    def fetch(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Ask the real one."""
        self.statements += 1
        return self.session.fetch(text, parameters)

    def run(self, step: Step) -> None:
        """Have the real one do it."""
        self.statements += len(step.statements)
        self.session.run(step)
