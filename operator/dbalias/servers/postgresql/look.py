"""Reading one database from inside: a handful of statements in a session there."""

from __future__ import annotations

from typing import Any

from dbalias.servers.plot import Session
from dbalias.servers.postgresql.found import Found, Inside, Installed, Thing, Unread, list_schemas

_SCHEMAS = """\
SELECT n.nspname::text, pg_get_userbyid(n.nspowner)::text FROM pg_namespace n
WHERE n.nspname <> 'information_schema' AND NOT starts_with(n.nspname::text, 'pg_')"""

_PUBLIC = """\
SELECT bool_and(has_schema_privilege(r.oid, n.oid, wanted.need)
    OR o.rolname = 'pg_database_owner' AND has_schema_privilege(o.oid, n.oid, wanted.need)),
  bool_and(has_schema_privilege('public', n.oid, 'CREATE')),
  bool_and(pg_has_role(n.nspowner, 'USAGE'))
FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner, pg_roles r,
  (VALUES ('USAGE'), ('CREATE')) AS wanted (need)
WHERE n.nspname = 'public' AND r.rolname::text = %s"""

_EXTENSIONS = """\
SELECT e.extname::text, e.extversion, n.nspname::text,
  wanted.version IS NULL OR wanted.version = e.extversion OR EXISTS (
    SELECT FROM pg_extension_update_paths(e.extname) p
    WHERE p.source = e.extversion AND p.target = wanted.version AND p.path IS NOT NULL)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, version)
JOIN pg_extension e ON e.extname::text = wanted.name
JOIN pg_namespace n ON n.oid = e.extnamespace"""

_STRAYS = """\
WITH n AS (
  SELECT * FROM pg_namespace n
  WHERE n.nspname <> 'information_schema' AND NOT starts_with(n.nspname::text, 'pg_')),
x (class, oid, owner) AS (
  SELECT 'pg_namespace'::regclass, n.oid, n.nspowner FROM n
  WHERE n.nspname::text <> ALL(%s::text[])
  UNION ALL
  SELECT 'pg_class'::regclass, c.oid, c.relowner FROM pg_class c JOIN n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') OR c.relkind = 'S' AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
      AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)
  UNION ALL
  SELECT 'pg_proc'::regclass, p.oid, p.proowner FROM pg_proc p JOIN n ON n.oid = p.pronamespace
  UNION ALL
  SELECT 'pg_type'::regclass, t.oid, t.typowner
  FROM pg_type t JOIN n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
SELECT i.type, i.identity, pg_get_userbyid(x.owner)::text, pg_has_role(x.owner, 'USAGE')
FROM x CROSS JOIN LATERAL pg_identify_object(x.class, x.oid, 0) i
WHERE pg_get_userbyid(x.owner)::text <> ALL(%s::text[])
  AND (%s::boolean OR pg_get_userbyid(x.owner)::text = ANY(%s::text[]))
  AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = x.class AND d.objid = x.oid AND d.deptype = 'e')
ORDER BY i.type <> 'schema', i.type, i.identity"""
"""What the owner role should own and does not, schemas first: who owns a table needs CREATE there.
A sequence of a column goes with its table, what an extension made stays its own."""

_UNREAD = """\
WITH reader AS (
  SELECT w.name, r.oid FROM unnest(%s::text[]) AS w (name)
  LEFT JOIN pg_roles r ON r.rolname::text = w.name),
owned AS (SELECT oid FROM pg_roles WHERE rolname::text = %s),
n AS (
  SELECT * FROM pg_namespace n
  WHERE n.nspname <> 'information_schema' AND NOT starts_with(n.nspname::text, 'pg_'))
SELECT reader.name, future.kind, '' FROM reader,
  (VALUES ('TABLES', 'r', 'SELECT'), ('SEQUENCES', 'S', 'SELECT'), ('SCHEMAS', 'n', 'USAGE'))
  AS future (kind, letter, need)
WHERE NOT EXISTS (
  SELECT FROM owned JOIN pg_default_acl a ON a.defaclrole = owned.oid AND a.defaclnamespace = 0,
    aclexplode(a.defaclacl) entry
  WHERE a.defaclobjtype::text = future.letter AND entry.grantee = reader.oid
    AND entry.privilege_type = future.need)
UNION ALL
SELECT reader.name, 'schema', n.nspname::text FROM reader, n
WHERE (n.nspname::text = ANY(%s::text[]) OR n.nspowner IN (SELECT oid FROM owned) OR %s::boolean)
  AND NOT coalesce(has_schema_privilege(reader.oid, n.oid, 'USAGE'), false)
UNION ALL
SELECT reader.name, i.type, i.identity
FROM reader, pg_class c JOIN n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) i
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND (c.relowner IN (SELECT oid FROM owned) OR %s::boolean)
  AND NOT coalesce(has_table_privilege(reader.oid, c.oid, 'SELECT'), false)
ORDER BY 1, 2, 3"""


def look_inside(session: Session, found: Found) -> Inside:
    """Return what is in the database that ``session`` is in."""
    extensions = found.wanted.spec.extensions
    names = [one.name for one in extensions], [one.version for one in extensions]
    rows: list[tuple[Any, ...]] = session.fetch(_EXTENSIONS, names) if extensions else []
    schemas: list[tuple[Any, ...]] = session.fetch(_SCHEMAS)
    public: tuple[Any, ...] = session.fetch(_PUBLIC, [found.wanted.owner])[0]
    is_open, is_shared, is_held = public
    return Inside(
        extensions={row[0]: Installed(*row[1:]) for row in rows},
        schemas=dict(schemas),
        # Where either is missing there is nothing to compare: the role is made first.
        is_public_open=is_open is not False,
        is_public_shared=bool(is_shared),
        is_public_held=bool(is_held),
        strays=_read_strays(session, found),
        unread=_read_unread(session, found) if found.readers else (),
    )


def _read_strays(session: Session, found: Found) -> tuple[Thing, ...]:
    wanted = found.wanted
    rows: list[tuple[Any, ...]] = session.fetch(
        _STRAYS,
        [
            ["public", *list_schemas(wanted)],
            [wanted.owner, "pg_database_owner"],
            found.adopts or bool(wanted.spec.template),
            list(found.roles),
        ],
    )
    return tuple(Thing(*row) for row in rows)


def _read_unread(session: Session, found: Found) -> tuple[Unread, ...]:
    wanted = found.wanted
    schemas = ["public", *list_schemas(wanted)]
    rows: list[tuple[Any, ...]] = session.fetch(
        _UNREAD, [list(found.readers), wanted.owner, schemas, found.adopts, found.adopts]
    )
    return tuple(Unread(*row) for row in rows)
