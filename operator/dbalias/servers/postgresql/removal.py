"""How what an alias made is dropped, whatever is left of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dbalias.servers.plot import Step
from dbalias.servers.postgresql import statements
from dbalias.servers.postgresql.changes import in_one_step
from dbalias.servers.postgresql.found import Found
from dbalias.servers.postgresql.membership import hold
from dbalias.servers.postgresql.outside import drop_logins
from dbalias.servers.postgresql.standing import is_made_by_alias, is_made_database


def remove(found: Found) -> Iterator[Step]:
    """Yield the steps, logins before the owner role; what was adopted or is another's stays.

    So does a role that the alias' database of another name needs, which is retained.
    """
    made = [
        role
        for role in found.roles.values()
        if is_made_by_alias(found, role) and not found.is_retained(role)
    ]
    logins = [role for role in made if role.name != found.wanted.owner]
    if not is_made_database(found):
        yield from drop_logins(found, logins)
    else:
        yield from in_one_step(hold(found, made))
        yield from _drop_database(found)
        for login in logins:
            yield Step(f"drop login {login.name}", (statements.drop_role(login.name),))
    if len(made) > len(logins) and not _is_owner_needed(found):
        name = found.wanted.owner
        yield Step(f"drop owner role {name}", (statements.drop_role(name),))


def _drop_database(found: Found) -> Iterator[Step]:
    name, roles = found.wanted.database, sorted(found.roles)
    if roles:
        text = statements.end_sessions(name, roles)
        yield Step(f"end the sessions in database {name}", (text,), may_fail=True)
    if found.database is not None and found.database.is_template:
        says = f"let database {name} be no template"
        yield Step(says, (statements.forbid_copies(name),))
    says, force = f"drop database {name}", (statements.drop_database(name),)
    yield Step(says, force, may_fail=True)
    # It is refused while autovacuum works there, which a plain one ends; what refuses the last
    # one is worth telling.
    yield Step(says, (statements.drop_quiet_database(name),), may_fail=True)
    yield Step(says, force)


def _is_owner_needed(found: Found) -> bool:
    """Tell whether the owner role owns a database that stays."""
    database = found.database
    owns = database is not None and database.owner == found.wanted.owner
    return owns and not is_made_database(found)
