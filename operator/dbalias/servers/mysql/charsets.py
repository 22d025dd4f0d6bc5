"""Character sets and collations: what is declared, and what the server says of a database.

Changing them on a database that exists changes new tables alone; tables that are there keep
theirs, and so their data.
"""

from __future__ import annotations

from dbalias.api.provision import DatabaseSpec
from dbalias.servers.mysql.found import Schema
from dbalias.servers.mysql.statements import identifier

_DEFAULT = "utf8mb4"
_BYNAME = ("utf8", "utf8mb3", "utf8mb4")
"""``utf8`` is either of the others, by the server's age and settings."""


def clause(spec: DatabaseSpec, *, is_made: bool) -> str:
    """Return what CREATE and ALTER DATABASE say; ``is_made``: by us, so a default applies."""
    charset = spec.charset or (_DEFAULT if is_made and not spec.collation else None)
    words = [("CHARACTER SET", charset), ("COLLATE", spec.collation)]
    return " ".join(f"{word} {identifier(value)}" for word, value in words if value)


def differs(spec: DatabaseSpec, schema: Schema, *, is_made: bool) -> bool:
    """Tell whether ``clause`` would change the database."""
    charset = spec.charset or (_DEFAULT if is_made and not spec.collation else None)
    return not (
        (charset is None or _is_same_charset(charset, schema.charset))
        and (spec.collation is None or _is_same_collation(spec.collation, schema.collation))
    )


def _is_same_charset(declared: str, found: str) -> bool:
    if declared.lower() == "utf8":
        return found in _BYNAME
    return declared.lower() == found


def _is_same_collation(declared: str, found: str) -> bool:
    """Compare; MariaDB 11 also takes a collation without the charset that it is of."""
    declared = declared.lower()
    prefix, _, rest = declared.partition("_")
    spelt = [f"{one}_{rest}" for one in _BYNAME] if prefix == "utf8" else [declared]
    return found in spelt or (prefix.startswith("uca") and found.endswith(f"_{declared}"))
