"""How a run can end, and what is said about a database that cannot be reached.

Nothing here repeats a driver's message, for it may carry values: messages name host, port and
user, the driver's code, and what to check.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

_PROBE_SECONDS = 3.0
_MYSQL_LOGIN = frozenset({1044, 1045, 1130, 1251, 1698, 1862, 2059, 3118, 4151})
_MYSQL_NO_DATABASE = 1049
_MYSQL_BROKEN = frozenset({1053, 1927, 2006, 2013, 2055, 4031})
_PG_LOGIN = re.compile(
    r"authentication failed|pg_hba\.conf|no password supplied|not permitted to log in"
    r"|role \"[^\n]*\" does not exist"
)
_PG_NO_DATABASE = re.compile(r"FATAL: +database \"[^\n]*\" does not exist")


class Exit(IntEnum):
    """Exit codes; the operator decides by them what happens next."""

    DONE = 0
    CONFIGURATION = 2
    LOCK = 3
    UNREACHABLE = 4
    MIGRATION = 5
    AUDIT = 6
    STOPPED = 7
    LOGIN = 8
    MISSING_TABLES = 9
    COMMAND = 10
    PLAN = 11
    POOLER = 12
    HALFWAY = 13


REASONS: Mapping[Exit, str] = {
    Exit.DONE: "Migrated",
    Exit.CONFIGURATION: "SettingsFailed",
    Exit.LOCK: "LockNotObtained",
    Exit.UNREACHABLE: "DatabaseUnreachable",
    Exit.MIGRATION: "MigrationFailed",
    Exit.AUDIT: "AuditRefused",
    Exit.STOPPED: "Interrupted",
    Exit.LOGIN: "LoginRefused",
    Exit.MISSING_TABLES: "MissingTables",
    Exit.COMMAND: "CommandFailed",
    Exit.PLAN: "PlanSuperseded",
    Exit.POOLER: "PoolerInTheWay",
    Exit.HALFWAY: "MigrationInterrupted",
}
"""The operator's word (a condition's reason) for each exit code."""


class RunError(Exception):
    """The run ends here: an exit code and one line for people, without secrets."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def open_connection(connection: Any, *, patience: float = 40.0) -> None:
    """Connect; raise RunError LOGIN, UNREACHABLE or CONFIGURATION when it cannot.

    ``connection`` is a Django database wrapper, ``patience`` is in seconds.
    """
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import DatabaseError, InterfaceError

    try:
        _connect(connection, patience)
    except ImproperlyConfigured as error:  # Django's own words, which hold names alone
        said = f'database "{connection.alias}": {" ".join(str(error).split())}'
        raise RunError(Exit.CONFIGURATION, said) from None
    except (DatabaseError, InterfaceError, OSError, TypeError, ValueError) as error:
        raise _connection_failure(connection, error) from None


def _connect(connection: Any, patience: float) -> None:
    """Connect in a thread of its own: some drivers wait without end for a server's first word."""
    if connection.vendor == "sqlite":  # a file, which says nothing
        connection.ensure_connection()
        return
    raised: list[BaseException] = []

    def connect() -> None:
        try:
            connection.ensure_connection()
        except BaseException as error:
            raised.append(error)

    connection.inc_thread_sharing()
    worker = threading.Thread(target=connect, name="dbalias-connect", daemon=True)
    worker.start()
    worker.join(patience)
    if worker.is_alive():
        settings = connection.settings_dict
        why = _what_is_wrong(settings) or (
            f"accepts connections, and has said nothing for {patience:.0f} s: check that it is a "
            "database server, and whether it hangs"
        )
        said = f'database "{connection.alias}": {_address(settings)} {why}'
        raise RunError(Exit.UNREACHABLE, said)
    connection.dec_thread_sharing()
    if raised:
        raise raised[0]


def is_connection_error(error: BaseException) -> bool:
    """Return whether an error means that a session broke, not that a statement was wrong."""
    from django.db.utils import InterfaceError, OperationalError

    if isinstance(error, InterfaceError):
        return True
    code = code_of(error)
    of_mysql = code.isdigit() and int(code) in _MYSQL_BROKEN
    broken = of_mysql or code.startswith(("08", "57P0"))
    return isinstance(error, OperationalError) and (broken or not code)


def code_of(error: BaseException) -> str:
    """Return the number of MySQL or the SQLSTATE of PostgreSQL behind an error, or ""."""
    cause = error.__cause__ or error
    number = cause.args[0] if cause.args else None
    if isinstance(number, int):
        return str(number)
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")


def _connection_failure(connection: Any, error: BaseException) -> RunError:
    settings = connection.settings_dict
    who = f'database "{connection.alias}": '
    where = _address(settings)
    code, text = code_of(error), str(error)
    if _is_login_error(code, text):
        user = settings.get("USER") or "no user"
        return RunError(
            Exit.LOGIN,
            f"{who}{where} refuses the login as {user}{_in_brackets(code)}: check user and "
            "password in the Secret, and which hosts and databases the server lets it use",
        )
    if code in {"3D000", str(_MYSQL_NO_DATABASE)} or _PG_NO_DATABASE.search(text):
        return RunError(
            Exit.UNREACHABLE,
            f"{who}{where} answers, and has no database {settings.get('NAME')}: create it, or "
            "correct the name",
        )
    if isinstance(error, (TypeError, ValueError)) or type(error).__name__ == "ProgrammingError":
        options = ", ".join(sorted(settings.get("OPTIONS") or {})) or "none"
        return RunError(
            Exit.CONFIGURATION,
            f"{who}the driver refuses the connection settings ({type(error).__name__}): check "
            f"the OPTIONS (set: {options})",
        )
    if connection.vendor == "sqlite":
        return RunError(
            Exit.UNREACHABLE,
            f"{who}the file {settings.get('NAME')} cannot be opened: check its path, whether its "
            "volume is mounted, and who may write there",
        )
    why = _what_is_wrong(settings, code) or (
        f"accepts connections, but opens no session{_in_brackets(code)}: it may be starting, "
        "full, or want other TLS settings"
    )
    return RunError(Exit.UNREACHABLE, f"{who}{where} {why}")


def _is_login_error(code: str, text: str) -> bool:
    if code.isdigit() and int(code) in _MYSQL_LOGIN:
        return True
    return code.startswith("28") or bool(_PG_LOGIN.search(text))


def _address(settings: Mapping[str, Any]) -> str:
    host = settings.get("HOST") or "the local socket"
    port = settings.get("PORT")
    return f"{host}:{port}" if port else str(host)


def _in_brackets(code: str) -> str:
    return f" (error {code})" if code else ""


def _what_is_wrong(settings: Mapping[str, Any], code: str = "") -> str:
    """Look at the network itself: drivers word the same failure in many ways.

    Nothing when the address accepts connections.
    """
    host, port = str(settings.get("HOST") or ""), str(settings.get("PORT") or "")
    if not host or host.startswith("/") or "," in host:
        return f"cannot be reached{_in_brackets(code)}: check host and port, and whether it hangs"
    default = "5432" if "postg" in settings["ENGINE"] else "3306"
    try:
        address = socket.getaddrinfo(host, int(port or default), type=socket.SOCK_STREAM)[0]
    except OSError:
        return "cannot be found: the host does not resolve; check the host, and DNS"
    with contextlib.closing(socket.socket(address[0], address[1])) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(address[4])
        except ConnectionRefusedError:
            return "refuses the connection: nothing listens on this port; check host and port"
        except OSError:
            return (
                "does not answer: check host, port, network policies, and whether the server runs"
            )
    return ""
