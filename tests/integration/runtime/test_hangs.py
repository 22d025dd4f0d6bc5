"""What may hang: each wait has an end or is spoken of, and SIGTERM is heard in all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from integration.runtime.killing import GatedRun, Nursery, end_session, state_of
from integration.runtime.pod import PATIENCE, Database, Pod, a_database
from integration.runtime.test_lock import publish_default
from localkube.databases import DatabaseServer

AT_ONCE = 60
"""Seconds, with the start of a program: what would hang takes minutes, or for ever."""


@pytest.fixture
def database(server: DatabaseServer, nursery: Nursery) -> Database:
    """Return an empty database, which is published."""
    made = a_database(server)
    nursery.publish(made)
    return made


@contextlib.contextmanager
def table_locked(database: Database, table: str) -> Iterator[None]:
    """Keep everybody else from a table, in a session of the database's own login."""
    server = database.server
    if server.kind == "postgresql":
        with psycopg.connect(
            host=server.host,
            port=server.port,
            user=database.user,
            password=database.password,
            dbname=database.name,
            application_name="somebody",
        ) as session:
            session.execute(f"LOCK TABLE {table}".encode())
            yield
        return
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=database.user,
        password=database.password,
        database=database.name,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {table} WRITE")
        yield


def wait_for_line(run: GatedRun, holds: Callable[[str], bool]) -> str:
    """Wait for a line of a run's log, and return it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [line for line in run.log.splitlines() if holds(line)]
        if found:
            return found[0]
        assert time.monotonic() < deadline, run.log
        time.sleep(0.1)


def test_a_migration_that_waits_for_a_table_says_for_whom_and_hears_sigterm(
    nursery: Nursery, database: Database, tmp_path: Path
) -> None:
    """The statement is let end; what is told is told while it waits."""
    is_postgres = database.server.kind == "postgresql"
    waits = "waits for session" if is_postgres else "Waiting for table metadata lock"
    run = nursery.start(tmp_path / "run", "0003_data before")
    run.wait_at_gate()
    with table_locked(database, "steps_shelf"):
        run.open_gate()
        said = wait_for_line(
            # A line that comes before the statement does tells of no lock.
            run,
            lambda line: "still applying steps.0003_data for" in line and waits in line,
        )
        run.send(signal.SIGTERM)
        told = wait_for_line(run, lambda line: "told to stop" in line)
    code = run.end()

    assert (f"of {database.user}, somebody" if is_postgres else f"of {database.user}") in said
    assert told.endswith("the run stops when steps.0003_data has ended")
    assert code == 0, run.log


def test_sigterm_ends_the_wait_for_the_lock_at_once(
    nursery: Nursery, database: Database, tmp_path: Path
) -> None:
    """Exit 7, with the holder named."""
    holder = nursery.start(tmp_path / "holder", "locked")
    holder.wait_at_gate()
    waiter = nursery.start(tmp_path / "waiter")
    wait_for_line(waiter, lambda line: "waiting for the database lock" in line)
    began = time.monotonic()
    waiter.send(signal.SIGTERM)
    code = waiter.end()
    taken = time.monotonic() - began

    assert code == 7, waiter.log
    assert taken < AT_ONCE
    assert waiter.report is not None
    assert "stopped while waiting for the database lock: held by" in waiter.report.message
    assert holder.end() == 0


def test_a_lock_that_another_run_took_over_stops_the_first_before_its_next_migration(
    nursery: Nursery, database: Database, tmp_path: Path
) -> None:
    """Both end as one run without faults: each migration is recorded once."""
    first = nursery.start(tmp_path / "first", "0001_atomic during")
    first.wait_at_gate()
    end_session(database, of_lock=True)
    second = nursery.start(tmp_path / "second", "locked")
    second.wait_at_gate()
    stopped = first.end()
    finished = second.end()

    assert stopped == 7, first.log
    assert finished == 0, second.log
    assert first.report is not None
    assert first.report.last == "steps.0001_atomic"
    assert second.report is not None
    assert second.report.applied == ("steps.0002_parts", "steps.0003_data")
    assert len(state_of(database)["recorded"]) == 3


def test_a_lock_whose_server_is_silent_stops_the_run_and_is_spoken_of(
    nursery: Nursery, postgres: DatabaseServer, tmp_path: Path
) -> None:
    """The backend that holds it is frozen: nobody knows whether it holds."""
    database = a_database(postgres)
    nursery.publish(database)
    run = nursery.start(tmp_path / "run", "0001_atomic during")
    run.wait_at_gate()
    (backend,) = database.lock_holders
    os.kill(backend, signal.SIGSTOP)
    try:
        silent = wait_for_line(run, lambda line: "the database has not answered for" in line)
        code = run.end()
    finally:
        os.kill(backend, signal.SIGCONT)

    assert "still applying steps.0001_atomic" in silent
    assert code == 7, run.log
    assert run.report is not None
    assert "is silent" in run.report.message
    assert run.report.last == "steps.0001_atomic"


def test_a_server_that_accepts_and_never_answers_is_unreachable(
    pod: Pod, server: DatabaseServer
) -> None:
    """Exit 4 within half a minute; dbalias_wait keeps to its own time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publish_default(pod, server, port=silent.getsockname()[1])
        began = time.monotonic()
        waiting = pod.start("", "--timeout=2", program="dbalias_wait.py")
        run = pod.start("default")
        waited = waiting.end()
        taken_to_wait = time.monotonic() - began
        outcome = run.end()

    assert outcome.code == 4, outcome.output
    assert "accepts connections" in outcome.report["message"]
    assert outcome.report["elapsedSeconds"] < 40
    assert waited.code == 1
    assert "accepts connections" in waited.output
    assert taken_to_wait < AT_ONCE
