"""What is wrong with a declaration whatever its Secrets hold: only an edit cures it."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbalias.api.alias import TLS, DatabaseAlias, MigrateConnection, Role
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject, MigrateMode
from dbalias.django.conflicts import find_conflicts, find_profile_problems
from dbalias.django.credentials import FIELDS, declared_fields
from dbalias.django.engines import Engine
from dbalias.django.layers import is_pooled, merge_attributes
from dbalias.django.lineage import object_of
from dbalias.django.options import find_faults, public_fault
from dbalias.django.testing import find_test_faults
from dbalias.django.tls import OPTION_KEYS, find_fault, overlaid

CONFLICT_FIELDS: Mapping[str, str] = {
    "CONN_MAX_AGE": "spec.connMaxAge",
    "ATOMIC_REQUESTS": "spec.atomicRequests",
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """An alias with its ancestors (farthest first), its engine and its project."""

    lineage: Sequence[DatabaseAlias]
    engine: Engine
    project: DjangoProject

    @property
    def alias(self) -> DatabaseAlias:
        """The alias itself."""
        return self.lineage[-1]

    @property
    def mode(self) -> MigrateMode:
        """Who decides that a migration runs: the alias' own word, or the project's."""
        return self.alias.migrate.mode or self.project.migrate.mode


def find_problems(declaration: Declaration) -> Iterator[Problem]:
    """Yield every problem of an alias and of what it inherits, each at its own object."""
    for layer in declaration.lineage:
        yield from _layer_problems(layer, declaration.engine)
    alias, family = declaration.alias, declaration.engine.family
    for field, message, remedy in find_test_faults(family, alias.test):
        yield problem(alias, field, message, remedy)
    yield from _migrate_problems(declaration)
    yield from _conflict_problems(declaration)
    yield from _pooler_problems(declaration)
    tls = TLS()
    for layer in declaration.lineage:
        tls = overlaid(tls, layer)
    if fault := find_fault(family, tls):
        yield problem(alias, "spec.tls", *fault)


def problem(
    alias: DatabaseAlias,
    field: str,
    message: str,
    remedy: str,
    reason: Reason = Reason.INVALID_CONFIGURATION,
) -> Problem:
    """Return a problem of an alias' object."""
    return Problem(object_of(alias), field, message, remedy, reason)


def _layer_problems(alias: DatabaseAlias, engine: Engine) -> Iterator[Problem]:
    yield from _said_twice(alias, alias, "spec")
    yield from _option_problems(alias, alias.options, engine, "spec.options")
    for key, value in sorted(alias.extra.items()):
        if fault := public_fault(key, value):
            yield problem(alias, f"spec.extra.{key}", *fault)
    if alias.time_zone and alias.time_zone not in _time_zones():
        message = "the time zone database has no such zone"
        yield problem(alias, "spec.timeZone", message, "Write one as in Europe/Paris or UTC")
    taken = OPTION_KEYS.get(engine.family, frozenset()) & alias.options.keys()
    if alias.tls and taken:
        other = "the TLS of its DatabaseServer" if alias.server else "spec.tls"
        message = f"{', '.join(sorted(taken))} and {other} say the same thing twice"
        yield problem(alias, "spec.options", message, "Keep one of the two")


def _migrate_problems(declaration: Declaration) -> Iterator[Problem]:
    alias, connection = declaration.alias, declaration.alias.migrate.connection
    if connection is None:
        return
    where = "spec.migrate.connection"
    yield from _said_twice(alias, connection, where)
    yield from _option_problems(alias, connection.options, declaration.engine, f"{where}.options")
    settings = _settings(declaration)
    settings["OPTIONS"] |= connection.options
    for key, message, remedy in find_conflicts(declaration.engine.family, settings):
        if key not in {fault[0] for fault in _conflicts(declaration)}:
            yield problem(alias, f"{where}.options", message, remedy)


def _said_twice(
    alias: DatabaseAlias, spec: DatabaseAlias | MigrateConnection, where: str
) -> Iterator[Problem]:
    if spec.credentials is None:
        return
    for name in sorted(declared_fields(spec.credentials)):
        if getattr(spec, name, None) is not None and name in FIELDS:
            message = f"{name} is set here and read from the Secret as well"
            yield problem(alias, f"{where}.{name}", message, "Keep one of the two")


def _option_problems(
    alias: DatabaseAlias, options: Mapping[str, JSON], engine: Engine, where: str
) -> Iterator[Problem]:
    for key, message, remedy in find_faults(engine, options):
        yield problem(alias, f"{where}.{key}", message, remedy)


def _conflict_problems(declaration: Declaration) -> Iterator[Problem]:
    found = _conflicts(declaration)
    for key, message, remedy in found:
        yield problem(declaration.alias, CONFLICT_FIELDS[key], message, remedy)
    if not found:
        name, engine = declaration.alias.alias, declaration.engine
        settings = _settings(declaration)
        yield from find_profile_problems(declaration.project, name, engine, settings)


def _conflicts(declaration: Declaration) -> list[tuple[str, str, str]]:
    return [*find_conflicts(declaration.engine.family, _settings(declaration))]


def _settings(declaration: Declaration) -> dict[str, JSON]:
    """Return what declarations alone say of Django's dictionary, OPTIONS always among it."""
    options: dict[str, JSON] = {}
    for layer in declaration.lineage:
        options |= layer.options
    return {**merge_attributes(declaration.lineage), "OPTIONS": options}


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _pooler_problems(declaration: Declaration) -> Iterator[Problem]:
    alias = declaration.alias
    if not is_pooled(declaration.lineage):
        return
    migrated = alias.role is Role.PRIMARY and declaration.mode is not MigrateMode.NEVER
    if migrated and alias.migrate.connection is None:
        yield problem(
            alias,
            "spec.migrate.connection",
            "a transaction pooler cannot hold the lock that migrations need",
            "Name a direct endpoint here",
        )
    if any("options" in layer.options for layer in declaration.lineage):
        message = "a transaction pooler refuses the start-up parameter options"
        yield problem(alias, "spec.options.options", message, "Remove it")
