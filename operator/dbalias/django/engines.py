"""Database engines: short names, families and what differs between them.

Sources: Django's "Databases" notes and ``django/db/backends`` of 4.2 to 6.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dbalias.api import limits
from dbalias.api.meta import JSON


class Family(StrEnum):
    """Which server stands behind an engine."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    SQLITE = "sqlite"
    ORACLE = "oracle"
    OTHER = "other"


SHORT_NAMES: Mapping[str, str] = {
    "postgresql": "django.db.backends.postgresql",
    "postgis": "django.contrib.gis.db.backends.postgis",
    "mysql": "django.db.backends.mysql",
    "mariadb": "django.db.backends.mysql",
    "sqlite3": "django.db.backends.sqlite3",
}

_DJANGOS_OWN = frozenset(
    {
        *SHORT_NAMES.values(),
        "django.db.backends.postgresql_psycopg2",  # still taken for postgresql
        "django.db.backends.oracle",
        "django.contrib.gis.db.backends.mysql",
        "django.contrib.gis.db.backends.oracle",
        "django.contrib.gis.db.backends.spatialite",
    }
)

_FAMILY_WORDS: Mapping[str, Family] = {
    "postgres": Family.POSTGRESQL,
    "postgis": Family.POSTGRESQL,
    "psql": Family.POSTGRESQL,
    "mysql": Family.MYSQL,
    "mariadb": Family.MYSQL,
    "sqlite": Family.SQLITE,
    "spatialite": Family.SQLITE,
    "oracle": Family.ORACLE,
}

DEFAULT_PORTS: Mapping[Family, str] = {
    Family.POSTGRESQL: "5432",
    Family.MYSQL: "3306",
    Family.ORACLE: "1521",
}

URL_SCHEMES: Mapping[Family, str] = {
    Family.POSTGRESQL: "postgresql",
    Family.MYSQL: "mysql",
}
"""The scheme of the URLs that are published, for the families that have one."""

ISOLATION_LEVELS = ("read uncommitted", "read committed", "repeatable read", "serializable")


@dataclass(frozen=True, slots=True)
class Engine:
    """A Django database backend: its dotted path and the family it belongs to."""

    path: str
    family: Family

    @property
    def is_djangos_own(self) -> bool:
        """Whether its options are known to us: a backend of Django, not of a third party."""
        return self.path in _DJANGOS_OWN


def find_engine(name: str) -> Engine | None:
    """Return the engine of a short name or dotted path; None for one that cannot exist.

    A path may be one word, as ``mssql`` is; one that sounds like a server is a slip.
    """
    path = SHORT_NAMES.get(name, name)
    if not re.fullmatch(limits.MODULE, path) or re.fullmatch(limits.SERVER_WORD, path):
        return None
    if path.startswith("django.") and path not in _DJANGOS_OWN:
        return None
    return Engine(path, family_of(path))


def family_of(name: str) -> Family:
    """Return the family that a dotted path, a URL's scheme or a binding's type speaks of."""
    lowered = name.lower()
    found = (family for word, family in _FAMILY_WORDS.items() if word in lowered)
    return next(found, Family.OTHER)


def isolation_level(family: Family, value: JSON) -> JSON | None:
    """Return an isolation level as the backend wants it; None for one it does not know.

    PostgreSQL wants the integers 1 to 4, MySQL the lower-case name. Names are taken in any
    case, with spaces, underscores or hyphens.
    """
    if family is Family.POSTGRESQL and type(value) is int and value in range(1, 5):
        return value
    words = re.sub(r"[\s_-]+", " ", value).strip().lower() if isinstance(value, str) else None
    if words not in ISOLATION_LEVELS:
        return None
    return ISOLATION_LEVELS.index(words) + 1 if family is Family.POSTGRESQL else words
