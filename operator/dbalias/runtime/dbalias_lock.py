"""One run at a time on a physical database: a session lock that is polled, over its own session.

Waiting inside pg_advisory_lock would hold a snapshot, and a CREATE INDEX CONCURRENTLY of the
holder would wait for the waiter; so the lock is tried and tried again. A heartbeat keeps the
session alive and notices when it is lost; a server that has not answered for half a minute
counts as lost until it answers again. A pooler that lends backends out for one transaction each
is refused: a lock taken through it protects nothing, and stays behind in a backend that the
application uses next. Other engines have no lock of this kind: there ``database_lock`` is None.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Union

from dbalias_errors import Exit, RunError, open_connection
from dbalias_report import log
from dbalias_sessions import MySQLLock, PostgresLock, is_pooled, keep_alive, raw_cursor

Lock = Union[PostgresLock, MySQLLock]
_HEARTBEAT_SECONDS = 4.0
_ANSWER_SECONDS = 20.0
_SILENCE_SECONDS = 30.0
_POLL_SECONDS = (0.2, 0.5, 1.0)
_SAY_EVERY_SECONDS = 5.0


class HeldLock:
    """A lock that this process holds; ``is_lost`` once its session is gone, or is silent."""

    def __init__(self, session: Any, lock: Lock) -> None:
        self._session = session
        self._lock = lock
        self._one_at_a_time = threading.Lock()
        self._released = threading.Event()
        self._has_ended = False
        self._answered = time.monotonic()
        session.inc_thread_sharing()
        self._heart = threading.Thread(target=self._beat, name="dbalias-lock", daemon=True)
        self._heart.start()

    @property
    def is_lost(self) -> bool:
        """Whether the lock is gone, or nobody knows: the server is silent."""
        return self._has_ended or self.silence > _SILENCE_SECONDS

    @property
    def silence(self) -> float:
        """Seconds since the server has last said that the lock is held."""
        return time.monotonic() - self._answered

    def check(self) -> bool:
        """Ask the server; return whether the lock is still held. Takes 20 s at the most."""
        if not self._one_at_a_time.acquire(timeout=_ANSWER_SECONDS):
            return False  # the heartbeat still waits for its answer
        try:
            if not self._has_ended:
                self._has_ended = not self._ask_whether_held()
        finally:
            self._one_at_a_time.release()
        return not self._has_ended

    def what_delays(self, raw: Any) -> str:
        """Return what a driver's connection to the same database waits for there, or nothing."""
        if raw is None or not self._one_at_a_time.acquire(timeout=1):
            return ""
        # For the log alone: whatever goes wrong here must not end a run that goes well.
        try:
            with contextlib.suppress(Exception), raw_cursor(self._session) as cursor:
                cursor.execute(self._lock.blockers, [self._lock.number_of(raw)])
                return "; ".join(str(row[0]) for row in cursor.fetchall())
            return ""
        finally:
            self._one_at_a_time.release()

    def release(self) -> None:
        """Give the lock back by closing its session."""
        self._released.set()
        self._heart.join(_ANSWER_SECONDS)
        with contextlib.suppress(Exception):  # a session that is already gone holds nothing
            self._session.close()

    def _ask_whether_held(self) -> bool:
        try:
            with raw_cursor(self._session) as cursor:
                is_held = bool(_ask(cursor, self._lock.is_held, self._lock))
        except Exception:  # whatever the driver raises, the session is not to be trusted
            return False
        self._answered = time.monotonic()
        return is_held

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
    with the holder named, STOPPED when ``should_stop`` says so, POOLER, or what connecting raises.
    """
    if connection.vendor not in {"postgresql", "mysql"}:
        log(f"no lock: {connection.vendor} has none that ends with its session")
        yield None
        return
    with contextlib.closing(_own_session(connection)) as session:
        lock = _prepare(session)
        _wait_for(session, lock, timeout=timeout, tell=tell_holder, should_stop=should_stop)
        held = HeldLock(session, lock)
        try:
            yield held
        finally:
            held.release()


def _own_session(connection: Any) -> Any:
    session = connection.copy()
    options = dict(session.settings_dict.get("OPTIONS") or {})
    options.pop("pool", None)
    defaults = PostgresLock.options if connection.vendor == "postgresql" else MySQLLock.options
    session.settings_dict["OPTIONS"] = {**defaults, **options}
    session.settings_dict["CONN_MAX_AGE"] = None
    session.settings_dict["AUTOCOMMIT"] = True
    return session


def _prepare(session: Any) -> Lock:
    open_connection(session)
    keep_alive(session)
    lock: Lock = PostgresLock()
    if session.vendor == "postgresql":
        _refuse_a_pooler(session)
    with raw_cursor(session) as cursor:
        if session.vendor == "mysql":
            cursor.execute("SELECT DATABASE()")
            lock = MySQLLock(str(cursor.fetchone()[0]))
        for statement in lock.prepare:
            cursor.execute(statement)
        lock.introduce(cursor)
    return lock


def _refuse_a_pooler(session: Any) -> None:
    with contextlib.closing(_own_session(session)) as other:
        open_connection(other)
        if not is_pooled(session, other):
            return
    settings = session.settings_dict
    raise RunError(
        Exit.POOLER,
        f'database "{session.alias}": behind {settings["HOST"]}:{settings["PORT"]} is a pooler '
        "that lends a backend for one transaction only, through which no lock holds: set "
        "spec.migrate.connection of the alias to the server itself, and spec.pooler to Transaction",
    )


def _wait_for(
    session: Any,
    lock: Lock,
    *,
    timeout: float,
    tell: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> None:
    began = time.monotonic()
    said = 0.0
    told = ""
    tries = 0
    while not _try(session, lock):
        waited = time.monotonic() - began
        holder = _holder(session, lock)
        if holder != told:
            told = holder
            tell(holder)
        if should_stop():
            raise RunError(
                Exit.STOPPED, f"stopped while waiting for the database lock: held by {holder}"
            )
        if waited >= timeout:
            raise RunError(
                Exit.LOCK,
                f"the database lock was not obtained in {timeout:.0f} s: held by {holder}; "
                "another run migrates this database, or its session has to be ended",
            )
        if not said or time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            log(f"waiting for the database lock for {waited:.0f} s: held by {holder}")
        time.sleep(min(_POLL_SECONDS[min(tries, 2)], max(0.05, timeout - waited)))
        tries += 1


def _try(session: Any, lock: Lock) -> bool:
    with raw_cursor(session) as cursor:
        return bool(_ask(cursor, lock.take, lock))


def _holder(session: Any, lock: Lock) -> str:
    with raw_cursor(session) as cursor:
        return str(_ask(cursor, lock.holder, lock) or "a session that has just ended")


def _ask(cursor: Any, statement: str, lock: Lock) -> Any:
    cursor.execute(statement, lock.params)
    row = cursor.fetchone()
    return row[0] if row else None
