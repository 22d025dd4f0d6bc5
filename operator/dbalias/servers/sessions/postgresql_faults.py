"""Which SQLSTATE is which fault; a class of codes (two characters) where no code is listed."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from dbalias.servers.faults import Fault

_BY_CODE: Mapping[str, Fault] = {
    "08": Fault.UNREACHABLE,
    "57P01": Fault.UNREACHABLE,  # admin_shutdown
    "57P02": Fault.UNREACHABLE,  # crash_shutdown
    "57P03": Fault.UNREACHABLE,  # cannot_connect_now: it starts
    "57P05": Fault.UNREACHABLE,  # idle_session_timeout
    "25P03": Fault.UNREACHABLE,  # idle_in_transaction_session_timeout
    "57014": Fault.TIMED_OUT,  # query_canceled: statement_timeout
    "55P03": Fault.TIMED_OUT,  # lock_not_available: lock_timeout
    "28": Fault.LOGIN_REFUSED,
    "25006": Fault.READ_ONLY,
    "53": Fault.FULL,
    "42501": Fault.PRIVILEGE,
    "0L": Fault.PRIVILEGE,  # invalid_grantor
    "40": Fault.CHANGED,  # serialization_failure, deadlock_detected
    "23505": Fault.CHANGED,  # two at once wrote the same row of a catalogue
    "3D000": Fault.CHANGED,  # no such database
    "3F000": Fault.CHANGED,  # no such schema
    "42704": Fault.CHANGED,  # no such role
    "42710": Fault.CHANGED,  # the role or extension exists
    "42P04": Fault.CHANGED,  # the database exists
    "42P06": Fault.CHANGED,  # the schema exists
    "55006": Fault.CHANGED,  # in use: the template, or the database to drop
    "2BP01": Fault.IN_USE,  # something depends on the role that is to be dropped
}


def fault_of(code: str) -> Fault:
    """Return the fault that a SQLSTATE stands for."""
    return _BY_CODE.get(code) or _BY_CODE.get(code[:2]) or Fault.STATEMENT


def name_of(code: str) -> str:
    """Return a SQLSTATE with its name: ``42P04 DuplicateDatabase``."""
    try:
        return f"{code} {psycopg.errors.lookup(code).__name__}"
    except KeyError:
        return code
