"""A run that is killed takes its session along, whatever statement the server is busy with."""

from __future__ import annotations

import signal
import time

from integration.runtime.pod import Pod, a_database
from localkube.databases import DatabaseServer, PostgresServer

WITHIN = 20.0
"""Seconds; the next attempt starts ten after the end of the first."""
SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE usename = %s",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE user = %s",
}


def test_statement_of_a_killed_run_does_not_keep_its_locks(
    pod: Pod, server: DatabaseServer
) -> None:
    """The migration sleeps for ten minutes; its session and that of the lock end at once."""
    database = a_database(server)
    pod.publish([database.alias("default")], sources=database.sources("default"))
    pod.env |= {"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "600"}
    run = pod.start("default")
    run.wait_until(lambda report: str(report.get("current")).startswith("slow."))

    run.send(signal.SIGKILL)

    kind = "postgresql" if isinstance(server, PostgresServer) else "mariadb"
    deadline = time.monotonic() + WITHIN
    while left := server.admin_sql(SESSIONS[kind], [database.user])[0][0]:
        assert time.monotonic() < deadline, f"{left} sessions are left"
        time.sleep(0.2)
