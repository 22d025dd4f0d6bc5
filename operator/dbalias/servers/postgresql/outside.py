"""What is to be done from outside a database: its owner role, itself, its logins. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dbalias.api.provision import DatabaseSpec
from dbalias.api.secrets import SecretBytes
from dbalias.servers.plot import Step
from dbalias.servers.postgresql import statements
from dbalias.servers.postgresql.changes import Change, change, in_one_step
from dbalias.servers.postgresql.found import Database, Found, Role, list_schemas
from dbalias.servers.postgresql.membership import grant_to_admin, hold
from dbalias.servers.postgresql.standing import (
    build_database_mark,
    build_owner_mark,
    build_role_mark,
    is_made_by_alias,
    is_our_database,
)
from dbalias.servers.scram import build_verifier

_EVERYBODY = frozenset({"CONNECT", "TEMPORARY"})
_OWNER_RIGHTS = frozenset({"CREATE", "CONNECT", "TEMPORARY"})
_LISTED_NAME = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')


def claim(found: Found) -> Iterator[Step]:
    """Yield the step that makes the owner role with its mark, or puts it right."""
    yield from in_one_step(_owner_changes(found))


def make_database(found: Found) -> Iterator[Step]:
    """Yield how the database is made and closed to others, or put right."""
    wanted = found.wanted
    database = found.database
    if database is None:
        text = statements.create_database(wanted.database, wanted.owner, wanted.spec)
        yield Step(f"create database {wanted.database}{_declared(wanted.spec)}", (text,))
        limit = wanted.spec.connection_limit
        database = Database(
            name=wanted.database,
            oid="",
            owner=wanted.owner,
            connection_limit=-1 if limit is None else limit,
            public=_EVERYBODY,
        )
    yield from in_one_step(_database_changes(found, database))


def _declared(spec: DatabaseSpec) -> str:
    """Return what the server may refuse of a database that is to be made, for its owner to see."""
    fields = ("encoding", "locale", "template")
    given = [f"{name} {getattr(spec, name)}" for name in fields if getattr(spec, name)]
    return f" (spec.provision.database has {', '.join(given)})" if given else ""


def finish_adoption(found: Found) -> Iterator[Step]:
    """Yield the last step of an adoption: the database's own mark, once all in it was seen."""
    if found.adopts and found.inside is not None:
        yield from in_one_step([_mark_database(found)])


def make_logins(
    found: Found, logins: frozenset[str], passwords: Mapping[str, SecretBytes]
) -> Iterator[Step]:
    """Yield a step for each login that is to be made or put right."""
    for login in found.login_names:
        if login in logins:
            yield from in_one_step(_login_changes(found, login, passwords.get(login)))


def list_former_readers(found: Found) -> list[Role]:
    """Return the readers that are not wanted any more, and that no other database needs."""
    kept = {found.wanted.owner, *found.login_names}
    former = (one for one in found.roles.values() if one.name not in kept)
    return [
        one for one in former if is_made_by_alias(found, one) and not found.is_used_elsewhere(one)
    ]


def drop_former_readers(found: Found) -> Iterator[Step]:
    """Yield how readers go that are not wanted any more."""
    yield from drop_logins(found, list_former_readers(found))


def drop_logins(found: Found, roles: list[Role]) -> Iterator[Step]:
    """Yield how logins are dropped; what they own in the database becomes the owner role's."""
    names = [role.name for role in roles]
    if names and is_our_database(found):
        texts = statements.give_up(names, found.wanted.owner)
        both = [*hold(found, roles), change(f"take their rights from {', '.join(names)}", *texts)]
        yield from in_one_step(both, found.wanted.database)
    for name in names:
        yield Step(f"drop login {name}", (statements.drop_role(name),))


