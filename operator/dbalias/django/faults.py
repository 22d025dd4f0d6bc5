"""What is wrong with a declaration whatever its Secrets hold: only an edit cures it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbalias.api.alias import TLS, DatabaseAlias, MigrateConnection, Role
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject, MigrateMode
from dbalias.django.credentials import FIELDS, declared_fields
from dbalias.django.engines import Engine, Family
from dbalias.django.layers import is_pooled, merge_attributes
from dbalias.django.lineage import object_of
from dbalias.django.options import SECRETS, find_faults
from dbalias.django.tls import OPTION_KEYS, find_fault, merged

RESERVED = frozenset(
    {
        "ENGINE",
        "NAME",
        "HOST",
        "PORT",
        "USER",
        "PASSWORD",
        "OPTIONS",
        "TEST",
        "CONN_MAX_AGE",
        "CONN_HEALTH_CHECKS",
        "ATOMIC_REQUESTS",
        "AUTOCOMMIT",
        "DISABLE_SERVER_SIDE_CURSORS",
        "TIME_ZONE",
    }
)
"""Django's keys that have a field of their own, so that ``extra`` may not set them."""


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
    yield from _migrate_problems(declaration)
    yield from _pool_problems(declaration)
    yield from _pooler_problems(declaration)
    tls = TLS()
    for layer in declaration.lineage:
        tls = merged(tls, layer.tls or TLS())
    if fault := find_fault(declaration.engine.family, tls):
        yield problem(declaration.alias, "spec.tls", *fault)


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
    for key in sorted(alias.extra):
        if key in RESERVED or key.lower() in SECRETS:
            remedy = "Use the field or the Secret meant for it"
            yield problem(alias, f"spec.extra.{key}", "this key has a field of its own", remedy)
    taken = OPTION_KEYS.get(engine.family, frozenset()) & alias.options.keys()
    if alias.tls and taken:
        message = f"{', '.join(sorted(taken))} and spec.tls say the same thing twice"
        yield problem(alias, "spec.options", message, "Keep one of the two")


def _migrate_problems(declaration: Declaration) -> Iterator[Problem]:
    alias, connection = declaration.alias, declaration.alias.migrate.connection
    if connection is None:
        return
    where = "spec.migrate.connection"
    yield from _said_twice(alias, connection, where)
    yield from _option_problems(alias, connection.options, declaration.engine, f"{where}.options")


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


def _pool_problems(declaration: Declaration) -> Iterator[Problem]:
    options: dict[str, JSON] = {}
    for layer in declaration.lineage:
        options |= layer.options
    if declaration.engine.family is not Family.POSTGRESQL or not options.get("pool"):
        return
    alias = declaration.alias
    if merge_attributes(declaration.lineage).get("CONN_MAX_AGE", 0) != 0:
        message = "a connection pool demands that connections are not kept: connMaxAge 0"
        yield problem(alias, "spec.connMaxAge", message, "Remove it, or the option pool")
    for profile in declaration.project.profiles:
        for entry in profile.aliases:
            keeps = entry.changes.get("CONN_MAX_AGE", 0) != 0
            if keeps and entry.alias in ("*", alias.alias):
                message = f"the profile {profile.name} sets connMaxAge, which a pool forbids"
                yield problem(alias, "spec.options.pool", message, "Remove one of the two")


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
