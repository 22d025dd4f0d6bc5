"""One run at a time on a physical database: a session lock that is polled, over its own session.

Waiting inside pg_advisory_lock would hold a snapshot, and a CREATE INDEX CONCURRENTLY of the
holder would wait for the waiter; so the lock is tried and tried again. PostgreSQL's advisory
locks belong to one database already; MySQL's and MariaDB's are the server's, so their name
carries the database's. A heartbeat keeps the session alive and notices when it is lost; settings
of the session make the server notice when this side died (after 15 s instead of hours).
Other engines have no lock of this kind: there ``database_lock`` returns None.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from dbalias_errors import Exit, RunError, open_connection
from dbalias_report import log

CONNECT_SECONDS = 10
_HEARTBEAT_SECONDS = 4.0
_POLL_SECONDS = (0.2, 0.5, 1.0)
_SAY_EVERY_SECONDS = 5.0
_PG_KEY = int.from_bytes(b"dbalias\1", "big")


class PostgresLock:
    """``pg_try_advisory_lock`` with one key: the lock's space is the database itself."""

    options: ClassVar[dict[str, int]] = {"connect_timeout": CONNECT_SECONDS}
    prepare = (
        "SET tcp_keepalives_idle = 5",
        "SET tcp_keepalives_interval = 3",
        "SET tcp_keepalives_count = 3",
        "SET tcp_user_timeout = 15000",
        "SET statement_timeout = 15000",
    )
    params = (_PG_KEY,)
    take = "SELECT pg_try_advisory_lock(%s)"
    is_held = """
        SELECT count(*) FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND granted AND objsubid = 1
        AND ((classid::bigint << 32) | objid::bigint) = %s
    """
    holder = """
        SELECT 'session ' || pid || ' of ' || coalesce(usename::text, 'an unknown user')
            || coalesce(', ' || nullif(application_name, ''), '')
            || coalesce(', from ' || client_addr::text, '')
        FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((classid::bigint << 32) | objid::bigint) = %s
    """

    def introduce(self, cursor: Any) -> None:
        """Name this pod in pg_stat_activity, so that others can say who holds the lock."""
        cursor.execute("SELECT set_config('application_name', %s, false)", [_introduction()])
        cursor.execute(
            "SELECT set_config(name, '0', false) FROM pg_settings"
            " WHERE name = 'idle_session_timeout'"
        )


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
    holder = """
        SELECT CONCAT('connection ', id, ' of ', user, ' from ', host)
        FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)
    """

    def __init__(self, database: str) -> None:
        self.params = ("dbalias:" + hashlib.sha256(database.encode()).hexdigest()[:32],)

    def introduce(self, cursor: Any) -> None:
        """Do nothing: the server knows a connection by its user and address alone."""


class HeldLock:
    """A lock that this process holds; ``is_lost`` once its session is gone."""

    def __init__(self, session: Any, lock: PostgresLock | MySQLLock) -> None:
        self._session = session
        self._lock = lock
        self._one_at_a_time = threading.Lock()
        self._released = threading.Event()
        self._lost = False
        session.inc_thread_sharing()
        self._heart = threading.Thread(target=self._beat, name="dbalias-lock", daemon=True)
        self._heart.start()

    @property
    def is_lost(self) -> bool:
        """Whether the heartbeat found the lock gone."""
        return self._lost

    def check(self) -> bool:
        """Ask the server; return whether the lock is still held."""
        with self._one_at_a_time:
            if not self._lost:
                try:
                    with _raw_cursor(self._session) as cursor:
                        self._lost = not _ask(cursor, self._lock.is_held, self._lock)
                except Exception:  # whatever the driver raises, the session is not to be trusted
                    self._lost = True
        return not self._lost

    def release(self) -> None:
        """Give the lock back by closing its session."""
        self._released.set()
        self._heart.join()
        with contextlib.suppress(Exception):  # a session that is already gone holds nothing
            self._session.close()

    def _beat(self) -> None:
        while not self._released.wait(_HEARTBEAT_SECONDS):
            if not self.check():
                log("the database lock is lost: its session has ended")
                return


