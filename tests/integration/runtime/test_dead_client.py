"""A run that is killed takes its session along, whatever statement the server is busy with."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from integration.runtime.pod import PATIENCE, Database, Pod, a_database
from localkube.databases import DatabaseServer

WITHIN = 20.0
"""Seconds; the next attempt starts ten after the end of the first."""
QUERIES = {
    "postgresql": "SELECT query FROM pg_stat_activity WHERE usename = %s",
    "mariadb": "SELECT COALESCE(info, '') FROM information_schema.processlist WHERE user = %s",
}


def queries_of(database: Database, server: DatabaseServer) -> list[str]:
    """Return what each session of the database's login does, or did last."""
    return [row[0] for row in server.admin_sql(QUERIES[server.engine], [database.user])]


def wait_until(condition: Callable[[], bool], what: str, *, within: float) -> None:
    """Poll; AssertionError after so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_statement_of_a_killed_run_does_not_keep_its_locks(
    pod: Pod, server: DatabaseServer
) -> None:
    """The migration sleeps for ten minutes; its session and that of the lock end at once."""
    database = a_database(server)
    pod.publish([database.alias("default")], sources=database.sources("default"))
    pod.env |= {"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "600"}
    run = pod.start("default")
    wait_until(
        lambda: "sleep(" in " ".join(queries_of(database, server)).lower(),
        "no sleep",
        within=PATIENCE,
    )

    run.send(signal.SIGKILL)

    wait_until(lambda: not queries_of(database, server), "a session is left", within=WITHIN)
