"""One session on MySQL or MariaDB."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import pymysql

from dbalias.api.alias import TLSMode
from dbalias.servers.address import Address
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.plot import Step
from dbalias.servers.sessions import mysql_faults
from dbalias.servers.sessions.reach import is_quiet, open_socket
from dbalias.servers.sessions.steps import carry_out
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.sessions.words import build_fault, build_silence
from dbalias.servers.threads import Watch
from dbalias.servers.tls import build_context, unverified

_SQL_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
"""Ours, whatever the server's is: it decides what a backslash and a double quote mean."""

_SETTINGS = (
    "SET SESSION lock_wait_timeout = {lock}, SESSION innodb_lock_wait_timeout = {lock}"
    ", SESSION wait_timeout = {silence}, SESSION net_read_timeout = {silence}"
    "/*M! , SESSION max_statement_time = {long}"
    ", SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_CREATE_USER') */"
)
"""The last two are for MariaDB alone: a statement that was cut ends on the server too, and a
grant to a login that somebody dropped meanwhile does not make it, open to all without a password.
"""
_GIVEN_UP = "/*M! SET STATEMENT max_statement_time = {lock} FOR */ "
"""MariaDB keeps logins in tables whose locks know no lock_wait_timeout: minutes may pass."""


class _Connection(pymysql.Connection):
    """The driver's, which reads all the system's CAs for TLS that verifies nothing: 40 ms."""

    def _create_ssl_ctx(self, given: object) -> ssl.SSLContext:
        return given if isinstance(given, ssl.SSLContext) else unverified()


class MySQLSession:
    """A login with a fixed sql_mode, so that quoting means everywhere the same."""

    def __init__(
        self, address: Address, database: str | None, *, watch: Watch, timeouts: Timeouts
    ) -> None:
        self._address = address
        self._watch = watch
        self._timeouts = timeouts
        watch.allow(timeouts.connect)
        self._connection = self._prepare(database or address.database)
        own = open_socket(address, watch.remaining)
        # The driver wraps its socket for TLS, and closes it: only a duplicate can be cut.
        watch.guard(own.dup())
        self._number = own.fileno()
        try:
            self._connection.connect(own)
        except Exception as error:
            # Whatever listens there may say anything: no exception of its parsing is ours.
            watch.release()
            raise self._why(error) from None
        finally:
            watch.done()

    def fetch(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return the rows of one statement."""
        return self._execute(text, parameters, says="looking at the server")

    def run(self, step: Step) -> None:
        """Carry out one step."""
        given_up = _GIVEN_UP.format(lock=self._timeouts.lock)

        def execute(text: str) -> None:
            prefix = "" if self._timeouts.is_long(text) else given_up
            self._execute(prefix + text, says=step.says)

        carry_out(step, execute)

    def is_alive(self) -> bool:
        """Tell, without asking it, whether the server still holds this session."""
        return self._connection.open and is_quiet(self._number)

    def close(self) -> None:
        """End the session."""
        if self._connection.open:
            self._connection.close()
        self._watch.release()

    def _prepare(self, database: str | None) -> _Connection:
        tls = self._address.tls
        try:
            context = build_context(tls)
        except (ssl.SSLError, ValueError):
            raise build_fault(
                Fault.CERTIFICATE, self._address, says="reading the certificates"
            ) from None
        return _Connection(
            defer_connect=True,
            host=self._address.host,
            port=self._address.port,
            user=self._address.user,
            password=self._address.password.reveal(),
            database=database,
            charset="utf8mb4",
            autocommit=True,
            sql_mode=_SQL_MODE,
            init_command=_SETTINGS.format(
                lock=self._timeouts.lock,
                silence=self._timeouts.silence,
                long=self._timeouts.long,
            ),
            program_name="dbalias",
            ssl=context,
            ssl_disabled=tls.effective_mode is TLSMode.DISABLE,
        )

    def _execute(
        self, text: str, parameters: Sequence[object] = (), *, says: str
    ) -> list[tuple[object, ...]]:
        self._watch.allow(self._timeouts.of(text))
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(text, tuple(parameters) or None)
                return list(cursor.fetchall())
        except pymysql.Error as error:
            raise self._fault(error, says=says) from None
        finally:
            self._watch.done()

    def _why(self, error: Exception) -> ServerFaultError:
        """Tell why no session was opened."""
        if self._watch.was_cut:
            return build_silence(self._address)
        if isinstance(error, RuntimeError):
            # The driver has no RSA of its own, which a password without TLS would need.
            return ServerFaultError(
                Fault.CERTIFICATE,
                f"{self._address} wants TLS for this login's way to authenticate: set "
                "spec.tls.mode to require or stricter",
            )
        if isinstance(getattr(error, "original_exception", error.__context__), ssl.SSLError):
            return build_fault(Fault.CERTIFICATE, self._address, says="logging in")
        if isinstance(error, pymysql.Error):
            return self._fault(error, says="logging in")
        return build_fault(Fault.UNREACHABLE, self._address, says="logging in")

    def _fault(self, error: pymysql.Error, *, says: str) -> ServerFaultError:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        fault = Fault.TIMED_OUT if self._watch.was_cut else mysql_faults.fault_of(number)
        code = mysql_faults.name_of(number) if number else ""
        return build_fault(fault, self._address, code=code, says=says)
