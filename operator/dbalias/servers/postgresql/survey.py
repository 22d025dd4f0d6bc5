"""Reading a PostgreSQL server from outside: five statements, however many databases are wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dbalias.servers.marks import Mark, parse_mark
from dbalias.servers.plot import Marked, Session, Survey
from dbalias.servers.postgresql.found import Admin, Database, Found, Role, list_roles
from dbalias.servers.postgresql.plot import PostgresPlot
from dbalias.servers.wanted import Wanted

_MARKED = '{"dbalias"'
"""How every mark begins; what only looks like one is none to parse_mark."""

_ADMIN = """\
SELECT r.rolname::text, current_setting('server_version_num')::int, r.rolsuper, r.rolcreatedb,
  r.rolcreaterole, r.rolinherit, current_setting('server_version'),
  has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'), current_database()::text
FROM pg_roles r WHERE r.rolname = current_user"""

_SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"

_ENCODINGS = """\
SELECT name, pg_encoding_to_char(pg_char_to_encoding(name::name))::text
FROM unnest(%s::text[]) AS wanted (name)"""

_DATABASES = """\
SELECT d.datname::text, d.oid::text, o.rolname::text, m.description, om.description,
  pg_encoding_to_char(d.encoding)::text, d.datcollate::text, d.datconnlimit,
  ARRAY(SELECT a.privilege_type FROM aclexplode(acl.entries) a WHERE a.grantee = 0),
  ARRAY(SELECT a.privilege_type FROM aclexplode(acl.entries) a WHERE a.grantee = d.datdba),
  ARRAY(SELECT g.rolname::text FROM aclexplode(acl.entries) a
        JOIN pg_roles g ON g.oid = a.grantee WHERE a.privilege_type = 'CONNECT'),
  pg_has_role(d.datdba, 'USAGE'), d.datallowconn AND has_database_privilege(d.oid, 'CONNECT'),
  d.datistemplate
FROM pg_database d
JOIN pg_roles o ON o.oid = d.datdba
LEFT JOIN pg_shdescription m ON m.objoid = d.oid AND m.classoid = 'pg_database'::regclass
LEFT JOIN pg_shdescription om ON om.objoid = d.datdba AND om.classoid = 'pg_authid'::regclass
CROSS JOIN LATERAL (SELECT coalesce(d.datacl, acldefault('d', d.datdba)) AS entries) acl
WHERE d.datname::text = ANY(%s::text[])
  OR starts_with(m.description, %s::text) OR starts_with(om.description, %s::text)
ORDER BY 1"""

_ROLES = """\
SELECT r.rolname::text, m.description,
  r.rolcanlogin AND coalesce(r.rolvaliduntil > now(), true),
  array_remove(ARRAY[
    CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
    CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
    CASE WHEN r.rolreplication THEN 'REPLICATION' END], NULL),
  ARRAY(SELECT g.rolname::text FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
        WHERE a.member = r.oid {acts}),
  ARRAY(SELECT g.rolname::text FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
        WHERE a.member = r.oid),
  ARRAY(SELECT d.datname::text FROM pg_shdepend s
        JOIN pg_database d ON d.oid = CASE s.dbid WHEN 0 THEN s.objid ELSE s.dbid END
        WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
          AND (s.dbid <> 0 OR s.classid = 'pg_database'::regclass)),
  ARRAY(SELECT d.datname::text FROM pg_shdepend s
        JOIN pg_database d ON s.classid = 'pg_database'::regclass AND d.oid = s.objid
        JOIN pg_shdescription o ON o.classoid = 'pg_authid'::regclass AND o.objoid = d.datdba
        WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
          AND o.description = m.description),
  r.rolconfig, pg_has_role(r.oid, 'USAGE') {held}, {ruled}
