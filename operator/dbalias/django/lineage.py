"""Which object speaks for an alias, and which aliases its fields come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import Kind
from dbalias.api.problems import Problem
from dbalias.django.credentials import UnresolvableError

_NEVER_CREATED = datetime.max.replace(tzinfo=UTC)


def object_of(alias: DatabaseAlias) -> str:
    """Return Kind/name, the way problems name an object."""
    return f"{Kind.ALIAS.value}/{alias.metadata.name}"


def elect_owners(
    aliases: Iterable[DatabaseAlias],
) -> tuple[dict[str, DatabaseAlias], dict[str, Problem]]:
    """Return the object that owns each alias, and a problem for each other claimant's name.

    The older object keeps the alias, by name where they are of the same age.
    """
    owners: dict[str, DatabaseAlias] = {}
    losers: dict[str, Problem] = {}
    for alias in sorted(aliases, key=_age):
        owner = owners.setdefault(alias.alias, alias)
        if owner is not alias:
            losers[alias.metadata.name] = Problem(
                object_of(alias),
                "spec.alias",
                f"{object_of(owner)} is older and already declares the alias {alias.alias}",
                "Choose another alias, or delete one of the two",
                Reason.ALIAS_CONFLICT,
            )
    return owners, losers


def trace(alias: DatabaseAlias, owners: Mapping[str, DatabaseAlias]) -> tuple[DatabaseAlias, ...]:
    """Return the alias and all it inherits from, the farthest ancestor first.

    Raises UnresolvableError for a parent that is missing (it may appear) or empty, and a cycle.
    """
    lineage = [alias]
    while (parent_name := lineage[-1].inherit_from) is not None:
        parent = owners.get(parent_name)
        if parent is None:
            raise _fault(lineage[-1], f"there is no alias {parent_name}", Reason.PARENT_NOT_FOUND)
        if parent in lineage:
            raise _fault(lineage[-1], f"inheriting from {parent_name} closes a circle")
        if parent.empty:
            raise _fault(lineage[-1], f"the alias {parent_name} is empty")
        lineage.append(parent)
    return tuple(reversed(lineage))


def _fault(alias: DatabaseAlias, message: str, reason: Reason | None = None) -> UnresolvableError:
    remedy = "Declare it, or name another alias" if reason else "Name another alias"
    reason = reason or Reason.INVALID_CONFIGURATION
    return UnresolvableError(Problem(object_of(alias), "spec.inheritFrom", message, remedy, reason))


def _age(alias: DatabaseAlias) -> tuple[datetime, str]:
    return alias.metadata.created_at or _NEVER_CREATED, alias.metadata.name
