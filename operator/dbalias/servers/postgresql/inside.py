"""What is to be done in a session in the database: schemas, extensions, owners, readers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dbalias.api.provision import Extension
from dbalias.servers.plot import Step
from dbalias.servers.postgresql import statements
from dbalias.servers.postgresql.changes import Change, change, in_one_step
from dbalias.servers.postgresql.found import (
    OWNED_PUBLIC,
    Found,
    Inside,
    Unread,
    list_schemas,
)
from dbalias.servers.postgresql.membership import hold

_FUTURE = ("TABLES", "SEQUENCES", "SCHEMAS")


def work_inside(found: Found, logins: frozenset[str]) -> Iterator[Step]:
    """Yield what is to be done in the database.

    In a new one nothing needs to be seen first: every statement does without harm what is done
    already. One that exists is left alone until somebody looked.
    """
    if not found.needs_inside or (found.database is not None and found.inside is None):
        return
    database = found.wanted.database
    yield from in_one_step(_schema_changes(found), database)
    yield from in_one_step(_stray_changes(found), database)
    for extension in found.wanted.spec.extensions:
        yield from in_one_step(_extension_changes(found, extension), database)
    yield from in_one_step(_reading_changes(found, logins), database)


def _schema_changes(found: Found) -> Iterator[Change]:
    owner, inside = found.wanted.owner, found.inside
    for schema in list_schemas(found.wanted):
        holder = inside.schemas.get(schema) if inside else None
        if holder is None:
            says = f"create schema {schema} in database {found.wanted.database}"
            yield change(says, statements.create_schema(schema, owner))
        elif holder != owner:
            says = f"make {owner} the owner of schema {schema} instead of {holder}"
            yield change(says, statements.own_schema(schema, owner))
    yield from _public_changes(found, inside or _build_unseen(found))


def _build_unseen(found: Found) -> Inside:
    """Return what is taken for granted in a new database."""
    is_shared = found.admin.version < OWNED_PUBLIC
    return Inside(is_public_open=not found.wanted.spec.template, is_public_shared=is_shared)


def _public_changes(found: Found, inside: Inside) -> Iterator[Change]:
    owner = found.wanted.owner
    is_closing = inside.is_public_shared and found.admin.is_superuser
    if inside.is_public_held and (is_closing or not inside.is_public_open):
        says = f"let {owner} create in schema public"
        yield change(says, statements.open_public(owner))
    if is_closing:
        says = "let nobody else create in schema public"
        yield change(says, statements.close_public_schema())


def _stray_changes(found: Found) -> Iterator[Change]:
    owner, strays = found.wanted.owner, found.inside.strays if found.inside else ()
    yield from hold(found, [found.roles[name] for name in _own_holders(found)])
    for thing in strays:
        if thing.is_held or thing.owner in found.roles:
            says = (
                f"make {owner} the owner of {thing.kind} {thing.identity} instead of {thing.owner}"
            )
            yield change(says, statements.own_thing(thing, owner))


def _own_holders(found: Found) -> list[str]:
    """Return the alias' own logins that own something: one acted as itself for a while."""
    owners = {thing.owner for thing in found.inside.strays} if found.inside else set()
    return sorted(owners & found.roles.keys())


def _extension_changes(found: Found, extension: Extension) -> Iterator[Change]:
    name, database = extension.name, found.wanted.database
    installed = found.inside.extensions.get(name) if found.inside else None
    if installed is None:
        says = (
            f"create extension {name} in database {database} (it must be available on the server, "
            "and made by a superuser beforehand where it is not a trusted one)"
        )
        yield change(says, *statements.create_extension(extension))
        return
    if extension.version and installed.version != extension.version:
        says = f"update extension {name} from version {installed.version} to {extension.version}"
        yield change(says, statements.update_extension(name, extension.version))
    if extension.schema and installed.schema != extension.schema:
        says = f"move extension {name} to schema {extension.schema}"
        yield change(says, statements.move_extension(name, extension.schema))


def _reading_changes(found: Found, logins: frozenset[str]) -> Iterator[Change]:
    for unread in _list_unread(found):
        if unread.reader in logins:
            what = (
                f"{unread.kind} {unread.identity}" if unread.identity else f"future {unread.kind}"
            )
            text = statements.grant_reading(unread, found.wanted.owner)
            yield change(f"let {unread.reader} read {what}", text)


def _list_unread(found: Found) -> Iterator[Unread]:
    """Yield what readers lack: as was seen, or all that a new database has; and new schemas."""
    inside = found.inside
    yield from inside.unread if inside else ()
    new = ("public", *list_schemas(found.wanted))
    for reader in found.readers:
        if inside is None:
            yield from (Unread(reader, kind) for kind in _FUTURE)
        for schema in new:
            if inside is None or schema not in inside.schemas:
                yield Unread(reader, "schema", schema)