@contextlib.contextmanager
def database_lock(
    connection: Any,
    *,
    timeout: float,
    tell_holder: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> Iterator[HeldLock | None]:
    """Hold the lock of a Django connection's database, over a session opened like it.

    ``timeout`` in seconds. Yields None on an engine without such locks. Raises RunError: LOCK
    with the holder named, STOPPED when ``should_stop`` says so, or what connecting raises.
    """
    if connection.vendor not in {"postgresql", "mysql"}:
        log(f"no lock: {connection.vendor} has none that ends with its session")
        yield None
        return
    session = _own_session(connection)
    lock = _prepare(session)
    try:
        _wait_for(session, lock, timeout=timeout, tell=tell_holder, should_stop=should_stop)
        held = HeldLock(session, lock)
        try:
            yield held
        finally:
            held.release()
    finally:
        session.close()


def _own_session(connection: Any) -> Any:
    session = connection.copy()
    options = dict(session.settings_dict.get("OPTIONS") or {})
    options.pop("pool", None)
    defaults = PostgresLock.options if connection.vendor == "postgresql" else MySQLLock.options
    session.settings_dict["OPTIONS"] = {**defaults, **options}
    session.settings_dict["CONN_MAX_AGE"] = None
    session.settings_dict["AUTOCOMMIT"] = True
    return session


def _prepare(session: Any) -> PostgresLock | MySQLLock:
    open_connection(session)
    lock: PostgresLock | MySQLLock = PostgresLock()
    with _raw_cursor(session) as cursor:
        if session.vendor == "mysql":
            cursor.execute("SELECT DATABASE()")
            lock = MySQLLock(str(cursor.fetchone()[0]))
        for statement in lock.prepare:
            cursor.execute(statement)
        lock.introduce(cursor)
    return lock


def _wait_for(
    session: Any,
    lock: PostgresLock | MySQLLock,
    *,
    timeout: float,
    tell: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> None:
    began = time.monotonic()
    said = 0.0
    tries = 0
    while not _try(session, lock):
        waited = time.monotonic() - began
        holder = _holder(session, lock)
        if should_stop():
            raise RunError(Exit.STOPPED, "stopped while waiting for the database lock")
        if waited >= timeout:
            raise RunError(
                Exit.LOCK,
                f"the database lock was not obtained in {timeout:.0f} s: held by {holder}; "
                "another run migrates this database, or its session has to be ended",
            )
        if not said or time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            tell(holder)
            log(f"waiting for the database lock for {waited:.0f} s: held by {holder}")
        time.sleep(min(_POLL_SECONDS[min(tries, 2)], max(0.05, timeout - waited)))
        tries += 1


def _try(session: Any, lock: PostgresLock | MySQLLock) -> bool:
    with _raw_cursor(session) as cursor:
        return bool(_ask(cursor, lock.take, lock))


def _holder(session: Any, lock: PostgresLock | MySQLLock) -> str:
    with _raw_cursor(session) as cursor:
        return str(_ask(cursor, lock.holder, lock) or "a session that has just ended")


@contextlib.contextmanager
def _raw_cursor(session: Any) -> Iterator[Any]:
    """Use the driver's cursor: Django's own belongs to one thread and logs each statement."""
    with session.wrap_database_errors, contextlib.closing(session.connection.cursor()) as cursor:
        yield cursor


def _ask(cursor: Any, statement: str, lock: PostgresLock | MySQLLock) -> Any:
    cursor.execute(statement, lock.params)
    row = cursor.fetchone()
    return row[0] if row else None


def _introduction() -> str:
    attempt = os.environ.get("DBALIAS_ATTEMPT")
    return f"dbalias migrate on {socket.gethostname()}" + (
        f" (attempt {attempt})" if attempt else ""
    )
