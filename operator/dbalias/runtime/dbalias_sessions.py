"""What the servers are asked about sessions: the lock, who holds it, and what somebody waits for.

PostgreSQL's advisory locks belong to one database already; MySQL's and MariaDB's are the
server's, so their name carries the database's. ``prepare`` makes the server notice within 15 s
that this side is gone, where it would else keep the lock for hours; ``let_server_notice`` does so
for a session that migrates.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from collections.abc import Iterator
from typing import Any, ClassVar

CONNECT_SECONDS = 10
_PG_KEY = int.from_bytes(b"dbalias\1", "big")
_DEAD_AFTER = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}
_TRIES = 3
_NOTICE = """
    SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES
        ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '3'),
        ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '15000'),
        ('client_connection_check_interval', '5000')
    ) AS wanted (name, value) USING (name)
"""
"""The last one is there from PostgreSQL 14: without it a statement runs on when its client died."""


class PostgresLock:
    """``pg_try_advisory_lock`` with one key: the lock's space is the database itself."""

    options: ClassVar[dict[str, int]] = {"connect_timeout": CONNECT_SECONDS}
    prepare = (_NOTICE, "SET statement_timeout = 15000")
    params = (_PG_KEY,)
    take = "SELECT pg_try_advisory_lock(%s)"
    is_held = """
        SELECT count(*) FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND granted AND objsubid = 1
        AND ((classid::bigint << 32) | objid::bigint) = %s
    """
    _who = """
        'session ' || pid || ' of ' || coalesce(usename::text, 'an unknown user')
        || coalesce(', ' || nullif(application_name, ''), '')
        || coalesce(', from ' || client_addr::text, '')
    """
    holder = f"""
        SELECT {_who} FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((classid::bigint << 32) | objid::bigint) = %s
    """  # noqa: S608 - both parts are constants
    blockers = f"""
        SELECT 'waits for ' || {_who} || coalesce(', ' || state, '')
        FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(%s))
    """  # noqa: S608 - both parts are constants

    def introduce(self, cursor: Any) -> None:
        """Name this pod in pg_stat_activity, so that others can say who holds the lock."""
        cursor.execute("SELECT set_config('application_name', %s, false)", [_introduction()])
        cursor.execute(
            "SELECT set_config(name, '0', false) FROM pg_settings"
            " WHERE name = 'idle_session_timeout'"
        )

    @staticmethod
    def number_of(raw: Any) -> int:
        """Return the server's number of a driver's connection."""
        return int(raw.info.backend_pid)


class MySQLLock:
    """``GET_LOCK`` on MySQL and MariaDB, named after the database."""

    options: ClassVar[dict[str, int]] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": 15,
        "write_timeout": 15,
    }
    prepare = ("SET SESSION wait_timeout = 15",)
    take = "SELECT GET_LOCK(%s, 0)"
    is_held = "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()"
    _who = "CONCAT('connection ', id, ' of ', user, ' from ', host)"
    holder = f"SELECT {_who} FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)"  # noqa: S608 - constants
    blockers = f"""
        SELECT CONCAT(mine.state, '; others in this database: ', COALESCE((
            SELECT GROUP_CONCAT({_who}, ', ', LOWER(command), ' for ', time, ' s' SEPARATOR '; ')
            FROM information_schema.processlist
            WHERE db = mine.db AND id NOT IN (mine.id, CONNECTION_ID())
        ), 'none that this login may see'))
        FROM information_schema.processlist AS mine
        WHERE mine.id = %s AND mine.state LIKE 'Waiting for%%'
    """  # noqa: S608 - both parts are constants

    def __init__(self, database: str) -> None:
        self.params = ("dbalias:" + hashlib.sha256(database.encode()).hexdigest()[:32],)

    def introduce(self, cursor: Any) -> None:
        """Do nothing: the server knows a connection by its user and address alone."""

    @staticmethod
    def number_of(raw: Any) -> int:
        """Return the server's number of a driver's connection."""
        return int(raw.thread_id())


@contextlib.contextmanager
def raw_cursor(session: Any) -> Iterator[Any]:
    """Use the driver's cursor: Django's own belongs to one thread and logs each statement."""
    with session.wrap_database_errors, contextlib.closing(session.connection.cursor()) as cursor:
        yield cursor


def is_pooled(session: Any, other: Any) -> bool:
    """Return whether two open sessions of PostgreSQL share backends, one transaction at a time.

    The backend that served ``session`` last is the one that a pooler gives to ``other``, which
    keeps it in a transaction; ``session`` then gets another. Nothing is set or locked for this:
    it would stay behind in a backend that the application uses next.
    """
    with raw_cursor(session) as mine, raw_cursor(other) as theirs:
        return any(_share_a_backend(mine, theirs) for _ in range(_TRIES))


def _share_a_backend(mine: Any, theirs: Any) -> bool:
    before = _backend(mine)
    try:
        theirs.execute("BEGIN")
    except Exception as error:
        if "statement pooling" in str(error):  # one statement each: no transaction begins at all
            return True
        raise
    try:
        return _backend(theirs) == before or _backend(mine) != before
    finally:
        theirs.execute("ROLLBACK")


def _backend(cursor: Any) -> int:
    cursor.execute("SELECT pg_backend_pid()")
    return int(cursor.fetchone()[0])


def let_server_notice(connection: Any) -> None:
    """Let PostgreSQL notice within 15 s that this side is gone, also in the midst of a statement.

    Else the statement of a run that was killed goes on with all that it has locked, or an open
    transaction stays for hours, and the next attempt waits for it. The session must be one's own:
    behind a pooler this would stay behind in a backend.
    """
    if connection.vendor == "postgresql":
        # Not every system that a server runs on knows them all.
        with contextlib.suppress(Exception), raw_cursor(connection) as cursor:
            cursor.execute(_NOTICE)


def keep_alive(connection: Any, **_: Any) -> None:
    """Let the kernel notice within 15 s that the server's machine is gone: drivers wait for ever.

    ``connection`` is a Django database wrapper that is open, of any engine. A receiver of
    Django's ``connection_created``, too.
    """
    raw = connection.connection
    # A local socket knows no such options, and some drivers do not show theirs.
    with contextlib.suppress(OSError, TypeError, AttributeError, NotImplementedError):
        _let_notice(os.dup(getattr(raw, "_sock", raw).fileno()))


def _let_notice(descriptor: int) -> None:
    with socket.socket(fileno=descriptor) as copy:
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _DEAD_AFTER.items():
            copy.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _introduction() -> str:
    attempt = os.environ.get("DBALIAS_ATTEMPT")
    return f"dbalias migrate on {socket.gethostname()}" + (
        f" (attempt {attempt})" if attempt else ""
    )
