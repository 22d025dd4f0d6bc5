"""What a database, its owner and its logins are called on a server.

No two aliases come to one name: namespaces and objects hold no underscore, so the single one
between them parts them; what is cut holds two in a row before its hash; what would be reserved
begins with one.
"""

from __future__ import annotations

from dataclasses import dataclass

from dbalias.api.digest import digest
from dbalias.api.server import ServerEngine
from dbalias.servers.wanted import Pair

_HASH = 12
_ROLE_LENGTHS = {ServerEngine.POSTGRESQL: 63, ServerEngine.MYSQL: 32, ServerEngine.MARIADB: 32}
"""MariaDB takes 80, but a dump of it shall go into MySQL."""
_DATABASE_LENGTHS = {ServerEngine.POSTGRESQL: 63, ServerEngine.MYSQL: 60, ServerEngine.MARIADB: 60}
"""MySQL takes 64, but a grant's pattern spells each underscore with two characters in the 64."""
_LONGEST_SUFFIX = 3
_RESERVED = frozenset({"information_schema", "performance_schema"})
_RESERVED_START = "pg_"


@dataclass(frozen=True, slots=True)
class RoleNames:
    """The roles of one alias; only PostgreSQL has an ``owner``, and only it has no login."""

    owner: str
    logins: Pair
    readers: Pair


def database_name(namespace: str, name: str, *, declared: str | None, engine: ServerEngine) -> str:
    """Return ``spec.name`` where it is declared, else ``<namespace>_<object>``, cut to fit."""
    return declared or _own_name(namespace, name, _DATABASE_LENGTHS[engine])


def role_names(namespace: str, name: str, *, engine: ServerEngine) -> RoleNames:
    """Return what the roles of an alias are called, whatever its database is."""
    owner = _own_name(namespace, name, _ROLE_LENGTHS[engine] - _LONGEST_SUFFIX)
    return RoleNames(
        owner=owner,
        logins=Pair(f"{owner}_a", f"{owner}_b"),
        readers=Pair(f"{owner}_ra", f"{owner}_rb"),
    )


def _own_name(namespace: str, name: str, length: int) -> str:
    whole = f"{namespace}_{name}"
    if whole in _RESERVED or whole.startswith(_RESERVED_START):
        whole = f"_{whole}"
    if len(whole) <= length:
        return whole
    return f"{whole[: length - _HASH - 2]}__{digest(whole, _HASH)}"
