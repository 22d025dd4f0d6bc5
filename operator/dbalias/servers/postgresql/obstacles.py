"""What forbids to go on, each with its remedy: rights that lack, and what would lose data. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dbalias.servers.plot import Cause, Obstacle
from dbalias.servers.postgresql.found import Database, Found, Inside, Role, list_schemas
from dbalias.servers.postgresql.standing import find_unmarked

_LONGEST_NAME = 63
"""In bytes: PostgreSQL cuts the rest away in silence."""


def find_obstacles(found: Found) -> Iterator[Obstacle]:
    """Yield what is in the way, the least curable first."""
    yield from _because(Cause.DECLARED, _unspeakable_names(found))
    yield from _because(Cause.ROLE, _strangers(found))
    yield from _because(Cause.DECLARED, _what_is_not_given(found))
    yield from _because(Cause.RIGHTS, _missing_rights(found))
    if found.database is not None:
        yield from _because(Cause.DECLARED, _fixed_properties(found, found.database))
        if found.inside is not None:
            yield from _because(Cause.DECLARED, _fixed_extensions(found, found.inside))
            yield from _because(Cause.DECLARED, _schemas_of_others(found, found.inside))
            yield from _because(Cause.RIGHTS, _things_of_others(found, found.inside))
    elif found.encoding == "":
        text = f"the server knows no encoding {found.wanted.spec.encoding}: correct it"
        yield Obstacle(Cause.DECLARED, text)


def _because(cause: Cause, texts: Iterator[str]) -> Iterator[Obstacle]:
    return (Obstacle(cause, text) for text in texts)


def _unspeakable_names(found: Found) -> Iterator[str]:
    wanted = found.wanted
    spec = wanted.spec
    extensions = [name for one in spec.extensions for name in (one.name, one.schema, one.version)]
    names = [wanted.database, *extensions, *spec.schemas, spec.template, spec.locale]
    for name in filter(None, names):
        if "\0" in name or len(name.encode()) > _LONGEST_NAME:
            yield f"PostgreSQL takes no name like {name!r}: at most 63 bytes, and no NUL"


def _strangers(found: Found) -> Iterator[str]:
    for name in find_unmarked(found):
        if found.wanted.adopt:
            yield from _reach(found, found.roles[name])
        else:
            yield (
                f"role {name} exists and carries no mark of this alias: drop or rename it, or set "
                "provision.adopt to take it over"
            )


def _reach(found: Found, role: Role) -> Iterator[str]:
    """Yield what a role would bring along if it were taken over."""
    if role.powers:
        taken = ", ".join(f"NO{power}" for power in role.powers)
        yield f"role {role.name} may do more than a database needs: ALTER ROLE … {taken} first"
    if groups := sorted(role.memberships - {found.wanted.owner}):
        yield f"role {role.name} is a member of {groups[0]}: REVOKE that first, or rename the role"
    if others := sorted(role.used_in - {found.wanted.database}):
        yield (
            f"role {role.name} owns something, or has rights, in database {others[0]} as well: "
            "take that from it first, or rename the role"
        )


def _what_is_not_given(found: Found) -> Iterator[str]:
    database, template = found.database, found.wanted.spec.template
    if database is None and template and not (found.template and found.template.is_template):
        yield (
            f"the server has no template {template}: name a database that everybody may copy "
            "(ALTER DATABASE … IS_TEMPLATE true)"
        )
    if database is None or not found.adopts:
        return
    if database.is_template or database.name == found.admin.database:
        yield (
            f"database {database.name} is a template, or the one that the administrator connects "
            "to, and cannot be taken over: choose another spec.name"
        )


def _missing_rights(found: Found) -> Iterator[str]:
    admin, database = found.admin, found.database
    if not admin.creates_roles:
        yield f"the administrator {admin.name} may not create roles: ALTER ROLE … CREATEROLE"
    if database is None and not admin.creates_databases:
        yield f"the administrator {admin.name} may not create databases: ALTER ROLE … CREATEDB"
    if not admin.inherits and not admin.has_membership_options:
        yield (
            f"the administrator {admin.name} does not inherit the rights of roles that it is made "
            "a member of: ALTER ROLE … INHERIT"
        )
    for role in found.roles.values():
        if not role.is_ruled:
            yield (
                f"the administrator {admin.name} may not alter role {role.name}, which another "
                f"made: whoever may shall GRANT {role.name} TO {admin.name} WITH ADMIN OPTION"
            )
    if database is not None and database.owner != found.wanted.owner and not database.is_held:
        yield (
            f"database {database.name} belongs to {database.owner}, of which the administrator "
            f"{admin.name} is no member: GRANT {database.owner} TO {admin.name}, or alter its owner"
        )


def _fixed_properties(found: Found, database: Database) -> Iterator[str]:
    spec = found.wanted.spec
    if spec.encoding and database.encoding != found.encoding:
        yield _cannot_change(database, "encoding", database.encoding, spec.encoding)
    if spec.locale and _plain(spec.locale) != _plain(database.locale):
        yield _cannot_change(database, "locale", database.locale, spec.locale)


def _fixed_extensions(found: Found, inside: Inside) -> Iterator[str]:
    for extension in found.wanted.spec.extensions:
        installed = inside.extensions.get(extension.name)
        if installed is None:
            continue
        if not installed.is_updatable:
            yield (
                f"the server knows no way from version {installed.version} of extension "
                f"{extension.name} to {extension.version}: declare a version that it can reach"
            )
        is_elsewhere = extension.schema not in (None, installed.schema)
        if is_elsewhere and not found.admin.is_superuser:
            yield (
                f"extension {extension.name} is in schema {installed.schema}, and only a superuser "
                f"may move it to {extension.schema}: declare where it is, or have it moved"
            )


def _schemas_of_others(found: Found, inside: Inside) -> Iterator[str]:
    known = {found.wanted.owner, found.admin.name, *found.roles}
    for schema in () if found.adopts else list_schemas(found.wanted):
        holder = inside.schemas.get(schema, found.wanted.owner)
        if holder not in known:
            yield (
                f"schema {schema} of database {found.wanted.database} belongs to {holder}: remove "
                f"it from provision.database, or ALTER SCHEMA … OWNER TO {found.wanted.owner}"
            )


def _cannot_change(database: Database, what: str, found: str, wanted: str) -> str:
    return (
        f"database {database.name} has the {what} {found}, not {wanted}, which cannot be changed "
        "in place: declare what it has, or dump it and restore it into another"
    )


def _plain(locale: str) -> str:
    """Return a locale as libc understands it: ``en_US.utf8`` is ``en_US.UTF-8``."""
    return locale.lower().replace("-", "")


def _things_of_others(found: Found, inside: Inside) -> Iterator[str]:
    if not (inside.is_public_open or inside.is_public_held):
        yield (
            f"{found.wanted.owner} may not create in schema public of database "
            f"{found.wanted.database}, nor may the administrator {found.admin.name} let it: "
            f"GRANT USAGE, CREATE ON SCHEMA public TO {found.wanted.owner} there"
        )
    if not found.adopts:
        return
    strays = [one for one in inside.strays if not one.is_held and one.owner not in found.roles]
    for owner in sorted({one.owner for one in strays}):
        several = [one for one in strays if one.owner == owner]
        first = f"{several[0].kind} {several[0].identity}"
        more = f" and {len(several) - 1} more" if len(several) > 1 else ""
        yield (
            f"in database {found.wanted.database} {first}{more} belong to {owner}, of which the "
            f"administrator {found.admin.name} is no member: GRANT {owner} TO {found.admin.name}"
        )
