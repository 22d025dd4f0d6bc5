"""From declarations and Secrets to entries of DATABASES, or every reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dbalias.api.alias import DatabaseAlias, Role
from dbalias.api.meta import JSON
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject
from dbalias.api.secrets import SecretBytes
from dbalias.django.build import Built, build_connection, file_prefix
from dbalias.django.connections import Connection, PhysicalDatabase
from dbalias.django.credentials import Reader, UnresolvableError
from dbalias.django.engines import Engine, Family, find_engine
from dbalias.django.entries import Entry, EntryKind, Resolution
from dbalias.django.faults import Declaration, find_problems, problem
from dbalias.django.layers import (
    Merged,
    find_engine_name,
    is_pooled,
    merge_attributes,
    merge_lineage,
    merge_migration,
)
from dbalias.django.lineage import elect_owners, object_of, trace
from dbalias.django.sources import Sources
from dbalias.django.testing import Rehearsal
from dbalias.django.tls import build_tls

_NOBODY: Mapping[str, Problem] = {}


def resolve(
    project: DjangoProject,
    aliases: Iterable[DatabaseAlias],
    sources: Sources,
    *,
    hindered: Mapping[str, Problem] = _NOBODY,
) -> Resolution:
    """Return each alias as an entry of DATABASES, or every reason why it is none.

    ``hindered``: by object, what keeps an alias and its heirs from being one for now.
    """
    owners, losers = elect_owners(aliases)
    entries: dict[str, Entry] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    for name, alias in sorted(owners.items()):
        try:
            lineage = _lineage(alias, owners, hindered)
            entries[name] = _resolve_one(project, lineage, owners=owners, sources=sources)
        except UnresolvableError as error:
            problems[name] = error.problems
    for name, found in Rehearsal(owners, entries).problems().items():
        problems[name] = (*problems.get(name, ()), *found)
        entries.pop(name, None)
    return Resolution(entries, problems, owners, losers)


def declared_family(alias: DatabaseAlias, owners: Mapping[str, DatabaseAlias]) -> Family:
    """Return the family of an alias as far as declarations tell, without any Secret."""
    try:
        declared = find_engine_name(trace(alias, owners))
    except UnresolvableError:
        declared = (alias, alias.engine) if alias.engine else None
    engine = find_engine(declared[1]) if declared else None
    return engine.family if engine else Family.OTHER


def _lineage(
    alias: DatabaseAlias, owners: Mapping[str, DatabaseAlias], hindered: Mapping[str, Problem]
) -> tuple[DatabaseAlias, ...]:
    lineage = trace(alias, owners)
    found = [hindered[one.metadata.name] for one in lineage if one.metadata.name in hindered]
    if found:
        raise UnresolvableError(*found)
    return lineage


def _resolve_one(
    project: DjangoProject,
    lineage: tuple[DatabaseAlias, ...],
    *,
    owners: Mapping[str, DatabaseAlias],
    sources: Sources,
) -> Entry:
    alias = lineage[-1]
    if alias.empty:
        nowhere = Connection({}, PhysicalDatabase(Family.OTHER))
        mode = alias.migrate.mode or project.migrate.mode
        return Entry(alias.alias, alias.metadata.name, EntryKind.EMPTY, nowhere, mode)
    declaration = Declaration(lineage, _engine(lineage), project)
    problems = [*find_problems(declaration), *_file_clashes(alias, owners)]
    if problems:
        raise UnresolvableError(*problems)
    return _entry(declaration, sources)


def _engine(lineage: tuple[DatabaseAlias, ...]) -> Engine:
    declared = find_engine_name(lineage)
    if declared is None:
        raise UnresolvableError(
            problem(
                lineage[-1],
                "spec.engine",
                "there is no engine, here or where it inherits from",
                "Set it, or inheritFrom",
            )
        )
    engine = find_engine(declared[1])
    if engine is None:
        raise UnresolvableError(
            problem(
                declared[0],
                "spec.engine",
                f"Django has no engine {declared[1]}",
                "Use postgresql, postgis, mysql, mariadb, sqlite3 or a dotted path",
            )
        )
    return engine


def _entry(declaration: Declaration, sources: Sources) -> Entry:
    alias = declaration.alias
    merged = merge_lineage(declaration.lineage, engine=declaration.engine, sources=sources)
    pooled = is_pooled(declaration.lineage)
    built = _build(declaration, merged, sources, pooled=pooled, owner=alias.alias)
    migration = None
    if alias.migrate.connection:
        direct = merge_migration(merged, alias.migrate.connection, alias=alias, sources=sources)
        owner = f"{alias.alias}.migrate"
        migration = _build(declaration, direct, sources, pooled=False, owner=owner)
    return Entry(
        alias=alias.alias,
        object=alias.metadata.name,
        kind=_kind(declaration),
        connection=built.connection,
        mode=declaration.mode,
        migration=migration.connection if migration else None,
        secret_data=built.data,
        migrate_secret_data=_beyond(migration, built),
        inherits=alias.inherit_from,
    )


def _build(
    declaration: Declaration, merged: Merged, sources: Sources, *, pooled: bool, owner: str
) -> Built:
    alias = declaration.alias
    attributes = merge_attributes(declaration.lineage)
    if pooled and merged.engine.family is Family.POSTGRESQL:
        attributes.setdefault("DISABLE_SERVER_SIDE_CURSORS", True)
    if test := _test(declaration):
        attributes["TEST"] = test
    reader = Reader(sources, object_of(alias), "spec.tls")
    prefix = file_prefix(merged, owner)
    tls = build_tls(merged.engine.family, merged.tls, prefix=prefix, reader=reader)
    return build_connection(merged, alias, attributes=attributes, tls=tls, prefix=prefix)


def _test(declaration: Declaration) -> dict[str, JSON]:
    """Return TEST; a replica mirrors the nearest primary that it inherits from."""
    alias, ancestors = declaration.alias, declaration.lineage[-2::-1]
    test = dict(alias.test)
    if alias.role is Role.REPLICA and ancestors and "MIRROR" not in test:
        source = next((one for one in ancestors if one.role is Role.PRIMARY), ancestors[0])
        test["MIRROR"] = source.test.get("MIRROR", source.alias)
    return test


def _kind(declaration: Declaration) -> EntryKind:
    if declaration.alias.role is Role.REPLICA:
        return EntryKind.REPLICA
    local = declaration.engine.family is Family.SQLITE
    return EntryKind.LOCAL if local else EntryKind.PRIMARY


def _beyond(migration: Built | None, stable: Built) -> dict[str, SecretBytes]:
    if migration is None:
        return {}
    return {name: data for name, data in migration.data.items() if name not in stable.data}


def _file_clashes(alias: DatabaseAlias, owners: Mapping[str, DatabaseAlias]) -> Iterable[Problem]:
    """Yield a problem where ``a.migrate`` would take the files of the migrations of ``a``."""
    base = alias.alias.removesuffix(".migrate")
    if base != alias.alias and base in owners:
        message = f"its files would have the names of those for migrating {base}"
        yield problem(alias, "spec.alias", message, "Choose another alias")
