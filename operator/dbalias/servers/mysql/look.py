"""The rows that one survey reads, by what they are looked up by.

A list is one parameter, which PyMySQL writes in parentheses; it must not be empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from dbalias.servers.mysql.flavour import Flavour
from dbalias.servers.mysql.found import Schema, User
from dbalias.servers.mysql.grants import COLUMNS, granted
from dbalias.servers.plot import Session

Names = tuple[str, ...]

_SCHEMAS = (
    "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME "
    "FROM information_schema.SCHEMATA WHERE "
)


def read_schemas(session: Session, names: Names, flavour: Flavour) -> dict[str, Schema]:
    """Return those of the databases that exist."""
    # MariaDB opens the folder of every database for a list, and for one name that one alone.
    if len(names) == 1:
        rows = session.fetch(_SCHEMAS + "SCHEMA_NAME = %s", names)
    else:
        rows = session.fetch(_SCHEMAS + "SCHEMA_NAME IN %s", (names,))
    found = {
        str(name).lower() if flavour.lowers_names else str(name): (str(charset), str(collation))
        for name, charset, collation in rows
    }
    filled = _read_filled(session, tuple(found)) if found else frozenset()
    return {
        name: Schema(charset, collation, is_empty=name not in filled)
        for name, (charset, collation) in found.items()
    }


def read_users(session: Session, logins: Names) -> dict[str, User]:
    """Return those of the logins that exist, known from every host."""
    rows = session.fetch(
        "SELECT User, ssl_type, max_user_connections FROM mysql.user "
        "WHERE Host = '%%' AND User IN %s",
        (logins,),
    )
    return {str(login): User(str(tls), int(str(limit))) for login, tls, limit in rows}


def read_privileges(session: Session, logins: Names) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return what the logins may do, by login and the pattern of databases' names."""
    rows = session.fetch(
        " ".join(("SELECT User, Db,", COLUMNS, "FROM mysql.db WHERE Host = '%%' AND User IN %s")),
        (logins,),
    )
    return {(str(login), str(pattern)): granted(flags) for login, pattern, *flags in rows}


def read_connections(session: Session, logins: Names) -> Mapping[str, list[int]]:
    """Return the logins' open connections; the server shows them to who has PROCESS."""
    rows = session.fetch(
        "SELECT USER, ID FROM information_schema.PROCESSLIST WHERE USER IN %s",
        (logins,),
    )
    found: dict[str, list[int]] = defaultdict(list)
    for login, connection in rows:
        found[str(login)].append(int(str(connection)))
    return found


def _read_filled(session: Session, names: Names) -> frozenset[str]:
    """Return those of the databases in which something is."""
    rows = session.fetch(
        "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_SCHEMA IN %s "
        "UNION SELECT ROUTINE_SCHEMA FROM information_schema.ROUTINES "
        "WHERE ROUTINE_SCHEMA IN %s "
        "UNION SELECT EVENT_SCHEMA FROM information_schema.EVENTS "
        "WHERE EVENT_SCHEMA IN %s",
        (names, names, names),
    )
    return frozenset(str(name) for (name,) in rows)
