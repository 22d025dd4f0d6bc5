"""Patterns and bounds of declared values; the CRDs in ``crds/`` carry the same ones.

Patterns are anchored and mean the same to RE2 (the API server) and to Python's ``fullmatch``.
"""

from __future__ import annotations

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"

ALIAS_NAME = r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$"
"""Legal as part of a Secret's key, as a label value, and after ``--database=``."""
ALIAS_NAME_LENGTH = 63
PROFILE_ALIAS = r"^(\*|[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)$"

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
"""Close to a DNS subdomain of RFC 1123, as names of Kubernetes objects are."""
OBJECT_NAME_LENGTH = 253
PROJECT_NAME_LENGTH = 63
"""A project's name is the value of a label."""
DATA_KEY = r"^[-._a-zA-Z0-9]+$"
"""A key of a ConfigMap or Secret."""
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_LABEL_LENGTH = 63

ENGINE_WORDS = ("postgresql", "postgis", "mysql", "mariadb", "sqlite3")
POSTGRESQL_ENGINES = (
    "postgresql",
    "postgis",
    "django.db.backends.postgresql",
    "django.contrib.gis.db.backends.postgis",
)
SQLITE_ENGINES = ("sqlite3", "django.db.backends.sqlite3")
MYSQL_ENGINES = (
    "mysql",
    "mariadb",
    "django.db.backends.mysql",
    "django.contrib.gis.db.backends.mysql",
)
POSTGRESQL_NAME_LENGTH = 63
"""Django refuses longer names of PostgreSQL databases."""
MYSQL_NAME_LENGTH = 64
"""Identifiers of MySQL and MariaDB end here; the server refuses longer ones."""
DOTTED_PATH = rf"^{IDENTIFIER}(\.{IDENTIFIER})+$"
SERVER_WORD = r"(?i)^([a-z0-9]*(postg|pgsql|psql|mysql|maria|sqlite|oracle)[a-z0-9]*|pg)$"
"""A word that sounds like a server; where it is no engine it is a slip, never a backend."""

MODULE = rf"^{IDENTIFIER}(\.{IDENTIFIER})*$"
APP_LABEL = rf"^{IDENTIFIER}$"
APP_MATCH = rf"^(\*|{IDENTIFIER})$"
MODEL_MATCH = rf"^{IDENTIFIER}\.{IDENTIFIER}$"
"""``app_label.Model``, in any case."""
SETTING_NAME = r"^[A-Z][A-Z0-9_]*$"
GENERATED_SETTINGS = ("DATABASES", "DATABASE_ROUTERS")

SYSTEM_DATABASES = (
    *("postgres", "template0", "template1"),
    *("mysql", "sys", "information_schema", "performance_schema", "dbalias"),
)
"""Databases that servers, or their operator, have for themselves."""
NO_NUL = r"^[^\x00]+$"
"""What no server takes in a name; everything else is quoted."""
INTERVAL = r"^([1-9][0-9]{1,5}m|[1-9][0-9]{0,4}h|[1-9][0-9]{0,3}d)$"
"""Minutes from 10 on, hours or days."""

HOST_LENGTH = 1024
DOMAIN_LENGTH = 253
ONE_HOST = r"^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$"
"""A name or an address; no socket, which is in one pod only, and no list."""
MAX_SERVER_CONNECTIONS = 32
DATABASE_NAME_LENGTH = 1024
USER_LENGTH = 255
MAX_PORT = 65535
PORT_LENGTH = 64
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
PORTS = rf"^{_PORT}(,{_PORT})*$"
"""One port, or one for each of several PostgreSQL hosts."""

MAX_CONN_AGE = 2**31 - 1
JSON_TEXT_LENGTH = 16384

QUALIFIED_NAME = (
    r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
"""A key of labels and annotations, in Kubernetes' sense."""

SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""metadata.name, as the API server checks it."""
