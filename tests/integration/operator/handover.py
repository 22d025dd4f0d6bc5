"""Passwords under way on two servers at once when their operator is stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pymysql

from integration.operator.objects import made_alias, secret, server
from integration.operator.operating import Operator, wait_until
from integration.operator.workbench import Space
from integration.provisioning.logins import can_make_a_table, decoded
from localkube.databases import DatabaseServer

EACH = 4
"""Aliases on each server: all but one have their password, and wait for the one session there."""
LOCK = {
    "postgresql": "LOCK TABLE pg_catalog.pg_authid IN SHARE MODE",
    "mariadb": "LOCK TABLES mysql.global_priv READ",
}
"""Lets everybody log in, and nobody set a password."""
WAITING = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE application_name = 'dbalias' "
    "AND wait_event_type = 'Lock'",
    "mariadb": "SELECT 1 FROM information_schema.processlist "
    "WHERE state LIKE 'Waiting for table%%lock'",
}


@dataclass(frozen=True, slots=True)
class Handover:
    """A namespace with aliases on two servers, whose logins are to be replaced."""

    space: Space
    databases: tuple[DatabaseServer, ...]

    @property
    def names(self) -> list[str]:
        """The aliases."""
        return [f"made-{one.engine}{n}" for one in self.databases for n in range(EACH)]

    def provision(self) -> None:
        """Have everything made, both logins of each alias too, with one session at a time."""
        for one in self.databases:
            login = secret(one.engine, username=one.admin_user, password=one.admin_password)
            admin = {"secretRef": {"name": one.engine}, "preset": "BasicAuth"}
            fields = {"adminCredentials": admin, "maxConnections": 1}
            declared = server(one.engine, one.engine, port=one.port, **fields)
            aliases = [made_alias(f"{one.engine}{n}", on=one.engine) for n in range(EACH)]
            self.space.apply(login, declared, *aliases)
        for name in self.names:
            self.space.wait_for("dba", name, reason="Provisioned", wanted="Provisioned")
        self._ask("2026-01-01T00:00:00Z")
        self.wait_for_logins("2026-01-01T00:00:00Z")

    def wait_for_logins(self, request: str) -> None:
        """Wait until every alias has published the login that was asked for."""
        wait_until(lambda: self._is_done(request), what="other logins")

    def stop_in_the_middle(self, operator: Operator, request: str) -> None:
        """Ask for other logins, and stop the operator while it sets their passwords."""
        with ExitStack() as locks:
            for one in self.databases:
                locks.enter_context(locked(one))
            self._ask(request)
            wait_until(lambda: all(map(waits, self.databases)), what="passwords are being set")
            time.sleep(1)  # the other aliases decide on theirs meanwhile
            os.kill(operator.process.pid, signal.SIGSTOP)

    def _ask(self, request: str) -> None:
        annotation = f"dbalias.dev/rotate-requested-at={request}"
        where = ("--all", "--overwrite", "-n", self.space.name)
        self.space.bench.kubectl("annotate", "databasealias", *where, annotation)

    def _is_done(self, request: str) -> bool:
        handled = {
            (one.get("status") or {}).get("lastHandledRotateRequest")
            for one in self.space.all("dba")
        }
        return handled == {request}

    def broken(self) -> list[str]:
        """Return the aliases whose published login does not open the database."""
        bodies = {name: self.space.get("secret", f"{name}-binding") for name in self.names}
        return [
            name
            for name, body in bodies.items()
            if body is None or not can_make_a_table(decoded(body))
        ]


def waits(database: DatabaseServer) -> bool:
    """Tell whether a statement of the operator waits for the lock."""
    return bool(database.admin_sql(WAITING[database.engine], []))


@contextmanager
def locked(database: DatabaseServer) -> Iterator[None]:
    """Let nobody set a password."""
    place: dict[str, Any] = {
        "host": database.host,
        "port": database.port,
        "user": database.admin_user,
        "password": database.admin_password,
    }
    opened: Any
    if database.engine == "postgresql":
        opened = psycopg.connect(**place, dbname="postgres")
    else:
        opened = pymysql.connect(**place)
    with closing(opened), opened.cursor() as cursor:
        cursor.execute(LOCK[database.engine])
        yield
