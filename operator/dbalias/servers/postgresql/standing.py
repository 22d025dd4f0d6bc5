"""Whose a database and its roles are, and what their marks shall say. Pure."""

from __future__ import annotations

from dataclasses import replace

from dbalias.servers.marks import Mark
from dbalias.servers.plot import Standing
from dbalias.servers.postgresql.found import Found, Role


def find_standing(found: Found) -> Standing:
    """Return whose the wanted database is, by the marks of it and of its roles."""
    if find_stranger(found) is not None:
        return Standing.ANOTHERS
    proof = found.database.proof if found.database else None
    if found.database is not None:
        return Standing.OURS if proof else Standing.UNMARKED
    if find_unmarked(found):
        return Standing.UNMARKED
    return Standing.CLAIMED if found.roles else Standing.ABSENT


def find_holder(found: Found) -> Mark | None:
    """Return the mark of whoever holds the database or one of the names of its roles."""
    stranger = find_stranger(found)
    if stranger is not None or found.database is None:
        return stranger or (found.owner.mark if found.owner else None)
    return found.database.proof


def find_stranger(found: Found) -> Mark | None:
    """Return the first mark that is not the alias' own."""
    proof = found.database.proof if found.database else None
    marks = [proof, *(role.mark for role in found.roles.values())]
    return next((one for one in marks if one and not one.is_same_owner(found.wanted.mark)), None)


def find_unmarked(found: Found) -> tuple[str, ...]:
    """Return the roles of the wanted names that nothing shows to be ours."""
    return tuple(
        name
        for name, role in found.roles.items()
        if role.mark is None and not _is_vouched(found, role)
    )


def is_made_by_alias(found: Found, role: Role) -> bool:
    """Tell whether this alias created a role: only then it may be dropped."""
    if role.mark is not None:
        return _is(role.mark, found.wanted.mark) and not role.mark.adopted
    return _is_vouched(found, role) and not build_owner_mark(found).adopted


def is_made_database(found: Found) -> bool:
    """Tell whether this alias created the database: only then it may be dropped."""
    return is_our_database(found) and not build_database_mark(found).adopted


def is_our_database(found: Found) -> bool:
    """Tell whether the database is the alias' own, made or adopted."""
    return found.database is not None and _is(found.database.proof, found.wanted.mark)


def build_owner_mark(found: Found) -> Mark:
    """Return what the owner role's mark shall say: adopted with its database or by itself."""
    owner, database = found.owner, found.database
    taken = database is not None and (database.proof is None or database.proof.adopted)
    if owner is not None:
        unmarked = not _is_vouched(found, owner)
        taken = taken or (owner.mark.adopted if owner.mark else unmarked)
    return replace(found.wanted.mark, adopted=taken)


def build_database_mark(found: Found) -> Mark:
    """Return what the database's mark shall say."""
    database = found.database
    if database is None:
        return found.wanted.mark
    said = database.mark or database.owner_mark
    return replace(found.wanted.mark, adopted=said is None or said.adopted)


def build_role_mark(found: Found, role: Role | None) -> Mark:
    """Return what a login's mark shall say."""
    if role is None:
        return found.wanted.mark
    adopted = role.mark.adopted if role.mark else not _is_vouched(found, role)
    return replace(found.wanted.mark, adopted=adopted)


def _is_vouched(found: Found, role: Role) -> bool:
    """Tell whether a role that lost its mark is known to be ours by what it is part of.

    Only who administers our owner role can have made it a member. That it may connect proves
    nothing: who works in the database may grant that to anybody's role.
    """
    database, owner, mine = found.database, found.owner, found.wanted.mark
    known = _members(found) if owner and _is(owner.mark, mine) else frozenset()
    if database is not None and _is(database.proof, mine):
        known |= {database.owner} | _members(found)
    return role.name in known


def _is(mark: Mark | None, mine: Mark) -> bool:
    return mark is not None and mark.is_same_owner(mine)


def _members(found: Found) -> frozenset[str]:
    own = found.wanted.owner
    return frozenset(name for name, role in found.roles.items() if own in role.groups)
