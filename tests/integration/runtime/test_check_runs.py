"""Check runs on real servers: the same eyes as a migration, and nothing written at all."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from integration.runtime.killing import Nursery
from integration.runtime.pod import EXPRESS, PATIENCE, Database, Pod, a_database
from localkube.databases import DatabaseServer, PostgresServer
from unit.builders import a_policy, a_rule

WRITES = {"insert", "update", "delete", "create", "alter", "drop", "truncate", "grant", "lock"}
STATES = {"audit": "auditing", "planned": "planning"}
"""What a run is at, by the gate where it stands."""


def publish(pod: Pod, database: Database) -> None:
    """Publish `default` alone."""
    pod.publish([database.alias("default")], sources=database.sources("default"))


def a_reader(database: Database) -> Database:
    """Return the database with a login that may do no more than SELECT."""
    reader = replace(database, user=f"{database.name}_reader", password="only-looks")
    admin = database.server.admin_sql
    if isinstance(database.server, PostgresServer):
        admin(f"CREATE ROLE {reader.user} LOGIN PASSWORD '{reader.password}'")
        for statement in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader.user}",
        ):
            database.rows(statement)
    else:
        admin(f"CREATE USER {reader.user}@'%' IDENTIFIED BY '{reader.password}'")
        admin(f"GRANT SELECT ON {database.name}.* TO {reader.user}@'%'")
    return reader


def statements(server: DatabaseServer, user: str) -> list[str]:
    """Return every statement that the server was sent by a login, in lower case."""
    if isinstance(server, PostgresServer):
        lines = server.log.read_text(errors="replace").splitlines()
        return [line.lower() for line in lines if f"<{user}>" in line]
    rows = server.admin_sql(
        "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log"
        " WHERE command_type IN ('Query', 'Execute') AND user_host LIKE %s",
        [f"%{user}%"],
    )
    return [str(row[0]).lower() for row in rows]


def writes(sent: list[str]) -> set[str]:
    """Return the words with which some of these statements write."""
    return {word for one in sent for word in one.split()[:6]} & WRITES


def wait_until_logged(server: PostgresServer) -> None:
    """Wait until new sessions have what was reloaded, which is a moment later."""
    deadline = time.monotonic() + PATIENCE
    while server.admin_sql("SHOW log_statement") != [("all",)]:
        assert time.monotonic() < deadline, "log_statement"
        time.sleep(0.05)


@pytest.fixture
def logged(server: DatabaseServer) -> Iterator[DatabaseServer]:
    """A server that writes down every statement, with the login that sent it."""
    on, off = (
        (
            ["ALTER SYSTEM SET log_statement = 'all'", "ALTER SYSTEM SET log_line_prefix = '<%u> '",
             "SELECT pg_reload_conf()"],
            ["ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()"],
        )
        if isinstance(server, PostgresServer)
        else (
            ["SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON"],
            ["SET GLOBAL general_log = OFF"],
        )
    )  # fmt: skip
    for statement in on:
        server.admin_sql(statement)
    if isinstance(server, PostgresServer):
        wait_until_logged(server)
    yield server
    for statement in off:
        server.admin_sql(statement)


def test_check_of_an_empty_database_writes_nothing_with_a_login_that_may_only_select(
    pod: Pod, logged: DatabaseServer
) -> None:
    """Every statement that reached the server is looked at; not even django_migrations is made.

    A migration with the same login shows that a write would have been seen.
    """
    database = a_database(logged)
    reader = a_reader(database)
    publish(pod, reader)

    outcome = pod.run("default", "--check")

    assert outcome.code == 0, outcome.output
    report = outcome.report
    assert (report["state"], report["appliedCount"]) == ("done", 0)
    assert report["pending"][0] == "contenttypes.0001_initial"
    assert report["pendingCount"] >= len(report["pending"]) > 5
    assert database.tables == set()
    sent = statements(logged, reader.user)
    assert any("select" in statement for statement in sent)
    assert not writes(sent)
    assert not [one for one in sent if "advisory_lock" in one or "get_lock" in one]

    assert pod.run("default").code == 5
    assert "create" in writes(statements(logged, reader.user))


def test_check_names_what_is_pending_and_what_the_image_does_not_know(
    pod: Pod, server: DatabaseServer
) -> None:
    """In any mixture: one release behind, up to date, and one release back."""
    database = a_database(server)
    pod.install("1.4")
    publish(pod, database)
    assert pod.run("default").code == 0

    pod.install("1.5")
    behind = pod.run("default", "--check").report
    assert (behind["pending"], behind["pendingCount"]) == ([f"orders.{EXPRESS}"], 1)
    assert pod.run("default").code == 0
    level = pod.run("default", "--check").report
    assert (level["pending"], level["aheadCount"], level["exit"]) == ([], 0, 0)

    pod.install("1.4")
    ahead = pod.run("default", "--check").report
    assert (ahead["pendingCount"], ahead["ahead"]) == (0, [f"orders.{EXPRESS}"])


def test_check_tells_tables_that_are_missing_from_those_that_are_pending(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """Exit 9 for the recorded ones alone; what a pending migration makes is not missing."""
    first, second = a_database(postgres), a_database(postgres)
    aliases = [first.alias("default"), second.alias("users")]
    sources = first.sources("default") | second.sources("users")
    all_to_default = a_policy("p", a_rule("default", "*"))
    pod.publish(aliases, [all_to_default], sources=sources)
    assert pod.run("users", "--app=customers").code == 0

    pod.publish(aliases, [a_policy("p", a_rule("users", "customers", "orders"))], sources=sources)
    refused = pod.run("users", "--check")

    assert (refused.code, refused.report["reason"]) == (9, "MissingTables")
    assert refused.report["missingTables"] == ["customers_customer"]
    assert "orders.0001_initial" in refused.output  # of a long list the report has the beginning


def test_check_takes_no_lock_and_waits_for_none(
    nursery: Nursery, server: DatabaseServer, tmp_path: Path
) -> None:
    """A migration that runs is not disturbed, and does not hold it up."""
    nursery.publish(a_database(server))
    migration = nursery.start(tmp_path / "migration", "0001_atomic during")
    migration.wait_at_gate()

    check = nursery.start(tmp_path / "check", "", "--check", "--lock-timeout=1")

    assert check.end() == 0, check.log
    assert check.report is not None
    assert check.report.pending_count > 0
    assert migration.report is not None
    assert migration.report.current == "steps.0001_atomic"
    assert migration.end() == 0, migration.log


@pytest.mark.parametrize("gate", STATES)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_check_that_is_asked_to_stop_or_killed_leaves_nothing_behind(
    nursery: Nursery, postgres: DatabaseServer, tmp_path: Path, gate: str, signum: signal.Signals
) -> None:
    """Its report says how far it came, and the next one finds all as it was."""
    database = a_database(postgres)
    nursery.publish(database)
    run = nursery.start(tmp_path / "run", gate, "--check")
    run.wait_at_gate()
    run.send(signum)
    code = run.end()
    again = nursery.start(tmp_path / "again", "", "--check")

    ended = (7, "stopped") if signum is signal.SIGTERM else (-signum, STATES[gate])
    assert run.report is not None
    assert (code, run.report.state) == ended, run.log
    assert database.tables == set()
    assert again.end() == 0, again.log
