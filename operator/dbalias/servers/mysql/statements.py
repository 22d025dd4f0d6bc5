"""Texts of statements for MySQL and MariaDB: names and values are quoted here and nowhere else.

Names stand in backticks, which every sql_mode reads alike; values are hexadecimal, so that
neither a quote nor a backslash nor ``NO_BACKSLASH_ESCAPES`` changes what is read. ``Quoted`` lets
the type checker see that nothing else goes into a text.
"""

from __future__ import annotations

import re
from typing import NewType

Quoted = NewType("Quoted", str)

_HASH = re.compile(r"[A-Za-z0-9./$*]+")


def compose(text: str, *parts: Quoted) -> str:
    """Return a statement with its ``{}`` filled in."""
    return text.format(*parts)


def identifier(name: str) -> Quoted:
    """Return a name quoted; a NUL, which no name may hold, is refused."""
    if "\0" in name:
        raise ValueError("a name on a server holds no NUL")
    return Quoted("`" + name.replace("`", "``") + "`")


def literal(text: str) -> Quoted:
    """Return a text quoted."""
    return Quoted(f"_utf8mb4 x'{text.encode().hex()}'")


def number(value: int) -> Quoted:
    """Return a number, or a truth as one."""
    return Quoted(str(int(value)))


def account(login: str) -> Quoted:
    """Return a login as it is known from every host."""
    return Quoted(identifier(login) + "@`%`")


def grant_pattern(database: str) -> str:
    """Return a database's name as a grant reads it: a pattern, whose wildcards are escaped.

    Without that a grant on ``shop_a`` would open ``shopXa`` as well.
    """
    return re.sub(r"([\\%_])", r"\\\1", database)


def everything_in(database: str) -> Quoted:
    """Return what a grant for a whole database is given on."""
    return Quoted(identifier(grant_pattern(database)) + ".*")


def password_hash(text: str) -> Quoted:
    """Return a password's hash quoted; both servers want a plain literal in its place."""
    if not _HASH.fullmatch(text):
        raise ValueError("a password's hash holds letters, digits and ./$* alone")
    return Quoted(f"'{text}'")
