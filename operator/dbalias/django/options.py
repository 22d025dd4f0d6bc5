"""OPTIONS of Django's own backends: which keys exist, and which must not be there.

Sources: libpq's "Parameter Key Words" (PostgreSQL 18), the connect arguments of psycopg,
PyMySQL, mysqlclient and sqlite3, and Django's backends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from dbalias.api.meta import JSON
from dbalias.django.engines import ISOLATION_LEVELS, Engine, Family, isolation_level

LIBPQ = frozenset(
    {
        "hostaddr",
        "passfile",
        "require_auth",
        "channel_binding",
        "connect_timeout",
        "client_encoding",
        "options",
        "application_name",
        "fallback_application_name",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "replication",
        "gssencmode",
        "sslmode",
        "sslnegotiation",
        "sslcompression",
        "sslcert",
        "sslkey",
        "sslkeylogfile",
        "sslcertmode",
        "sslrootcert",
        "sslcrl",
        "sslcrldir",
        "sslsni",
        "requirepeer",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "min_protocol_version",
        "max_protocol_version",
        "krbsrvname",
        "gsslib",
        "gssdelegation",
        "service",
        "servicefile",
        "target_session_attrs",
        "load_balance_hosts",
        "oauth_issuer",
        "oauth_client_id",
        "oauth_scope",
    }
)
"""What libpq takes as text, in a URL's query too."""

MYSQL_TEXT = frozenset(
    {
        "charset",
        "collation",
        "init_command",
        "sql_mode",
        "unix_socket",
    }
)
"""What every MySQL driver takes as text, in a URL's query too."""

KNOWN: Mapping[Family, frozenset[str]] = {
    Family.POSTGRESQL: LIBPQ
    | frozenset(
        {
            "assume_role",
            "isolation_level",
            "pool",
            "prepare_threshold",
            "server_side_binding",
        }
    ),
    Family.MYSQL: MYSQL_TEXT
    | frozenset(
        {
            "auth_plugin",
            "auth_plugin_map",
            "autocommit",
            "bind_address",
            "binary_prefix",
            "client_flag",
            "compress",
            "connect_timeout",
            "conv",
            "cursorclass",
            "defer_connect",
            "interactive_timeout",
            "isolation_level",
            "local_infile",
            "max_allowed_packet",
            "multi_statements",
            "named_pipe",
            "program_name",
            "read_default_file",
            "read_default_group",
            "read_timeout",
            "server_public_key",
            "ssl",
            "ssl_ca",
            "ssl_cert",
            "ssl_disabled",
            "ssl_key",
            "ssl_mode",
            "ssl_verify_cert",
            "ssl_verify_identity",
            "use_unicode",
            "write_timeout",
        }
    ),
    Family.SQLITE: frozenset(
        {
            "cached_statements",
            "check_same_thread",
            "detect_types",
            "factory",
            "init_command",
            "timeout",
            "transaction_mode",
            "uri",
        }
    ),
}

OWN_FIELDS: Mapping[str, str] = {
    "host": "spec.host",
    "port": "spec.port",
    "dbname": "spec.name",
    "db": "spec.name",
    "database": "spec.name",
    "user": "spec.user",
}
"""Options that a field of the alias stands for, in the families above."""

WITH_ISOLATION = (Family.POSTGRESQL, Family.MYSQL)

SECRETS = frozenset(
    {
        "password",
        "passwd",
        "sslpassword",
        "ssl_key_password",
        "oauth_client_secret",
        "scram_client_key",
        "scram_server_key",
    }
)
"""Options whose value would be published in a ConfigMap."""


def find_faults(engine: Engine, options: Mapping[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Yield (key, what is wrong, remedy) of each option that cannot work or must not be.

    Keys are checked against the drivers for Django's own backends alone; others may read
    what they like.
    """
    for key in sorted(options):
        if fault := _key_fault(engine, key):
            yield key, *fault
    level = options.get("isolation_level")
    if level is not None and not is_isolation_level(engine.family, level):
        yield "isolation_level", "this is no isolation level", f"Use {', '.join(ISOLATION_LEVELS)}"


def is_isolation_level(family: Family, value: JSON) -> bool:
    """Return whether the backend understands the level, as it stands or translated."""
    return family not in WITH_ISOLATION or isolation_level(family, value) is not None


def translated(family: Family, options: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the options with isolation levels spelled as the backend wants them."""
    level = options.get("isolation_level")
    if level is None or family not in WITH_ISOLATION:
        return dict(options)
    return {**options, "isolation_level": isolation_level(family, level)}


def _key_fault(engine: Engine, key: str) -> tuple[str, str] | None:
    if key in SECRETS:
        return "a secret option would be published in a ConfigMap", "Use spec.credentials"
    known = KNOWN.get(engine.family)
    if not engine.is_djangos_own or known is None or key in known:
        return None
    if key in OWN_FIELDS:
        return "this option belongs to a field of its own", f"Set {OWN_FIELDS[key]}"
    close = get_close_matches(key, sorted(known), n=1)
    hint = f"Did you mean {close[0]}?" if close else "Remove it, or name another engine"
    return f"{engine.path} knows no option of this name", hint