FROM pg_roles r
LEFT JOIN pg_shdescription m ON m.objoid = r.oid AND m.classoid = 'pg_authid'::regclass
WHERE r.rolname::text = ANY(%s::text[]) OR starts_with(m.description, %s::text)"""


def survey(session: Session, wanted: Sequence[Wanted]) -> Survey:
    """Look up everything wanted, and every database and role that carries a mark."""
    admin, version = _read_admin(session)
    databases = _read_databases(session, wanted, mark=_MARKED)
    plots = _read_plots(session, wanted, admin, databases, mark=_MARKED)
    marked = (Marked(one.name, one.proof) for one in databases.values() if one.proof)
    return Survey(version=f"PostgreSQL {version}", plots=plots, marked=tuple(marked))


def look_up(session: Session, wanted: Wanted) -> PostgresPlot:
    """Look up one database and the roles of its names."""
    admin, _ = _read_admin(session)
    databases = _read_databases(session, [wanted])
    return _read_plots(session, [wanted], admin, databases)[wanted.database]


def _read_plots(
    session: Session,
    wanted: Sequence[Wanted],
    admin: Admin,
    databases: Mapping[str, Database],
    mark: str | None = None,
) -> dict[str, PostgresPlot]:
    roles = _read_roles(session, admin, wanted, mark=mark)
    encodings = _read_encodings(session, wanted)
    return {
        one.database: PostgresPlot(
            Found(
                wanted=one,
                admin=admin,
                database=databases.get(one.database),
                template=databases.get(one.spec.template or ""),
                roles=roles.of(one),
                encoding=encodings.get(one.spec.encoding or ""),
            )
        )
        for one in wanted
    }


def _read_admin(session: Session) -> tuple[Admin, str]:
    row: tuple[Any, ...] = session.fetch(_ADMIN)[0]
    name, number, is_superuser, creates_databases, creates_roles, inherits, *others = row
    version, may_ask, database = others
    system: Any = session.fetch(_SYSTEM)[0][0] if may_ask else ""
    admin = Admin(
        name=name,
        version=number,
        system=system,
        database=database,
        is_superuser=is_superuser,
        creates_databases=is_superuser or creates_databases,
        creates_roles=is_superuser or creates_roles,
        inherits=is_superuser or inherits,
    )
    return admin, version.split()[0]


def _read_databases(
    session: Session, wanted: Sequence[Wanted], *, mark: str | None = None
) -> dict[str, Database]:
    names = {name for one in wanted for name in (one.database, one.spec.template) if name}
    rows = session.fetch(_DATABASES, [sorted(names), mark, mark])
    return {database.name: database for database in map(_database, rows)}


def _database(row: tuple[Any, ...]) -> Database:
    name, oid, owner, comment, owner_comment, encoding, locale, limit, *rights = row
    public, own, connectors, is_held, is_open, is_template = rights
    return Database(
        name=name,
        oid=oid,
        owner=owner,
        mark=parse_mark(comment),
        owner_mark=parse_mark(owner_comment),
        encoding=encoding,
        locale=locale,
        connection_limit=limit,
        public=frozenset(public),
        owner_rights=frozenset(own),
        connectors=frozenset(connectors),
        is_held=is_held,
        is_open=is_open,
        is_template=is_template,
    )


@dataclass(frozen=True, slots=True)
class _Roles:
    """The roles that were found, by name and by the alias that they are marked with."""

    by_name: Mapping[str, Role]
    by_mark: Mapping[Mark, tuple[Role, ...]]

    def of(self, wanted: Wanted) -> dict[str, Role]:
        named = (self.by_name.get(name) for name in list_roles(wanted))
        marked = self.by_mark.get(replace(wanted.mark, adopted=False), ())
        return {role.name: role for role in (*named, *marked) if role is not None}


def _read_roles(
    session: Session, admin: Admin, wanted: Sequence[Wanted], *, mark: str | None
) -> _Roles:
    text = _ROLES.format(
        acts="AND a.inherit_option AND a.set_option" if admin.has_membership_options else "",
        held="AND pg_has_role(r.oid, 'SET')" if admin.has_membership_options else "",
        ruled="pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION')"
        if admin.has_membership_options
        else "NOT r.rolsuper OR pg_has_role(r.oid, 'USAGE')",
    )
    names = [role for one in wanted for role in list_roles(one)]
    found = [_role(row) for row in session.fetch(text, [names, mark])]
    by_mark: defaultdict[Mark, list[Role]] = defaultdict(list)
    for role in found:
        if role.mark is not None:
            by_mark[replace(role.mark, adopted=False)].append(role)
    return _Roles(
        by_name={role.name: role for role in found},
        by_mark={mark: tuple(roles) for mark, roles in by_mark.items()},
    )


def _role(row: tuple[Any, ...]) -> Role:
    name, comment, can_login, powers, groups, memberships, used_in, *others = row
    served_in, settings, is_held, is_ruled = others
    return Role(
        name=name,
        mark=parse_mark(comment),
        can_login=can_login,
        powers=tuple(powers),
        groups=frozenset(groups),
        memberships=frozenset(memberships),
        used_in=frozenset(used_in),
        served_in=frozenset(served_in),
        settings=dict(one.split("=", 1) for one in settings or ()),
        is_held=is_held,
        is_ruled=is_ruled,
    )


def _read_encodings(session: Session, wanted: Sequence[Wanted]) -> dict[str, str]:
    named = sorted({one.spec.encoding for one in wanted if one.spec.encoding})
    rows: list[tuple[Any, ...]] = session.fetch(_ENCODINGS, [named]) if named else []
    return dict(rows)
