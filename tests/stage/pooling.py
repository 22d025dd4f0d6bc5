"""PgBouncer from Debian's package, as a process before a PostgreSQL server of the tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol, Self

import psycopg

from localkube import ensure_packages
from localkube.database_process import DatabaseServer, find_program
from localkube.ports import reserve_port

PATIENCE = 60

_SETTINGS = """\
[databases]
{name} = host={host} port={port}
[pgbouncer]
listen_addr = {host}
listen_port = {own_port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
admin_users = {user}
pool_mode = {mode}
default_pool_size = {size}
"""
_BACKENDS = {"transaction": 3, "statement": 3, "session": 20}
"""By mode: a few that clients share, or one for every session that may be open."""


class Pooled(Protocol):
    """A database, and the login that goes through the pooler."""

    @property
    def server(self) -> DatabaseServer:
        """Where it is."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def user(self) -> str:
        """Who logs in."""

    @property
    def password(self) -> str:
        """With what."""


class PgBouncer:
    """A pooler before one database, beside its server; ``mode`` as pool_mode says it."""

    def __init__(self, database: Pooled, mode: str = "transaction") -> None:
        self.host = database.server.host
        self.port = reserve_port()
        self._database = database
        self._folder = Path(tempfile.mkdtemp(prefix="dbalias-pgbouncer-"))
        server = database.server
        (self._folder / "settings.ini").write_text(
            _SETTINGS.format(
                name=database.name,
                host=server.host,
                port=server.port,
                own_port=self.port,
                folder=self._folder,
                user=database.user,
                mode=mode,
                size=_BACKENDS[mode],
            )
        )
        (self._folder / "users").write_text(f'"{database.user}" "{database.password}"\n')
        self._log = (self._folder / "log").open("w")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        ensure_packages(["pgbouncer"])
        owner = self._database.server.system_user if os.geteuid() == 0 else None
        for path in (self._folder, *self._folder.iterdir()):
            if owner:
                shutil.chown(path, owner)
        self._process = subprocess.Popen(
            [find_program("pgbouncer", "pgbouncer"), str(self._folder / "settings.ini")],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
        )
        self._wait_until_it_answers()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def transactions(self) -> int:
        """Return how many transactions it has passed on."""
        rows = [one for one in self._ask("SHOW STATS") if one["database"] == self._database.name]
        return sum(int(one["total_xact_count"]) for one in rows)

    def _ask(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(
            host=self.host,
            port=self.port,
            user=self._database.user,
            password=self._database.password,
            dbname="pgbouncer",
            autocommit=True,
            row_factory=psycopg.rows.dict_row,
        ) as console:
            return console.execute(statement.encode()).fetchall()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self._ask("SHOW VERSION")
                return
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.05)
