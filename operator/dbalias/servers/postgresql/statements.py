"""The SQL of PostgreSQL as text: every name and value is quoted by psycopg's composition.

What a caller may hand in are names and values; what stands between is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from dbalias.api.provision import DatabaseSpec, Extension
from dbalias.servers.marks import Mark
from dbalias.servers.postgresql.found import Thing, Unread

_PLAIN_TEMPLATE = "template0"
"""The only one that may be copied with another encoding or locale."""


def create_owner(owner: str) -> str:
    """Return how the role is made that owns a database and never logs in."""
    return _compose("CREATE ROLE {} NOLOGIN", _name(owner))


def create_login(login: str, verifier: str | None, *, group: str | None = None) -> str:
    """Return how a login is made, as a member of ``group`` from the start."""
    return _compose(
        "CREATE ROLE {} LOGIN PASSWORD {}{}",
        _name(login),
        sql.Literal(verifier),
        _compose_part(" IN ROLE {}", _name(group)) if group else sql.SQL(""),
    )


def set_password(login: str, verifier: str) -> str:
    """Return how a login gets another password."""
    return _compose("ALTER ROLE {} PASSWORD {}", _name(login), sql.Literal(verifier))


def allow_login(login: str) -> str:
    """Return how a role may log in again."""
    return _compose("ALTER ROLE {} LOGIN VALID UNTIL 'infinity'", _name(login))


def forbid_login(role: str) -> str:
    """Return how a role loses its LOGIN."""
    return _compose("ALTER ROLE {} NOLOGIN", _name(role))


def comment_on_role(role: str, mark: Mark) -> str:
    """Return how a role gets its mark."""
    return _compose("COMMENT ON ROLE {} IS {}", _name(role), sql.Literal(mark.render()))


def comment_on_database(database: str, mark: Mark) -> str:
    """Return how a database gets its mark."""
    return _compose("COMMENT ON DATABASE {} IS {}", _name(database), sql.Literal(mark.render()))


def grant_role(group: str, member: str, *, with_options: bool) -> str:
    """Return how a role becomes a member; ``with_options`` where PostgreSQL knows them (16)."""
    options = " WITH INHERIT TRUE, SET TRUE" if with_options else ""
    return _compose(f"GRANT {{}} TO {{}}{options}", _name(group), _name(member))


def set_for_role(role: str, setting: str, values: Sequence[str]) -> str:
    """Return how sessions of a role start with a setting; several values are a list of names."""
    return _compose("ALTER ROLE {} SET {} TO {}", _name(role), _name(setting), _names(values))


def create_database(database: str, owner: str, spec: DatabaseSpec) -> str:
    """Return how a database is made."""
    template = spec.template or (_PLAIN_TEMPLATE if spec.encoding or spec.locale else None)
    options = [
        _compose_part(" TEMPLATE {}", _name(template)) if template else None,
        _compose_part(" ENCODING {}", sql.Literal(spec.encoding)) if spec.encoding else None,
        _compose_part(" LOCALE {}", sql.Literal(spec.locale)) if spec.locale else None,
        None
        if spec.connection_limit is None
        else _compose_part(" CONNECTION LIMIT {}", sql.Literal(spec.connection_limit)),
    ]
    return _compose(
        "CREATE DATABASE {} OWNER {}{}",
        _name(database),
        _name(owner),
        sql.Composed([option for option in options if option is not None]),
    )


def own_database(database: str, owner: str) -> str:
    """Return how a database changes hands."""
    return _compose("ALTER DATABASE {} OWNER TO {}", _name(database), _name(owner))


def limit_connections(database: str, limit: int) -> str:
    """Return how a database takes so many connections at most."""
    return _compose("ALTER DATABASE {} CONNECTION LIMIT {}", _name(database), sql.Literal(limit))


def close_to_public(database: str) -> str:
    """Return how nobody connects to a database any more but by rights of his own."""
    return _compose("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC", _name(database))


def grant_owner_rights(database: str, owner: str) -> str:
    """Return how an owner gets back the rights in his database."""
    return _compose("GRANT ALL ON DATABASE {} TO {}", _name(database), _name(owner))


def grant_connect(database: str, role: str) -> str:
    """Return how a role may connect to a database."""
    return _compose("GRANT CONNECT ON DATABASE {} TO {}", _name(database), _name(role))


def create_schema(schema: str, owner: str) -> str:
    """Return how a schema is made, where there is none of that name."""
    return _compose("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}", _name(schema), _name(owner))


def own_schema(schema: str, owner: str) -> str:
    """Return how a schema changes hands."""
    return _compose("ALTER SCHEMA {} OWNER TO {}", _name(schema), _name(owner))


def open_public(owner: str) -> str:
    """Return how an owner role may create in schema public."""
    return _compose("GRANT USAGE, CREATE ON SCHEMA public TO {}", _name(owner))


def close_public_schema() -> str:
    """Return how nobody else creates in schema public (before 15 everybody may)."""
    return "REVOKE CREATE ON SCHEMA public FROM PUBLIC"


def create_extension(extension: Extension) -> tuple[str, ...]:
    """Return how an extension is made, where it is not there.

    Without a schema of its own it goes where PostgreSQL would put it for anybody: the pinned
    search_path would have it in pg_catalog.
    """
    made = _compose(
        "CREATE EXTENSION IF NOT EXISTS {}{}{}",
        _name(extension.name),
        _option(" SCHEMA {}", extension.schema),
        _option(" VERSION {}", extension.version),
    )
    return (made,) if extension.schema else ("SET LOCAL search_path TO public", made)


def update_extension(name: str, version: str) -> str:
    """Return how an extension gets another version."""
    return _compose("ALTER EXTENSION {} UPDATE TO {}", _name(name), _name(version))


def move_extension(name: str, schema: str) -> str:
    """Return how an extension gets to another schema."""
    return _compose("ALTER EXTENSION {} SET SCHEMA {}", _name(name), _name(schema))


def own_thing(thing: Thing, owner: str) -> str:
    """Return how a schema, relation, routine or type changes hands."""
    return _compose(
        "ALTER {} {} OWNER TO {}",
        sql.SQL(thing.kind.upper()),  # the server's words: see Thing
        sql.SQL(thing.identity),
        _name(owner),
    )


def grant_reading(unread: Unread, owner: str) -> str:
    """Return how a reader may read one thing, or all that its owner will make."""
    reader = _name(unread.reader)
    if unread.kind == "schema":
        return _compose("GRANT USAGE ON SCHEMA {} TO {}", _name(unread.identity), reader)
    if unread.kind in ("TABLES", "SEQUENCES", "SCHEMAS"):
        right = "USAGE" if unread.kind == "SCHEMAS" else "SELECT"
        text = f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} GRANT {right} ON {unread.kind} TO {{}}"
        return _compose(text, _name(owner), reader)
    kind = "SEQUENCE" if unread.kind == "sequence" else "TABLE"
    return _compose(f"GRANT SELECT ON {kind} {{}} TO {{}}", sql.SQL(unread.identity), reader)


def end_sessions(database: str, roles: Sequence[str]) -> str:
    """Return how sessions of some roles in a database are asked to end."""
    return _compose(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
        "WHERE datname = {} AND usename IN ({}) AND pid <> pg_catalog.pg_backend_pid()",
        sql.Literal(database),
        sql.SQL(", ").join(map(sql.Literal, roles)),
    )


def forbid_copies(database: str) -> str:
    """Return how a database is no template any more: PostgreSQL drops none."""
    return _compose("ALTER DATABASE {} IS_TEMPLATE false", _name(database))


def drop_database(database: str) -> str:
    """Return how a database is dropped, whoever is connected to it."""
    return _compose("DROP DATABASE IF EXISTS {} WITH (FORCE)", _name(database))


def drop_quiet_database(database: str) -> str:
    """Return how a database is dropped in which only the server itself is at work."""
    return _compose("DROP DATABASE IF EXISTS {}", _name(database))


def give_up(roles: Sequence[str], owner: str) -> tuple[str, str]:
    """Return how roles lose all that they own and may do in the session's database."""
    return (
        _compose("REASSIGN OWNED BY {} TO {}", _names(roles), _name(owner)),
        _compose("DROP OWNED BY {}", _names(roles)),
    )


def drop_role(role: str) -> str:
    """Return how a role is dropped."""
    return _compose("DROP ROLE IF EXISTS {}", _name(role))


def _compose(text: str, *parts: sql.Composable) -> str:
    return _compose_part(text, *parts).as_string(None)


def _compose_part(text: str, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL(text).format(*parts)


def _option(text: str, name: str | None) -> sql.Composable:
    return _compose_part(text, _name(name)) if name else sql.SQL("")


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
