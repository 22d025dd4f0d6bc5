"""PostgreSQL and MariaDB from Debian's packages, for tests, the demo and benchmarks.

Both run without fsync and accept clients at every address they listen on.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from psycopg import sql

from localkube.database_process import DatabaseServer, find_program
from localkube.processes import PATIENCE_SECONDS

__all__ = ["DatabaseServer", "MariaDBServer", "PostgresServer", "running"]

_ADMINISTRATES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, LOCK TABLES, "
    "CREATE TEMPORARY TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, "
    "EVENT, TRIGGER, CREATE USER, PROCESS"
)
_NO_STRANGERS = """\
DELETE FROM mysql.global_priv WHERE User IN ('', 'root');
FLUSH PRIVILEGES;
"""


class PostgresServer(DatabaseServer):
    """PostgreSQL from Debian's packages; every login by scram-sha-256."""

    kind = "postgresql"
    engine = "postgresql"
    system_user = "postgres"
    admin_user = "postgres"
    stop_signal = signal.SIGINT

    def answers(self) -> bool:
        """Return whether the administrator can log in."""
        try:
            return bool(self.admin_sql("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def admin_sql(
        self, statement: str, params: Sequence[Any] | None = None, *, database: str = ""
    ) -> list[tuple[Any, ...]]:
        """Run one statement in `database` (default: postgres); return its rows."""
        with psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.admin_user,
            password=self.admin_password,
            dbname=database or "postgres",
            connect_timeout=30,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, user: str, password: str) -> None:
        """Make a database owned by a login of its own (so schema public is its own too)."""
        role, base = sql.Identifier(user), sql.Identifier(name)
        known = self.admin_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", [user])
        verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
        self._compose(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, role, sql.Literal(password)))
        self._compose(sql.SQL("CREATE DATABASE {} OWNER {}").format(base, role))

    def create_administrator(self, user: str, password: str) -> None:
        """Make a login that may make databases and roles, as cloud providers hand it out."""
        role, secret = sql.Identifier(user), sql.Literal(password)
        self._compose(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(role, secret)
        )

    def drop_database(self, name: str) -> None:
        """Drop a database and end the sessions in it."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._compose(drop)
            except psycopg.errors.ObjectInUse:
                # The server gives the sessions that it ends no more than five seconds for it.
                if time.monotonic() > deadline:
                    raise

    def tables(self, database: str) -> set[str]:
        """Return the names of the tables in schema public."""
        rows = self.admin_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=database
        )
        return {row[0] for row in rows}

    def _compose(self, statement: sql.Composed) -> None:
        self.admin_sql(statement.as_string(None))

    def _initialise(self, data: Path) -> None:
        password_file = data.parent / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.admin_password)
        if os.geteuid() == 0:
            shutil.chown(password_file, self.system_user)
        self._run(
            [
                find_program("initdb", "postgresql"),
                *("-D", str(data), "-U", self.admin_user, "-E", "UTF8", "--locale=C.UTF-8"),
                *("-A", "scram-sha-256", f"--pwfile={password_file}", "--no-sync"),
            ]
        )
        password_file.unlink()
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")

    def _argv(self, data: Path) -> list[str]:
        settings = {
            "listen_addresses": ",".join(self.listen),
            "port": str(self.port),
            "unix_socket_directories": str(data),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            **self.settings,
        }
        words = [word for item in settings.items() for word in ("-c", "=".join(item))]
        return [find_program("postgres", "postgresql"), "-D", str(data), *words]


class MariaDBServer(DatabaseServer):
    """MariaDB from Debian's packages, utf8mb4, names of clients never resolved."""

    kind = "mariadb"
    engine = "mariadb"
    system_user = "mysql"
    program = ("mariadbd", "mariadb-server")
    """What runs, and the package that has it."""
    ends_sessions = "CONNECTION ADMIN"
    """The right to end everybody's."""
    encrypts = False
    """Whether its administrator's sessions are: the driver reads every CA of the machine for it."""
    admin_user = "dbadmin"
    stop_signal = signal.SIGTERM

    def answers(self) -> bool:
        """Return whether the administrator can log in (so the first start has done its part)."""
        try:
            return bool(self.admin_sql("SELECT 1"))
        except pymysql.err.OperationalError:
            return False

    def admin_sql(
        self, statement: str, params: Sequence[Any] | None = None, *, database: str = ""
    ) -> list[tuple[Any, ...]]:
        """Run one statement, in `database` if one is named; return its rows."""
        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.admin_user,
            password=self.admin_password,
            database=database or None,
            connect_timeout=30,
            autocommit=True,
            charset="utf8mb4",
            ssl_disabled=not self.encrypts,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, params)
            return list(cursor.fetchall())

    def create_database(self, name: str, user: str, password: str) -> None:
        """Make a database and a login with every right in it and no other."""
        pattern = name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        self.admin_sql(f"CREATE DATABASE {_quoted(name)} CHARACTER SET utf8mb4")
        self.admin_sql("CREATE OR REPLACE USER %s@'%%' IDENTIFIED BY %s", [user, password])
        self.admin_sql(f"GRANT ALL ON {_quoted(pattern).replace('%', '%%')}.* TO %s@'%%'", [user])

    def create_administrator(self, user: str, password: str) -> None:
        """Make a login that may make users, and databases with every right that it hands out."""
        self.admin_sql("CREATE USER %s@'%%' IDENTIFIED BY %s", [user, password])
        rights = f"{_ADMINISTRATES}, {self.ends_sessions}"
        self.admin_sql(f"GRANT {rights} ON *.* TO %s@'%%' WITH GRANT OPTION", [user])

    def drop_database(self, name: str) -> None:
        """Drop a database."""
        self.admin_sql(f"DROP DATABASE IF EXISTS {_quoted(name)}")

    def tables(self, database: str) -> set[str]:
        """Return the names of the tables."""
        rows = self.admin_sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [database]
        )
        return {row[0] for row in rows}

    def _initialise(self, data: Path) -> None:
        self._run(
            [
                find_program("mariadb-install-db", "mariadb-server"),
                *("--no-defaults", f"--datadir={data}", "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ]
        )
        self._prepare_first_start(data, _NO_STRANGERS)

    def _prepare_first_start(self, data: Path, no_strangers: str) -> None:
        first_start = data / "first-start.sql"
        first_start.write_text(
            f"{no_strangers}CREATE USER {self.admin_user}@'%' "
            f"IDENTIFIED BY '{self.admin_password}';\n"
            f"GRANT ALL ON *.* TO {self.admin_user}@'%' WITH GRANT OPTION;\n"
        )
        first_start.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(first_start, self.system_user)

    def _argv(self, data: Path) -> list[str]:
        settings = {
            "datadir": str(data),
            "bind-address": ",".join(self.listen),
            "port": str(self.port),
            "socket": str(data / "mariadb.sock"),
            "pid-file": str(data / "mariadb.pid"),
            "skip-name-resolve": "ON",
            "character-set-server": "utf8mb4",
            "innodb-flush-log-at-trx-commit": "0",
            "innodb-buffer-pool-size": "64M",
            "max-connections": "200",
            "performance-schema": "OFF",
            **self.settings,
        }
        if (data / "first-start.sql").exists() and not (data / "mariadb.started").exists():
            settings["init-file"] = str(data / "first-start.sql")
        words = [f"--{name}={value}" for name, value in settings.items()]
        return [find_program(*self.program), "--no-defaults", *words]

    def _wait_until_it_answers(self) -> None:
        super()._wait_until_it_answers()
        if self.data is not None:
            (self.data / "mariadb.started").touch()


@contextlib.contextmanager
def running(*servers: DatabaseServer) -> Iterator[tuple[DatabaseServer, ...]]:
    """Start several servers, and close all of them at the end."""
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(server) for server in servers)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
