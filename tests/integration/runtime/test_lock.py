"""Several runs at once, and who holds the lock, on both servers."""

from __future__ import annotations

import signal

from integration.runtime.pod import Database, Pod, Run, a_database
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


def a_slow_run(pod: Pod, **env: str) -> Run:
    """Start a run that holds the lock, inside a migration that sleeps in the database."""
    pod.env |= {"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "2"}
    run = pod.start("default", **env)
    run.wait_until(lambda report: str(report.get("current")).startswith("slow."))
    return run


def test_a_lock_held_by_another_ends_in_exit_3_with_its_holder_named(
    pod: Pod, server: DatabaseServer
) -> None:
    """Bounded by --lock-timeout; the holder is named well enough to find it."""
    database = publish_default(pod, server)
    holder = a_slow_run(pod)

    waiter = pod.run("default", "--lock-timeout=1")

    assert waiter.code == 3, waiter.output
    assert waiter.report["reason"] == "LockNotObtained"
    assert database.user in waiter.report["holder"]
    assert waiter.report["holder"] in waiter.report["message"]
    holder.send(signal.SIGTERM)
    assert holder.end().code == 7


def test_sigterm_stops_between_two_migrations_and_the_next_run_goes_on(
    pod: Pod, server: DatabaseServer
) -> None:
    """Exit 7 with the place; nothing is half done."""
    publish_default(pod, server)
    run = a_slow_run(pod)
    run.send(signal.SIGTERM)

    outcome = run.end()
    again = pod.run("default", SHOP_SLOW_SECONDS="0")

    assert outcome.code == 7, outcome.output
    assert outcome.report["state"] == "stopped"
    assert outcome.report["current"] is None
    assert outcome.report["last"] == "slow.0001_sleep"
    assert "after slow.0001_sleep" in outcome.report["message"]
    assert again.code == 0
    assert again.report["applied"][0] == "slow.0002_sleep"


def test_sigkill_leaves_a_report_that_names_the_migration_in_progress(
    pod: Pod, server: DatabaseServer
) -> None:
    """What the operator needs to decide whether trying again is safe; the lock dies with it."""
    publish_default(pod, server)
    run = a_slow_run(pod)
    run.send(signal.SIGKILL)

    outcome = run.end()
    again = pod.run("default", SHOP_SLOW_SECONDS="0")

    assert outcome.code == -signal.SIGKILL
    assert outcome.report["state"] == "migrating"
    assert outcome.report["current"] == "slow.0001_sleep"
    assert outcome.report["currentAtomic"] is True
    assert outcome.report["transactionalDDL"] is (server.kind == "postgresql")
    assert again.code == 0, again.output


def test_a_lost_lock_stops_the_run_before_its_next_migration(
    pod: Pod, server: DatabaseServer
) -> None:
    """Somebody ends the session that holds the lock: exit 7."""
    database = publish_default(pod, server)
    run = a_slow_run(pod)

    if server.kind == "postgresql":
        locks = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        database.rows(f"SELECT pg_terminate_backend(pid) FROM ({locks}) AS holders")
    else:
        sleeping = "WHERE USER = %s AND COMMAND = 'Sleep'"
        found = server.admin_sql(
            f"SELECT ID FROM information_schema.PROCESSLIST {sleeping}", [database.user]
        )
        for (session,) in found:
            server.admin_sql(f"KILL {session}")
    outcome = run.end()

    assert outcome.code == 7, outcome.output
    assert "session that holds the database lock has ended" in outcome.report["message"]
    assert outcome.report["last"] == "slow.0001_sleep"


def test_two_aliases_of_one_database_share_one_lock(pod: Pod, server: DatabaseServer) -> None:
    """The lock belongs to the physical database, whatever an alias is called."""
    database = a_database(server)
    pod.publish(
        [database.alias("default"), database.alias("again")],
        sources=database.sources("default") | database.sources("again"),
    )
    holder = a_slow_run(pod)

    assert pod.run("again", "--lock-timeout=1").code == 3
    holder.send(signal.SIGTERM)
    assert holder.end().code == 7


def test_the_lock_outlives_the_time_that_its_session_may_be_idle(
    pod: Pod, mariadb: DatabaseServer
) -> None:
    """The heartbeat keeps MariaDB's session, which may be idle for 15 s; a second run waits."""
    database = publish_default(pod, mariadb)
    holder = a_slow_run(pod, SHOP_SLOW_SECONDS="17")
    waiter = pod.start("default", "--lock-timeout=60", SHOP_SLOW_SECONDS="0")
    holder.send(signal.SIGTERM)

    assert holder.end().report["last"] == "slow.0001_sleep"
    assert waiter.end().report["applied"] == ["slow.0002_sleep", "slow.0003_sleep"]
    assert database.rows(RECORDED_TWICE) == []
