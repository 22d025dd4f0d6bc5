"""The test's side of a gate: a lock that an administrator's session holds in the same database."""

import contextlib
from typing import Any, Self

import psycopg
import pymysql

from dbalias_sessions import MySQLLock, PostgresLock
from localkube.databases import PostgresServer
from stage.objects import Database

_SHUT = {
    "postgresql": "SELECT pg_advisory_lock(hashtext('gate'), hashtext(%s))",
    "mariadb": "SELECT GET_LOCK(CONCAT('gate:', MD5(CONCAT(DATABASE(), %s))), 10)",
}
_WAITS = {
    "postgresql": """
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = hashtext('gate')::bigint & 4294967295
        AND objid::bigint = hashtext(%s)::bigint & 4294967295
    """,
    "mariadb": """
        SELECT id FROM information_schema.processlist WHERE db = DATABASE()
        AND info LIKE CONCAT('SELECT GET\\_LOCK(%%DATABASE(), ''', %s, '''))), 7200)')
    """,
}


class Session:
    """An administrator's session in a database, open until it is closed or the server dies."""

    def __init__(self, database: Database) -> None:
        server = database.server
        where: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "user": server.admin_user,
            "password": server.admin_password,
            "connect_timeout": 60,
            "autocommit": True,
        }
        self._connection: Any
        if isinstance(server, PostgresServer):
            self._connection = psycopg.connect(dbname=database.name, **where)
        else:
            self._connection = pymysql.connect(database=database.name, **where)

    def ask(self, statement: str, params: Any) -> list[Any]:
        """Run a query; return the first column."""
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, params)
            return [row[0] for row in cursor.fetchall()]

    def close(self) -> None:
        """End it, and with it every lock it holds; a dead server has done so already."""
        with contextlib.suppress(psycopg.Error, pymysql.Error):
            self._connection.close()


class Gate:
    """One gate of the app `gated` in one database."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._engine = database.server.engine
        self._name = name
        self._session: Session | None = None

    @property
    def is_shut(self) -> bool:
        """Whether this side holds it."""
        return self._session is not None

    def shut(self) -> None:
        """Hold it."""
        self._session = Session(self._database)
        self._session.ask(_SHUT[self._engine], [self._name])

    def waiting(self) -> frozenset[int]:
        """Return the sessions that wait at it now, as the server numbers them."""
        assert self._session is not None
        return frozenset(self._session.ask(_WAITS[self._engine], [self._name]))

    def open(self) -> None:
        """Let it go."""
        if self._session is not None:
            self._session.close()
            self._session = None


class OwnLock:
    """The runner's own lock on the database, held by somebody else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Session | None = None

    def __enter__(self) -> Self:
        self.shut()
        return self

    def __exit__(self, *exc: object) -> None:
        self.open()

    def shut(self) -> None:
        """Hold it."""
        database, self._session = self._database, Session(self._database)
        postgres = isinstance(database.server, PostgresServer)
        lock: PostgresLock | MySQLLock = PostgresLock() if postgres else MySQLLock(database.name)
        assert self._session.ask(lock.take, lock.params)[0]

    def open(self) -> None:
        """Let it go."""
        if self._session is not None:
            self._session.close()
            self._session = None
