"""What values the OPTIONS of Django's own backends take: anything else fails at the first
connection, or is silently passed over.

Sources: libpq's "Parameter Key Words" (PostgreSQL 18), the connect arguments of psycopg,
psycopg_pool, PyMySQL, mysqlclient, sqlite3 and python-oracledb, and Django's backends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dbalias.api.meta import JSON
from dbalias.django.engines import ISOLATION_LEVELS, Family, isolation_level


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of values. ``wanted`` ends the sentence "Write …"."""

    wanted: str
    takes: Callable[[JSON], bool]

    def or_null(self) -> Kind:
        """Return the kind that takes null as well, where the driver reads it as not set."""
        return Kind(self.wanted, lambda value: value is None or self.takes(value))


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: JSON) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?[0-9]+", value) is not None
    return _is_number(value) and not isinstance(value, float)


def _words(*words: str, cased: bool = True) -> Kind:
    def takes(value: JSON) -> bool:
        return isinstance(value, str) and (value if cased else value.upper()) in words

    return Kind(f"one of {', '.join(words)}", takes)


TEXT = Kind("a text", lambda value: isinstance(value, str))
COUNT = Kind("a whole number", lambda value: type(value) is int)
NUMBER = Kind("a number", _is_number)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
SWITCH = Kind("true or false", lambda value: isinstance(value, bool) or value in (0, 1))
TABLE = Kind("a map", lambda value: isinstance(value, dict))

LIBPQ_TEXT = Kind("a text or a number", lambda value: isinstance(value, str) or _is_number(value))
LIBPQ_WHOLE = Kind("a whole number", _is_whole)

POOL_KEYS: Mapping[str, Kind] = {
    "min_size": COUNT,
    "max_size": COUNT.or_null(),
    "name": TEXT.or_null(),
    "close_returns": FLAG,
    "timeout": NUMBER,
    "max_waiting": COUNT,
    "max_lifetime": NUMBER,
    "max_idle": NUMBER,
    "reconnect_timeout": NUMBER,
    "num_workers": COUNT,
}
"""Arguments of psycopg_pool's pool that JSON can hold and that Django leaves to the project."""


def _is_pool(value: JSON) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, bool)
    known = all(key in POOL_KEYS and POOL_KEYS[key].takes(one) for key, one in value.items())
    return known and _has_room(value)


def _has_room(pool: Mapping[str, JSON]) -> bool:
    least = pool.get("min_size", 4)
    most = least if pool.get("max_size") is None else pool["max_size"]
    fits: bool = least >= 0 and most >= max(least, 1) and pool.get("num_workers", 1) >= 1
    return fits


POOL = Kind(f"true, or a map of {', '.join(POOL_KEYS)} that fit together", _is_pool)
ORACLE_POOL = Kind("true or a map", lambda value: isinstance(value, bool | dict))


def _level(family: Family) -> Kind:
    wanted = f"one of {', '.join(ISOLATION_LEVELS)}"
    return Kind(wanted, lambda value: isolation_level(family, value) is not None)


LEVELS: Mapping[Family, Kind] = {
    Family.POSTGRESQL: _level(Family.POSTGRESQL),
    Family.MYSQL: _level(Family.MYSQL).or_null(),
}
"""``isolation_level`` for every backend of a family, a third party's too."""

_POSTGRESQL_WORDS: Mapping[str, Kind] = {
    "sslmode": _words("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": _words("postgres", "direct"),
    "sslcertmode": _words("disable", "allow", "require"),
    "gssencmode": _words("disable", "prefer", "require"),
    "channel_binding": _words("disable", "prefer", "require"),
    "load_balance_hosts": _words("disable", "random"),
    "target_session_attrs": _words(
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
    ),
}
_POSTGRESQL_COUNTS = (
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval"),
    *("keepalives_count", "tcp_user_timeout"),
)

LIBPQ: Mapping[str, Kind] = {
    **dict.fromkeys(
        (
            *("hostaddr", "passfile", "require_auth", "client_encoding", "options"),
            *("application_name", "fallback_application_name", "replication"),
            *("sslcompression", "sslcert", "sslkey", "sslkeylogfile", "sslrootcert"),
            *("sslcrl", "sslcrldir", "sslsni", "requirepeer", "ssl_min_protocol_version"),
            *("ssl_max_protocol_version", "min_protocol_version", "max_protocol_version"),
            *("krbsrvname", "gsslib", "gssdelegation", "service", "servicefile"),
            *("oauth_issuer", "oauth_client_id", "oauth_scope"),
        ),
        LIBPQ_TEXT.or_null(),
    ),
    **{key: LIBPQ_WHOLE.or_null() for key in _POSTGRESQL_COUNTS},
    **{key: kind.or_null() for key, kind in _POSTGRESQL_WORDS.items()},
}
"""What libpq takes as text, in a URL's query too."""

MYSQL_TEXT: Mapping[str, Kind] = dict.fromkeys(
    ("charset", "collation", "init_command", "sql_mode", "unix_socket"), TEXT.or_null()
)
"""What every MySQL driver takes as text, in a URL's query too."""

KNOWN: Mapping[Family, Mapping[str, Kind]] = {
    Family.POSTGRESQL: {
        **LIBPQ,
        "assume_role": TEXT.or_null(),
        "isolation_level": LEVELS[Family.POSTGRESQL],
        "pool": POOL.or_null(),
        "prepare_threshold": COUNT.or_null(),
        "server_side_binding": FLAG.or_null(),
    },
    Family.MYSQL: {
        **MYSQL_TEXT,
        **dict.fromkeys(
            (
                *("auth_plugin", "bind_address", "program_name", "read_default_file"),
                *("read_default_group", "ssl_ca", "ssl_cert", "ssl_key"),
            ),
            TEXT.or_null(),
        ),
        **dict.fromkeys(
            (
                *("autocommit", "binary_prefix", "compress", "local_infile", "multi_statements"),
                *("named_pipe", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity"),
                "use_unicode",
            ),
            SWITCH,
        ),
        **dict.fromkeys(("client_flag", "interactive_timeout", "max_allowed_packet"), COUNT),
        **dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), NUMBER),
        "auth_plugin_map": TABLE.or_null(),
        "isolation_level": LEVELS[Family.MYSQL],
        "ssl": TABLE,
        "ssl_mode": _words(*("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")),
    },
    Family.SQLITE: {
        "cached_statements": COUNT,
        "check_same_thread": FLAG,
        "detect_types": COUNT,
        "init_command": TEXT,
        "timeout": NUMBER,
        "transaction_mode": _words("DEFERRED", "IMMEDIATE", "EXCLUSIVE", cased=False).or_null(),
        "uri": FLAG,
    },
}
"""Every option of Django's own backends, where the driver has a list of them."""

ORACLE: Mapping[str, Kind] = {"pool": ORACLE_POOL.or_null(), "use_returning_into": FLAG}
"""Options of Oracle's backend that are not the driver's own, which has too many to list."""
