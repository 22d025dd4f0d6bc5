"""Several runs at once, and who holds the lock, on both servers."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from integration.runtime.killing import Nursery
from integration.runtime.pod import Database, Pod, a_database
from localkube.databases import DatabaseServer

RECORDED_TWICE = (
    "SELECT app, name, count(*) FROM django_migrations GROUP BY app, name HAVING count(*) > 1"
)


def publish_default(pod: Pod, server: DatabaseServer, **fields: object) -> Database:
    """Publish one alias, `default`, on a fresh database."""
    database = a_database(server)
    pod.publish([database.alias("default", **fields)], sources=database.sources("default"))
    return database


def test_three_copies_at_once_apply_every_migration_once(pod: Pod, server: DatabaseServer) -> None:
    """All exit 0, no migration is recorded twice, data migrations ran once."""
    database = publish_default(pod, server)

    outcomes = [run.end() for run in [pod.start("default") for _ in range(3)]]

    assert [outcome.code for outcome in outcomes] == [0, 0, 0], outcomes
    assert database.rows(RECORDED_TWICE) == []
    assert database.rows("SELECT count(*) FROM orders_shippingmethod") == [(2,)]
    assert sorted(outcome.report["appliedCount"] for outcome in outcomes) == [0, 0, 24]


def test_three_copies_at_once_do_not_hang_a_concurrent_index(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """CREATE INDEX CONCURRENTLY of the holder does not wait for those that wait for the lock."""
    database = publish_default(pod, postgres)
    pod.env["SHOP_EXTRA_APPS"] = "concurrent_index"

    outcomes = [run.end() for run in [pod.start("default") for _ in range(3)]]

    assert [outcome.code for outcome in outcomes] == [0, 0, 0], outcomes
    assert database.rows("SELECT count(*) FROM concurrent_index_reading") == [(1000,)]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'concurrent_index_value'::regclass"
    assert database.rows(valid) == [(True,)]


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_lock_held_by_another_ends_in_exit_3_with_its_holder_named(
    seconds: int, nursery: Nursery, server: DatabaseServer, tmp_path: Path
) -> None:
    """Bounded by --lock-timeout; the holder is named well enough to find it."""
    database = a_database(server)
    nursery.publish(database)
    holder = nursery.start(tmp_path / "holder", "locked")
    holder.wait_at_gate()

    waiter = nursery.start(tmp_path / "waiter", "", f"--lock-timeout={seconds}")

    assert waiter.end() == 3, waiter.log
    assert waiter.report is not None
    assert waiter.report.reason == "LockNotObtained"
    assert waiter.report.holder is not None
    assert database.user in waiter.report.holder
    assert waiter.report.holder in waiter.report.message
    assert holder.end() == 0, holder.log


def test_sigterm_stops_between_two_migrations_and_the_next_run_goes_on(
    nursery: Nursery, server: DatabaseServer, tmp_path: Path
) -> None:
    """Exit 7 with the place; nothing is half done."""
    nursery.publish(a_database(server))
    run = nursery.start(tmp_path / "run", "0001_atomic during")
    run.wait_at_gate()
    run.send(signal.SIGTERM)
    code = run.end()
    again = nursery.start(tmp_path / "again")

    assert code == 7, run.log
    assert run.report is not None
    assert (run.report.state, run.report.current) == ("stopped", None)
    assert run.report.last == "steps.0001_atomic"
    assert "after steps.0001_atomic: asked to stop (SIGTERM); 2 pending" in run.report.message
    assert again.end() == 0, again.log
    assert again.report is not None
    assert again.report.applied == ("steps.0002_parts", "steps.0003_data")


def test_sigkill_leaves_a_report_that_names_the_migration_in_progress(
    nursery: Nursery, server: DatabaseServer, tmp_path: Path
) -> None:
    """What the operator needs to decide whether trying again is safe; the lock dies with it."""
    nursery.publish(a_database(server))
    run = nursery.start(tmp_path / "run", "0001_atomic before")
    run.wait_at_gate()
    run.send(signal.SIGKILL)
    code = run.end()
    again = nursery.start(tmp_path / "again")

    assert code == -signal.SIGKILL
    assert run.report is not None
    assert (run.report.state, run.report.current) == ("migrating", "steps.0001_atomic")
    assert run.report.current_atomic is True
    assert run.report.transactional_ddl is (server.kind == "postgresql")
    assert again.end() == 0, again.log


def test_two_aliases_of_one_database_share_one_lock(
    nursery: Nursery, server: DatabaseServer, tmp_path: Path
) -> None:
    """The lock belongs to the physical database, whatever an alias is called."""
    nursery.publish(a_database(server), "again")
    holder = nursery.start(tmp_path / "holder", "locked")
    holder.wait_at_gate()

    waiter = nursery.start(tmp_path / "waiter", "", "--lock-timeout=1", alias="again")

    assert waiter.end() == 3, waiter.log
    assert holder.end() == 0, holder.log


def test_the_lock_outlives_the_time_that_its_session_may_be_idle(
    nursery: Nursery, mariadb: DatabaseServer, tmp_path: Path
) -> None:
    """The heartbeat keeps MariaDB's session, which may be idle for 15 s; a second run waits."""
    database = a_database(mariadb)
    nursery.publish(database)
    holder = nursery.start(tmp_path / "holder", "0001_atomic during")
    holder.wait_at_gate()
    waiter = nursery.start(tmp_path / "waiter")
    time.sleep(17)

    assert holder.end() == 0, holder.log
    assert waiter.end() == 0, waiter.log
    assert waiter.report is not None
    assert waiter.report.applied_count == 0
    assert database.rows(RECORDED_TWICE) == []