def _owner_changes(found: Found) -> Iterator[Change]:
    name, mark, role = found.wanted.owner, build_owner_mark(found), found.owner
    marking = statements.comment_on_role(name, mark)
    if role is None:
        yield change(f"create owner role {name}", statements.create_owner(name), marking)
    elif role.mark != mark:
        yield change(f"mark owner role {name} as that of this alias", marking)
    if role is not None and role.can_login and not mark.adopted:
        yield change(f"take LOGIN from owner role {name}", statements.forbid_login(name))
    if not found.admin.is_superuser and not (role and role.is_held):
        yield grant_to_admin(found, name)


def _database_changes(found: Found, database: Database) -> Iterator[Change]:
    name, owner, limit = database.name, found.wanted.owner, found.wanted.spec.connection_limit
    if database.owner != owner:
        says = f"make {owner} the owner of database {name} instead of {database.owner}"
        yield change(says, statements.own_database(name, owner))
    if database.mark != build_database_mark(found) and not found.adopts:
        yield _mark_database(found)
    if database.public & _EVERYBODY:
        says = f"revoke CONNECT and TEMPORARY on database {name} from PUBLIC"
        yield change(says, statements.close_to_public(name))
    if database.owner_rights < _OWNER_RIGHTS:
        says = f"grant {owner} all rights on database {name}"
        yield change(says, statements.grant_owner_rights(name, owner))
    if limit is not None and database.connection_limit != limit:
        says = f"set the connection limit of database {name} to {limit}"
        yield change(says, statements.limit_connections(name, limit))


def _mark_database(found: Found) -> Change:
    name = found.wanted.database
    text = statements.comment_on_database(name, build_database_mark(found))
    return change(f"mark database {name} as that of this alias", text)


def _login_changes(found: Found, login: str, password: SecretBytes | None) -> Iterator[Change]:
    role, owner = found.roles.get(login), found.wanted.owner
    verifier = build_verifier(password) if password is not None else None
    group = None if login in found.readers else owner
    if role is None:
        text = statements.create_login(login, verifier, group=group)
        yield change(f"create login {login}", text)
    else:
        yield from _role_changes(found, role, group)
        if verifier is not None:
            text = statements.set_password(login, verifier)
            yield change(f"set the password of login {login}", text)
    mark = build_role_mark(found, role)
    if role is None or role.mark != mark:
        says = f"mark login {login} as that of this alias"
        yield change(says, statements.comment_on_role(login, mark))
    yield from _setting_changes(found, login, role.settings if role else {})
    if group is None and not (found.database and login in found.database.connectors):
        database = found.wanted.database
        says = f"let {login} connect to database {database}"
        yield change(says, statements.grant_connect(database, login))


def _role_changes(found: Found, role: Role, group: str | None) -> Iterator[Change]:
    if not role.can_login:
        yield change(f"let {role.name} log in again", statements.allow_login(role.name))
    if group is not None and group not in role.groups:
        options = found.admin.has_membership_options
        text = statements.grant_role(group, role.name, with_options=options)
        yield change(f"make {role.name} a member of {group}", text)


def _setting_changes(found: Found, login: str, settings: Mapping[str, str]) -> Iterator[Change]:
    path = build_search_path(found)
    if _parse_names(settings.get("search_path", "")) != path:
        says = f"set the search_path of {login} to {', '.join(path)}"
        yield change(says, statements.set_for_role(login, "search_path", path))
    reads = login in found.readers
    setting, value = (
        ("default_transaction_read_only", "on") if reads else ("role", found.wanted.owner)
    )
    if settings.get(setting) != value:
        says = f"set {setting} of {login} to {value}"
        yield change(says, statements.set_for_role(login, setting, [value]))


def build_search_path(found: Found) -> tuple[str, ...]:
    """Return where the logins look for names: schema public, then those that were asked for."""
    return ("public", *list_schemas(found.wanted))


def _parse_names(text: str) -> tuple[str, ...]:
    """Return the names in a list as PostgreSQL stores it, quoted where they must be."""
    found = (one.groups() for one in _LISTED_NAME.finditer(text))
    return tuple(plain or quoted.replace('""', '"') for quoted, plain in found)
