"""Statements for an administrator who drops what was retained: we never drop it unasked."""

from __future__ import annotations

import re

from dbalias.api.server import ServerEngine
from dbalias.servers.mysql import statements as mysql
from dbalias.servers.mysql.claims import DATABASE
from dbalias.servers.names import RoleNames
from dbalias.servers.postgresql import statements as postgresql

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


def removal(engine: ServerEngine, database: str, names: RoleNames) -> tuple[str, ...]:
    """Return how to drop a database and the roles that were made for it, in order."""
    pairs = (names.logins, names.readers)
    logins = [login for pair in pairs for login in (pair.a, pair.b)]
    if engine is ServerEngine.POSTGRESQL:
        roles = [*logins, names.owner]
        return (postgresql.drop_database(database), *map(postgresql.drop_role, roles))
    users = ", ".join(map(mysql.account, logins))
    claimed = ", ".join(map(_text, logins))
    return (
        f"DROP DATABASE IF EXISTS {mysql.identifier(database)}",
        f"DROP USER IF EXISTS {users}",
        f"DELETE FROM {DATABASE}.logins WHERE login IN ({claimed})",  # noqa: S608 - quoted
        f"DELETE FROM {DATABASE}.claims WHERE `database` = {_text(database)}",  # noqa: S608 - quoted
    )


def _text(value: str) -> str:
    """Return a value that a person can read where that is as safe."""
    return f"'{value}'" if _PLAIN.fullmatch(value) else mysql.literal(value)
