"""The privileges of logins in their own database, one by one.

Named singly, not ``ALL``: an administrator who lacks one that a later release adds could not give
them all. An owner's are what ``migrate``, ``RunSQL`` and a dump need, without ``GRANT OPTION``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_COLUMNS = {
    "SELECT": "Select_priv",
    "INSERT": "Insert_priv",
    "UPDATE": "Update_priv",
    "DELETE": "Delete_priv",
    "CREATE": "Create_priv",
    "DROP": "Drop_priv",
    "REFERENCES": "References_priv",
    "INDEX": "Index_priv",
    "ALTER": "Alter_priv",
    "CREATE TEMPORARY TABLES": "Create_tmp_table_priv",
    "LOCK TABLES": "Lock_tables_priv",
    "CREATE VIEW": "Create_view_priv",
    "SHOW VIEW": "Show_view_priv",
    "CREATE ROUTINE": "Create_routine_priv",
    "ALTER ROUTINE": "Alter_routine_priv",
    "EXECUTE": "Execute_priv",
    "EVENT": "Event_priv",
    "TRIGGER": "Trigger_priv",
}
_GRANT_OPTION = "GRANT OPTION"
OWNERS = frozenset(_COLUMNS)
READERS = frozenset({"SELECT", "SHOW VIEW"})
COLUMNS = ", ".join([*_COLUMNS.values(), "Grant_priv"])
"""The columns of ``mysql.db`` that ``granted`` reads, in order."""


def granted(flags: Sequence[object]) -> frozenset[str]:
    """Return the privileges of one row of ``mysql.db``."""
    names = [*_COLUMNS, _GRANT_OPTION]
    return frozenset(name for name, flag in zip(names, flags, strict=True) if flag == "Y")


def in_words(privileges: Iterable[str]) -> str:
    """Return privileges as SQL and people list them, always in one order."""
    order = [*_COLUMNS, _GRANT_OPTION]
    return ", ".join(sorted(privileges, key=order.index))
