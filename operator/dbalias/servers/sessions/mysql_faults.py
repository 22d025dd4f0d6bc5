"""Which error number of MySQL or MariaDB is which fault."""

from __future__ import annotations

from collections.abc import Mapping

from pymysql.constants import ER

from dbalias.servers.faults import Fault

_NUMBERS: Mapping[Fault, frozenset[int]] = {
    # Gone, shutting down, killed, this host blocked after too many broken attempts.
    Fault.UNREACHABLE: frozenset(
        {1053, 1077, 1079, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2005}
        | {2006, 2013, 2055, 4031}
    ),
    # Lock wait, max_statement_time (MariaDB), interrupted, max_execution_time (MySQL).
    Fault.TIMED_OUT: frozenset({1205, 1317, 1969, 3024}),
    # Password, host, plugin, expired or locked account, TLS demanded of the account.
    Fault.LOGIN_REFUSED: frozenset(
        {1045, 1130, 1251, 1524, 1698, 1820, 1862, 2049, 2059, 2061, 3118, 3159, 4151}
    ),
    Fault.CERTIFICATE: frozenset({2026}),
    # --read-only and its like, a read-only transaction, read-only mode.
    Fault.READ_ONLY: frozenset({1290, 1792, 1836}),
    # Connections of the server or of the user; disk; memory.
    Fault.FULL: frozenset({1021, 1037, 1038, 1040, 1041, 1114, 1203, 1226}),
    Fault.PRIVILEGE: frozenset({1044, 1095, 1142, 1143, 1227, 1370, 1419, 1873}),
    # Exists or is gone, of databases, users and rows; a grant to nobody; a deadlock.
    Fault.CHANGED: frozenset(
        {1007, 1008, 1049, 1050, 1062, 1133, 1141, 1146, 1213, 1269, 1396, 1410}
    ),
}
_BY_NUMBER = {number: fault for fault, numbers in _NUMBERS.items() for number in numbers}
_NAMES = {number: name for name, number in vars(ER).items() if isinstance(number, int)}


def fault_of(number: int) -> Fault:
    """Return the fault that an error number stands for."""
    return _BY_NUMBER.get(number, Fault.STATEMENT)


def name_of(number: int) -> str:
    """Return an error number with its name: ``1007 DB_CREATE_EXISTS``."""
    return f"{number} {_NAMES.get(number, '')}".rstrip()
