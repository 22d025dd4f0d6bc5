"""How the administrator comes to the rights of roles that it made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbalias.servers.postgresql import statements
from dbalias.servers.postgresql.changes import Change, change
from dbalias.servers.postgresql.found import Found, Role


def hold(found: Found, roles: Iterable[Role]) -> Iterator[Change]:
    """Yield how the administrator gets the rights of roles, which it needs to give theirs away."""
    for role in roles:
        if not role.is_held:
            yield grant_to_admin(found, role.name)


def grant_to_admin(found: Found, role: str) -> Change:
    """Return how the administrator becomes a member of a role."""
    admin = found.admin
    text = statements.grant_role(role, admin.name, with_options=admin.has_membership_options)
    return change(f"make the administrator {admin.name} a member of {role}", text)
