"""One session on PostgreSQL."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from functools import partial

import psycopg

from dbalias.servers.address import Address
from dbalias.servers.faults import Fault
from dbalias.servers.plot import Step
from dbalias.servers.sessions import postgresql_faults
from dbalias.servers.sessions.postgresql_login import log_in
from dbalias.servers.sessions.reach import is_quiet
from dbalias.servers.sessions.steps import carry_out
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.sessions.words import build_fault
from dbalias.servers.threads import Watch

_PIN = "SELECT pg_catalog.set_config('search_path', '', false)"
"""First, and alone: until then whoever owns the database says where functions and operators are
looked for, and could have his own run with the administrator's rights.
"""
_SETTINGS = """\
SELECT pg_catalog.set_config(name, setting, false) FROM (VALUES
  ('role', 'none'),
  ('standard_conforming_strings', 'on'),
  ('statement_timeout', %s),
  ('lock_timeout', %s),
  ('idle_in_transaction_session_timeout', %s),
  ('idle_session_timeout', %s),
  ('client_connection_check_interval', '2s')
) AS wanted (name, setting)
WHERE pg_catalog.current_setting(name, true) IS NOT NULL
  AND (name <> 'client_connection_check_interval' OR pg_catalog.version() LIKE '%%linux%%')
  AND (name <> 'role' OR EXISTS (
    SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
      unnest(s.setconfig) AS setting
    WHERE d.datname = current_database() AND s.setrole = 0 AND starts_with(setting, 'role=')))"""
"""The last one is known since PostgreSQL 14, and not everywhere: a statement that was cut ends on
the server too. The role is reset where the database's owner chose as whom everybody acts there: it
might be the owner of another one. What the administrator's own role is set to stays.
"""


class PostgreSQLSession:
    """A login whose search path is empty, so that nobody's names shadow what we mean."""

    def __init__(
        self, address: Address, database: str | None, *, watch: Watch, timeouts: Timeouts
    ) -> None:
        self._address = address
        self._watch = watch
        self._timeouts = timeouts
        watch.allow(timeouts.connect)
        connected = log_in(address, database or address.database or "postgres", watch)
        self._connection = psycopg.Connection[tuple[object, ...]](connected)
        try:
            self._settle()
        except BaseException:
            self.close()
            raise

    def fetch(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return the rows of one statement."""
        return self._execute(text, parameters, says="looking at the server")

    def run(self, step: Step) -> None:
        """Carry out one step."""
        carry_out(step, partial(self._execute, says=step.says))

    def is_alive(self) -> bool:
        """Tell, without asking it, whether the server still holds this session."""
        return not self._connection.closed and is_quiet(self._connection.fileno())

    def close(self) -> None:
        """End the session."""
        self._connection.close()
        self._watch.release()

    def _settle(self) -> None:
        self._connection.prepare_threshold = None
        self._connection.autocommit = True
        self._watch.guard(socket.socket(fileno=os.dup(self._connection.fileno())))
        given = self._timeouts
        seconds = (given.long, given.lock, given.silence, given.silence)
        self.fetch(_PIN)
        self.fetch(_SETTINGS, [f"{int(1000 * number)}ms" for number in seconds])

    def _execute(
        self, text: str, parameters: Sequence[object] = (), *, says: str
    ) -> list[tuple[object, ...]]:
        self._watch.allow(self._timeouts.of(text))
        try:
            cursor = self._connection.execute(text.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            code = postgresql_faults.name_of(error.sqlstate) if error.sqlstate else ""
            raise build_fault(self._fault_of(error), self._address, code=code, says=says) from None
        finally:
            self._watch.done()

    def _fault_of(self, error: psycopg.Error) -> Fault:
        if self._watch.was_cut:
            return Fault.TIMED_OUT
        if error.sqlstate:
            return postgresql_faults.fault_of(error.sqlstate)
        return Fault.UNREACHABLE if self._connection.closed else Fault.STATEMENT
