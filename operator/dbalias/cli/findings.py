"""Everything that is wrong with declared objects, each by itself and all together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.limits import ENGINE_WORDS
from dbalias.api.meta import DEFAULT_ALIAS, JSON, Kind
from dbalias.api.parse import parse_object
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject, MigrateMode
from dbalias.api.provision import ServerRef
from dbalias.cli.manifests import Place
from dbalias.cli.offline import Declarations, Scene, references_of
from dbalias.django.artefact import check_size
from dbalias.django.commands import command_problems
from dbalias.django.entries import EntryKind
from dbalias.django.lineage import object_of
from dbalias.django.sources import SourceKind
from dbalias.migrations.order import cycle_problems
from dbalias.migrations.wanted import Wanted
from dbalias.reconcile.desired import Desired, build_desired, no_default
from dbalias.reconcile.places import server_name
from dbalias.reconcile.snapshot import Broken, Snapshot

_NOT_FOUND = {
    SourceKind.SECRET: Reason.SECRET_NOT_FOUND,
    SourceKind.CONFIG_MAP: Reason.CONFIG_MAP_NOT_FOUND,
}
_TOLD_ELSEWHERE = {*_NOT_FOUND.values(), Reason.SERVER_NOT_FOUND, Reason.SERVER_UNAVAILABLE}
"""What the cluster may have, and what is told of the server itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and the line that shows it. ``note``: another file or the cluster may cure it."""

    place: Place
    problem: Problem
    note: bool = False


def find_everything(declarations: Declarations) -> list[Finding]:
    """Return every finding once, in the order of the files."""
    found = [*_single(declarations), *_duplicates(declarations)]
    for scene in declarations.scenes:
        found += _project_missing(scene) if scene.snapshot.project is None else _together(scene)
    found += _claimed_twice(declarations)
    order = {one.path: index for index, one in reversed([*enumerate(declarations.ours)])}
    unique = list(dict.fromkeys(found))
    return sorted(unique, key=lambda one: (order.get(one.place.path, -1), one.place.line))


def _single(declarations: Declarations) -> Iterator[Finding]:
    for manifest in declarations.ours:
        for problem in parse_object(manifest.body).problems:
            yield Finding(manifest.place(problem.field), problem)


def _duplicates(declarations: Declarations) -> Iterator[Finding]:
    for manifest in declarations.duplicates:
        name = f"{manifest.body['kind']}/{manifest.body['metadata']['name']}"
        problem = Problem(
            name, "metadata.name", "it is declared twice", "Keep one, or rename the other"
        )
        yield Finding(manifest.place("metadata.name"), problem)


def _project_missing(scene: Scene) -> Iterator[Finding]:
    for name, manifest in scene.manifests.items():
        problem = Problem(
            name,
            "spec.projectRef.name",
            f"DjangoProject/{scene.key.name} is not among the files: rules across objects are "
            "not checked",
            "Name its file as well",
            Reason.PROJECT_NOT_FOUND,
        )
        yield Finding(manifest.place("spec.projectRef.name"), problem, note=True)


def _together(scene: Scene) -> Iterator[Finding]:
    desired = build_desired(_mended(scene))
    stand_ins = {_name(one) for one in scene.snapshot.broken if one.kind is Kind.ALIAS}
    for problem in _problems(scene, desired):
        if problem.object not in stand_ins:
            yield Finding(scene.manifests[problem.object].place(problem.field), problem)
    for alias in scene.snapshot.aliases:
        yield from _missing_server(scene, alias)
        yield from _missing_sources(scene, alias)


def _claimed_twice(declarations: Declarations) -> Iterator[Finding]:
    """Yield a problem for each alias that asks for a database which another makes."""
    holders: dict[tuple[ServerRef, str], str] = {}
    for scene in declarations.scenes:
        for alias in scene.snapshot.aliases:
            if alias.provision is None or alias.server is None or alias.name is None:
                continue
            name = object_of(alias)
            holder = holders.setdefault((alias.server, alias.name), f"{name} of {scene.key}")
            if holder != f"{name} of {scene.key}":
                message = f"{holder} asks for the database {alias.name} as well"
                remedy = "Name another: one alias makes it, others inherit from that one"
                problem = Problem(name, "spec.name", message, remedy, Reason.DATABASE_CLAIMED)
                yield Finding(scene.manifests[name].place("spec.name"), problem)


def _mended(scene: Scene) -> Snapshot:
    """Return the snapshot with stand-ins for broken objects, whose problems are known.

    Without them every object that names one of these would be found wrong as well.
    """
    snapshot = scene.snapshot
    project = snapshot.project
    if isinstance(project, Broken):
        project = DjangoProject(project.metadata)
    lost = [broken for broken in snapshot.broken if broken.kind is Kind.ALIAS]
    stand_ins = tuple(_stand_in(scene, broken) for broken in lost)
    aliases = (*snapshot.aliases, *stand_ins)
    return replace(snapshot, project=project, aliases=aliases, broken=())


def _stand_in(scene: Scene, broken: Broken) -> DatabaseAlias:
    spec: JSON = scene.manifests[_name(broken)].body["spec"]
    engine = spec.get("engine")
    return DatabaseAlias(
        broken.metadata,
        project=scene.key.name,
        alias=broken.alias or broken.metadata.name,
        empty=spec.get("empty") is True,
        engine=engine if engine in ENGINE_WORDS else ENGINE_WORDS[0],
        name="unknown",
    )


def _name(broken: Broken) -> str:
    return f"{broken.kind.value}/{broken.metadata.name}"


def _problems(scene: Scene, desired: Desired) -> Iterator[Problem]:
    resolution = desired.resolution
    for problems in resolution.problems.values():
        yield from (one for one in problems if one.reason not in _TOLD_ELSEWHERE)
    yield from resolution.losers.values()
    yield from desired.routing.problems
    yield from cycle_problems(_wanted(alias) for alias in resolution.owners.values()).values()
    yield from _unknown_names(scene, desired)
    yield from command_problems(desired.project, resolution)
    if DEFAULT_ALIAS not in resolution.owners:
        yield no_default(scene.key.name)
    if too_large := check_size(desired.artefact.document):
        yield too_large


def _wanted(alias: DatabaseAlias) -> Wanted:
    return Wanted(
        project=alias.project,
        alias=alias.alias,
        object=alias.metadata.name,
        identity="",
        body="",
        kind=EntryKind.PRIMARY,
        mode=alias.migrate.mode or MigrateMode.AUTO,
        depends_on=alias.migrate.depends_on,
    )


def _unknown_names(scene: Scene, desired: Desired) -> Iterator[Problem]:
    known = desired.resolution.owners.keys()
    project = desired.project
    where = f"{Kind.PROJECT.value}/{project.metadata.name}"
    for field, names in _names_in_project(project):
        for name in names:
            if name not in known:
                yield _unknown(where, field, f"there is no alias {name}")
    declared = {name for name in scene.manifests if name.startswith(f"{Kind.POLICY.value}/")}
    for index, name in enumerate(project.wait_for.policies):
        if f"{Kind.POLICY.value}/{name}" not in declared:
            field = f"spec.waitFor.policies[{index}]"
            yield _unknown(where, field, f"there is no routing policy {name}")
    for alias in scene.snapshot.aliases:
        for field, names in _names_in_alias(alias):
            for name in names:
                if name not in known:
                    object = f"{Kind.ALIAS.value}/{alias.metadata.name}"
                    yield _unknown(object, field, f"there is no alias {name}")


def _names_in_project(project: DjangoProject) -> Iterator[tuple[str, Iterable[str]]]:
    for index, name in enumerate(project.wait_for.aliases):
        yield f"spec.waitFor.aliases[{index}]", (name,)
    for index, profile in enumerate(project.profiles):
        for place, entry in enumerate(profile.aliases):
            if entry.alias != "*":
                yield f"spec.profiles[{index}].aliases[{place}].alias", (entry.alias,)


def _names_in_alias(alias: DatabaseAlias) -> Iterator[tuple[str, Iterable[str]]]:
    for index, name in enumerate(alias.migrate.depends_on):
        yield f"spec.migrate.dependsOn[{index}]", (name,)


def _unknown(object: str, field: str, message: str) -> Problem:
    remedy = "Declare it, or correct the name"
    return Problem(object, field, message, remedy, Reason.ALIAS_NOT_FOUND)


def _missing_server(scene: Scene, alias: DatabaseAlias) -> Iterator[Finding]:
    if alias.server in scene.servers:
        name, field = f"{Kind.ALIAS.value}/{alias.metadata.name}", "spec.serverRef"
        message = f"{server_name(alias.server)} is not among the files"
        problem = Problem(name, field, message, "The cluster must have it", Reason.SERVER_NOT_FOUND)
        yield Finding(scene.manifests[name].place(field), problem, note=True)


def _missing_sources(scene: Scene, alias: DatabaseAlias) -> Iterator[Finding]:
    name = f"{Kind.ALIAS.value}/{alias.metadata.name}"
    for reference in references_of(alias):
        if reference.source in scene.missing and not reference.is_made:
            problem = Problem(
                name,
                reference.field,
                f"{reference.source} is not among the files",
                "The cluster must have it",
                _NOT_FOUND[reference.source.kind],
            )
            yield Finding(scene.manifests[name].place(reference.field), problem, note=True)
