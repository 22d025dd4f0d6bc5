"""Replicas of database servers, which take no writes until they are promoted.

Each follows a server that runs, under the same administrator. `follow` comes before anything that
the replica is to have; from then on the source confirms nothing that the replica has not received
(MySQL excepted, which would need a plugin for that).
"""

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Self

from localkube.database_process import DatabaseServer, find_program
from localkube.databases import MariaDBServer, PostgresServer
from localkube.errors import LocalkubeError
from localkube.mysql_server import MySQLServer

SOURCE_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"synchronous_commit": "on"},
    "mariadb": {
        "log-bin": "binlog",
        "server-id": "1",
        "rpl-semi-sync-master-enabled": "ON",
        # By default it waits ten seconds, also as it starts, and confirms then what nobody has.
        "rpl-semi-sync-master-timeout": "600000",
        "rpl-semi-sync-master-wait-no-slave": "OFF",
    },
    "mysql": {"server-id": "1"},
}
"""What a server is started with that shall have a replica, by its kind."""
_PATIENCE_SECONDS = 180.0


class Replica(DatabaseServer):
    """A server that follows another one."""

    @abstractmethod
    def follow(self) -> Self:
        """Receive from now on what the other one does."""

    @abstractmethod
    def catch_up(self) -> None:
        """Wait until all is done that the server has done, which still runs."""

    @abstractmethod
    def promote(self) -> None:
        """Take writes from now on; the process and its sessions go on."""


class PostgresStandby(PostgresServer, Replica):
    """A hot standby, made by pg_basebackup of a server that runs."""

    def __init__(self, directory: Path, *, of: PostgresServer) -> None:
        super().__init__(directory, listen=of.listen, settings=of.settings)
        self.admin_password = of.admin_password
        self.source = of

    def follow(self) -> Self:
        """Let the server wait for this one before it confirms a commit."""
        self.source.admin_sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.source.admin_sql("SELECT pg_reload_conf()")
        waits = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        _wait_until(lambda: bool(self.source.admin_sql(waits)), "following")
        return self

    def catch_up(self) -> None:
        """Wait until all is done that the server has done: it confirms what is only received."""
        [(place,)] = self.source.admin_sql("SELECT pg_current_wal_lsn()::text")
        done = "SELECT 1 WHERE pg_last_wal_replay_lsn() >= %s::pg_lsn"
        _wait_until(lambda: bool(self.admin_sql(done, [place])), "catching up")

    def promote(self) -> None:
        """Take writes from now on."""
        self.admin_sql("SELECT pg_promote(false)")
        promoted = "SELECT 1 WHERE NOT pg_is_in_recovery()"
        _wait_until(lambda: bool(self.admin_sql(promoted)), "being promoted")

    def _initialise(self, data: Path) -> None:
        source = self.source
        place = f"host={source.host} port={source.port} user={source.admin_user}"
        self._run(
            [
                find_program("pg_basebackup", "postgresql"),
                *("-D", str(data), "--dbname", f"{place} password={source.admin_password}"),
                *("--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"),
            ]
        )


class MariaDBReplica(MariaDBServer, Replica):
    """A replica that is read-only to all but its superuser, with semi-synchronous replication."""

    own_settings: ClassVar[Mapping[str, str]] = {
        "server-id": "2",
        "rpl-semi-sync-slave-enabled": "ON",
    }
    place = "SHOW MASTER STATUS"
    change = (
        "CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, "
        "MASTER_PASSWORD = %s, MASTER_LOG_FILE = %s, MASTER_LOG_POS = %s"
    )
    word = "SLAVE"
    lock = "SET GLOBAL read_only = ON"
    confirms = "SHOW STATUS WHERE Variable_name = 'Rpl_semi_sync_master_status' AND Value = 'ON'"
    """Has a row once the source waits for its replica, or where it never does."""

    def __init__(self, directory: Path, *, of: MariaDBServer) -> None:
        super().__init__(directory, listen=of.listen, settings=self.own_settings)
        self.admin_password = of.admin_password
        self.source = of

    def follow(self) -> Self:
        """Do what the server does from now on, and take no other writes."""
        source = self.source
        [(log, position, *_)] = source.admin_sql(self.place)
        login = (source.host, source.port, source.admin_user, source.admin_password)
        self.admin_sql(self.change, [*login, log, position])
        self.admin_sql(f"START {self.word}")
        self.admin_sql(self.lock)
        _wait_until(lambda: self._status()[10] == "Yes", "following")
        _wait_until(lambda: bool(source.admin_sql(self.confirms)), "being waited for")
        return self

    def catch_up(self) -> None:
        """Wait until all is done that the server has done, which still runs."""
        [(log, position, *_)] = self.source.admin_sql(self.place)
        _wait_until(lambda: self._done() == (log, position), "catching up")

    def promote(self) -> None:
        """Do the rest of what was received, and take writes from now on."""
        self.admin_sql(f"STOP {self.word} IO_THREAD")
        _wait_until(lambda: self._done() == self._status()[5:7], "doing what was received")
        self.admin_sql(f"STOP {self.word}")
        self.admin_sql("SET GLOBAL read_only = OFF")

    def _done(self) -> tuple[object, ...]:
        """Return log and position of the source up to which everything is done."""
        status = self._status()
        return status[9], status[21]

    def _status(self) -> tuple[object, ...]:
        # Both servers have the same columns so far; the eleventh says whether it is connected.
        return self.admin_sql(f"SHOW {self.word} STATUS")[0]


class MySQLReplica(MariaDBReplica, MySQLServer):
    """A replica that is read-only even to its superuser."""

    own_settings: ClassVar[Mapping[str, str]] = {"server-id": "2"}
    place = "SHOW BINARY LOG STATUS"
    change = (
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s, "
        "SOURCE_PASSWORD = %s, SOURCE_LOG_FILE = %s, SOURCE_LOG_POS = %s, "
        "GET_SOURCE_PUBLIC_KEY = 1"
    )
    word = "REPLICA"
    lock = "SET GLOBAL super_read_only = ON"
    confirms = "SELECT 1"


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise LocalkubeError(f"{what} takes a replica more than {_PATIENCE_SECONDS:.0f} s")
        time.sleep(0.05)
