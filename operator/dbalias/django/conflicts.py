"""Settings of one connection that do not go together, as declared and under each profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbalias.api.meta import JSON, Kind
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject, Profile
from dbalias.django.engines import Engine, Family, family_of
from dbalias.django.options import find_faults, translated

Fault = tuple[str, str, str]
"""Django's key, what is wrong, remedy."""

_WITH_POOL = (Family.POSTGRESQL, Family.ORACLE)
EVERY_ALIAS = "*"


def find_conflicts(family: Family, settings: Mapping[str, JSON]) -> Iterator[Fault]:
    """Yield what Django refuses, or loses, when the first connection of these is made."""
    pooled = family in _WITH_POOL and settings.get("OPTIONS", {}).get("pool")
    if pooled and settings.get("CONN_MAX_AGE", 0) != 0:
        message = "a connection pool demands that connections are not kept: connMaxAge 0"
        yield "CONN_MAX_AGE", message, "Remove it, or the option pool"
    if settings.get("AUTOCOMMIT") is False and settings.get("ATOMIC_REQUESTS"):
        message = "without autocommit Django never commits what a request does"
        yield "ATOMIC_REQUESTS", message, "Set one of the two to its default"


def find_profile_problems(
    project: DjangoProject, alias: str, engine: Engine, settings: Mapping[str, JSON]
) -> Iterator[Problem]:
    """Yield what would stop, under a profile alone, an alias with these ``settings``."""
    for index, profile in enumerate(project.profiles):
        at = f"spec.profiles[{index}]"
        for place, entry in enumerate(profile.aliases):
            if entry.alias in (EVERY_ALIAS, alias):
                faults = find_faults(engine, entry.changes.get("OPTIONS", {}))
                for key, message, remedy in faults:
                    where = f"{at}.aliases[{place}].options.{key}"
                    yield _problem(project, where, f"for the alias {alias}, {message}", remedy)
        for _, message, remedy in find_conflicts(engine.family, changed(settings, profile, alias)):
            said = f"under the profile {profile.name}, for the alias {alias}, {message}"
            yield _problem(project, at, said, remedy)


def changed(settings: Mapping[str, JSON], profile: Profile, alias: str) -> dict[str, JSON]:
    """Return the settings of an alias as a profile changes them: ``*`` first, then its own."""
    result = dict(settings)
    for name in (EVERY_ALIAS, alias):
        for entry in profile.aliases:
            if entry.alias == name:
                options = {**result.get("OPTIONS", {}), **entry.changes.get("OPTIONS", {})}
                result |= {**entry.changes, "OPTIONS": options}
    return result


def published_changes(
    profile: Profile, databases: Mapping[str, JSON]
) -> dict[str, dict[str, JSON]]:
    """Return what a profile changes by alias, isolation levels as each backend wants them.

    A level for every alias is spelled out for each, because backends want different ones.
    """
    changes = {entry.alias: dict(entry.changes) for entry in profile.aliases}
    common = dict(changes.get(EVERY_ALIAS, {}).get("OPTIONS", {}))
    levels = {key: common.pop(key) for key in ("isolation_level",) if key in common}
    if levels:
        changes[EVERY_ALIAS]["OPTIONS"] = common
    for alias, entry in databases.items():
        options = {**levels, **changes.get(alias, {}).get("OPTIONS", {})}
        if options and entry["settings"]:
            family = family_of(entry["settings"]["ENGINE"])
            changes.setdefault(alias, {})["OPTIONS"] = translated(family, options)
    return changes


def _problem(project: DjangoProject, field: str, message: str, remedy: str) -> Problem:
    return Problem(f"{Kind.PROJECT.value}/{project.metadata.name}", field, message, remedy)
