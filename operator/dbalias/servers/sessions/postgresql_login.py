"""Logging in to PostgreSQL, and why it was refused.

libpq does not tell the SQLSTATE of a login's failure, only words in the server's language. So a
failed login is tried once more, with libpq's own record of the messages: that has the code.
"""

from __future__ import annotations

import os
import re
import select

from psycopg import conninfo, pq
from psycopg.pq.abc import PGconn

from dbalias.api.alias import TLSMode
from dbalias.servers.address import Address
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.sessions import postgresql_faults, reach
from dbalias.servers.sessions.words import build_fault, build_silence
from dbalias.servers.threads import Watch
from dbalias.servers.tls import NOWHERE, Files, written

_SLICE = 0.2
"""Seconds until an unanswered login looks whether it was cut."""
_REFUSED = re.compile(r'^B\t\d+\tErrorResponse\t.* V "\w+" C "([0-9A-Z]{5})"', re.MULTILINE)
_TLS_OFFERED = re.compile(r"^B\t1\tSSLResponse\t S$", re.MULTILINE)
_ANSWERED = re.compile(r"^B\t\d+\t(?!SSLResponse)", re.MULTILINE)
_NO_DATABASE = "3D000"


def log_in(address: Address, database: str, watch: Watch) -> PGconn:
    """Return a connection that is logged in, or raise ServerFaultError."""
    with written(address.tls) as files:
        words = _conninfo(address, database, files)
        connection = pq.PGconn.connect_start(words)
        if _poll(connection, watch):
            return connection
        connection.finish()
        if not _is_over(watch):
            reach.open_socket(address, watch.remaining).close()
            return _log_in_recorded(address, database, words=words, watch=watch)
    raise build_silence(address)


def ignore_environment() -> None:
    """Forget libpq's variables: a time zone or a service of that name would end every login."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def _conninfo(address: Address, database: str, files: Files) -> bytes:
    # Resolved here: libpq would do it, and the driver holds every other thread meanwhile.
    places = [str(place[0]) for _, place in reach.resolve(address)]
    try:
        password = address.password.reveal().decode()
    except UnicodeDecodeError:
        raise build_fault(Fault.LOGIN_REFUSED, address, says="the password is no UTF-8") from None
    text = conninfo.make_conninfo(
        "",
        host=",".join(address.host for _ in places),
        hostaddr=",".join(places),
        port=",".join(str(address.port) for _ in places),
        user=address.user,
        password=password,
        dbname=database,
        application_name="dbalias",
        client_encoding="UTF8",
        sslmode=address.tls.effective_mode.value,
        sslrootcert=str(files.ca),
        sslcert=str(files.certificate),
        sslkey=str(files.key),
        sslcrl=str(NOWHERE),
        passfile=str(NOWHERE),
        gssencmode="disable",
        require_auth="scram-sha-256,md5,password,none",
        keepalives_idle=30,
    )
    return text.encode()


def _is_over(watch: Watch) -> bool:
    return watch.was_cut or watch.remaining() <= 0


def _log_in_recorded(address: Address, database: str, *, words: bytes, watch: Watch) -> PGconn:
    connection = pq.PGconn.connect_start(words)
    # In memory alone, and forgotten at once: it may hold what the server asked for.
    record = os.memfd_create("dbalias")
    try:
        connection.trace(record)
        connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        if _poll(connection, watch):
            connection.untrace()
            return connection
        connection.untrace()  # It writes what it still holds back.
        has_no_password = connection.needs_password
        connection.finish()
        if _is_over(watch):
            raise build_silence(address)
        if has_no_password:
            raise build_fault(Fault.LOGIN_REFUSED, address, says="the password is empty")
        raise _why(address, database, os.pread(record, 1 << 20, 0).decode(errors="replace"))
    finally:
        os.close(record)


def _poll(connection: PGconn, watch: Watch) -> bool:
    """Go through the login's steps; tell whether it succeeded."""
    state = pq.PollingStatus.WRITING  # First of all until there is a connection to write to.
    while connection.status != pq.ConnStatus.BAD and not _is_over(watch):
        poller = select.poll()
        reads = state == pq.PollingStatus.READING
        poller.register(connection.socket, select.POLLIN if reads else select.POLLOUT)
        if not poller.poll(1000 * max(0.0, min(_SLICE, watch.remaining()))):
            continue
        state = pq.PollingStatus(connection.connect_poll())
        if state == pq.PollingStatus.FAILED:
            break
        if state == pq.PollingStatus.OK:
            connection.nonblocking = 1
            return True
    return False


def _why(address: Address, database: str, record: str) -> ServerFaultError:
    """Read the cause from libpq's record of the messages."""
    if codes := _REFUSED.findall(record):
        code = codes[-1]
        if code == _NO_DATABASE:
            return ServerFaultError(
                Fault.CHANGED,
                f"{address} has no database {database}: it was dropped, or spec.database names "
                "one that does not exist",
            )
        fault = postgresql_faults.fault_of(code)
        return build_fault(
            fault if fault is not Fault.STATEMENT else Fault.LOGIN_REFUSED,
            address,
            code=postgresql_faults.name_of(code),
            says="logging in",
        )
    wants_tls = address.tls.effective_mode not in (TLSMode.DISABLE, TLSMode.PREFER)
    if not _ANSWERED.search(record) and (wants_tls or _TLS_OFFERED.search(record)):
        return build_fault(Fault.CERTIFICATE, address, says="logging in")
    return build_fault(Fault.UNREACHABLE, address, says="logging in")
