"""A real MySQL or MariaDB server as an administrator of ours finds it, and who else is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pymysql

from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.mysql import MySQLEngine
from dbalias.servers.mysql.statements import grant_pattern, identifier
from dbalias.servers.plot import Plot, Step, Survey
from dbalias.servers.sessions.opening import OpenSession, open_session
from dbalias.servers.threads import Watch
from dbalias.servers.wanted import Wanted
from integration.servers.wanting import NAMESPACE, PATIENT, issued, wanted_on
from localkube.databases import MariaDBServer

PASSWORD = "only for tests: ' \" \\ % ü"
"""Of every login that a test makes, so that it can log in."""
ENGINE = MySQLEngine()
a_wanted = partial(wanted_on, ServerEngine.MARIADB)
_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, LOCK TABLES, "
    "CREATE TEMPORARY TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, "
    "EVENT, TRIGGER"
)
_MARIADB_ENDS, _MYSQL_ENDS = "CONNECTION ADMIN", "CONNECTION_ADMIN"


def least_administrator(user: str, password: str, *, is_mariadb: bool) -> list[str]:
    """Return the statements of docs/resources/databaseserver.md, for databases of two prefixes."""
    who = f"{identifier(user)}@`%`"
    ends = _MARIADB_ENDS if is_mariadb else _MYSQL_ENDS
    return [
        f"CREATE USER {who} IDENTIFIED BY '{password}'",
        f"GRANT CREATE USER, PROCESS, {ends} ON *.* TO {who}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON dbalias.* TO {who}",
        f"GRANT SELECT (Host, User, ssl_type, max_user_connections) ON mysql.user TO {who}",
        f"GRANT SELECT ON mysql.db TO {who}",
        f"GRANT {_PRIVILEGES} ON `{NAMESPACE}\\_%`.* TO {who} WITH GRANT OPTION",
        f"GRANT {_PRIVILEGES} ON `odd%`.* TO {who} WITH GRANT OPTION",
    ]


@dataclass
class Counting:
    """A session that remembers what it was asked."""

    session: OpenSession
    texts: list[str]

    def fetch(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Ask the real one."""
        self.texts.append(text)
        return self.session.fetch(text, parameters)

    def run(self, step: Step) -> None:
        """Have the real one do it."""
        self.texts.extend(step.statements)
        self.session.run(step)


@dataclass
class Site:
    """One server and one administrator. ``close`` ends his session."""

    server: MariaDBServer
    user: str
    password: str
    opened: OpenSession | None = None

    def session(self) -> OpenSession:
        """Return the administrator's session."""
        if self.opened is None or not self.opened.is_alive():
            # The server ends one that was silent for a while.
            self.close()
            self.opened = self._open()
        return self.opened

    def _open(self) -> OpenSession:
        secret = SecretBytes(self.password.encode())
        address = Address(
            ServerEngine.MARIADB, self.server.host, self.server.port, self.user, secret
        )
        return open_session(address, None, watch=Watch(), timeouts=PATIENT)

    def close(self) -> None:
        """End the administrator's session."""
        if self.opened is not None:
            self.opened.close()

    def survey(self, *wanted: Wanted) -> Survey:
        """Return a whole survey."""
        return ENGINE.survey(self.session(), wanted)

    def look(self, wanted: Wanted) -> Plot:
        """Return what there is of one."""
        return self.survey(wanted).plots[wanted.database]

    def steps(self, wanted: Wanted, logins: Iterable[str] = ()) -> tuple[Step, ...]:
        """Return what is to be done, new logins getting the tests' password."""
        plot = self.look(wanted)
        names = frozenset(logins) or issued(wanted)
        new = {name: SecretBytes(PASSWORD.encode()) for name in names - plot.logins}
        return plot.steps(names, new)

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Run steps as a pass does."""
        for step in steps:
            self.session().run(step)

    def provide(self, wanted: Wanted, logins: Iterable[str] = ()) -> Wanted:
        """Bring about what is wanted, and show that nothing is left to do."""
        self.carry_out(self.steps(wanted, logins))
        assert self.steps(wanted, logins) == ()
        assert self.look(wanted).differences(frozenset(logins) or issued(wanted)) == ()
        return wanted

    def remove(self, wanted: Wanted) -> None:
        """Drop what the alias made."""
        self.carry_out(self.look(wanted).removal())

    def sql(self, text: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, who is not the administrator."""
        return self.server.admin_sql(text, parameters)

    def log_in(
        self, user: str, database: str | None = None, *, password: str = PASSWORD, tls: bool = True
    ) -> pymysql.Connection[Any]:
        """Return a session of a login, as an application has it."""
        return pymysql.connect(
            host=self.server.host,
            port=self.server.port,
            user=user,
            password=password.encode(),
            database=database,
            connect_timeout=60,
            autocommit=True,
            charset="utf8mb4",
            ssl_disabled=not tls,
        )

    def has_database(self, name: str) -> bool:
        """Tell whether there is such a database."""
        return (name,) in self.sql("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")

    def users(self, wanted: Wanted) -> set[str]:
        """Return the logins on the server whose names begin as those of an alias."""
        names = {row[0] for row in self.sql("SELECT User FROM mysql.user")}
        return {name for name in names if name.startswith(wanted.owner + "_")}

    def claims(self, wanted: Wanted) -> int:
        """Return how many rows of the claims tables speak of an alias."""
        name = (wanted.mark.name,)
        [(databases,)] = self.sql("SELECT COUNT(*) FROM dbalias.claims WHERE name = %s", name)
        [(logins,)] = self.sql("SELECT COUNT(*) FROM dbalias.logins WHERE name = %s", name)
        return int(databases) + int(logins)

    def leaves_nothing(self, wanted: Wanted) -> bool:
        """Tell whether no trace of an alias is left."""
        traces = (self.has_database(wanted.database), self.users(wanted), self.claims(wanted))
        return not any(traces)

    def grants(self, login: str, database: str) -> int:
        """Return how many grants for a whole database a login has."""
        [(count,)] = self.sql(
            "SELECT COUNT(*) FROM mysql.db WHERE User = %s AND Db = %s",
            (login, grant_pattern(database)),
        )
        return int(count)


def ask(connection: pymysql.Connection[Any], *texts: str) -> list[tuple[Any, ...]]:
    """Run statements; return the rows of the last."""
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(text)
        return list(cursor.fetchall())
