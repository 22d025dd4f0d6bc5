"""DATABASE_ROUTERS: policies where both answer alike, references to classes where not.

Generated routers are asked one after the other, between the project's own, so only routers that
stand together can become policies; the longest such run that passes is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from dbalias.api.alias import Role
from dbalias.api.limits import DOTTED_PATH
from dbalias.api.meta import JSON
from dbalias.api.project import MigrateMode, Unmatched
from dbalias.cli.artefact_files import write_files
from dbalias.cli.importing.entries import Draft
from dbalias.cli.importing.interpreter import Interpreter, UnreadableSettingsError
from dbalias.cli.importing.manifests import Import
from dbalias.cli.importing.names import object_names
from dbalias.cli.importing.notes import Notes
from dbalias.cli.importing.policies import Found, build_spec, find_rules
from dbalias.cli.importing.router_source import NotUnderstoodError, read_router
from dbalias.cli.importing.settling import find_problems, written
from dbalias.reconcile.desired import build_desired
from dbalias.reconcile.final import final_publication

MOST_ATTEMPTS = 10
"""Comparisons with the project; each loads all of its apps."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One of DATABASE_ROUTERS: its class, and what it answers or why that is not known."""

    path: str
    found: Found | None
    why: str = ""


def import_routers(
    imported: Import, routers: Sequence[JSON], *, interpreter: Interpreter, notes: Notes
) -> None:
    """Add roles, policies and references to an import."""
    told: Mapping[str, JSON] = {}
    if routers:
        try:
            told = interpreter.ask("read_settings.py", "routers")
        except UnreadableSettingsError as error:
            why = f"the apps cannot be loaded here: {error}"
            notes.tell("DATABASE_ROUTERS", f"routers stay references to their classes: {why}")
    listed = list(_listed(imported, routers, told, notes))
    _assign_roles(imported.drafts, listed, told, notes)
    if not (listed and _try_policies(imported, listed, interpreter, notes)):
        _refer(imported, [one.path for one in listed], ())
    for problem in find_problems(imported):
        notes.refuse(problem)


def _assign_roles(
    drafts: Sequence[Draft], listed: Sequence[Listed], told: Mapping[str, JSON], notes: Notes
) -> None:
    """Keep migrations away from replicas, and from databases where no app is migrated.

    What a router reads where it writes elsewhere has the same rows: a replica.
    """
    read = {alias for one in listed if one.found for alias in one.found.only_read}
    for draft in drafts:
        is_written = draft.alias in told.get("written", ())
        if "mirror" in draft.spec.get("test", {}) and not is_written:
            _make_replica(draft, "its TEST.MIRROR says so", notes)
        elif draft.alias in read and not is_written:
            _make_replica(draft, "routers only read from it", notes)
        elif told and draft.alias not in told["migrated"] and not draft.is_empty:
            draft.spec["migrate"] = {"mode": MigrateMode.NEVER.value}
            text = "no app is migrated there: migrate.mode Never keeps even the history out"
            notes.tell(f'alias "{draft.alias}"', text)


def _make_replica(draft: Draft, why: str, notes: Notes) -> None:
    if draft.spec.get("test", {}).keys() <= {"mirror"}:
        draft.spec["role"] = Role.REPLICA.value
        draft.spec.pop("migrate", None)
        notes.tell(f'alias "{draft.alias}"', f"it is a Replica, never migrated: {why}")


def _listed(
    imported: Import, routers: Sequence[JSON], told: Mapping[str, JSON], notes: Notes
) -> Iterator[Listed]:
    aliases = [draft.alias for draft in imported.drafts if not draft.is_empty]
    described = told.get("routers") or [{"why": "the apps cannot be loaded here"}] * len(routers)
    seen: set[str] = set()
    for router, description in zip(routers, described, strict=True):
        path = router["path"]
        if not re.fullmatch(DOTTED_PATH, path):
            notes.lose("DATABASE_ROUTERS", f"{path} has no path that can be imported")
            continue
        if path in seen:
            notes.tell("DATABASE_ROUTERS", f"{path} is there twice: the first is kept")
            continue
        seen.add(path)
        try:
            yield Listed(path, find_rules(read_router(description), aliases))
        except NotUnderstoodError as error:
            yield Listed(path, None, str(error))
            if router["instance"]:
                text = f"{path} is there as an object: its class must do without arguments"
                notes.tell("DATABASE_ROUTERS", text)


def _try_policies(
    imported: Import, listed: Sequence[Listed], interpreter: Interpreter, notes: Notes
) -> bool:
    """Try runs of understood routers, the longest first; return whether one passes."""
    passed, difference = range(0), ""
    for run in list(_runs(listed))[:MOST_ATTEMPTS]:
        _declare(imported, listed, run)
        found = _find_difference(imported, interpreter)
        if found is None:
            passed = run
            break
        difference = difference or found
        imported.policies = []
    for index, one in enumerate(listed):
        if index not in passed:
            why = one.why or difference or "generated routers are asked one after the other"
            notes.tell("DATABASE_ROUTERS", f"{one.path} stays a reference to its class: {why}")
    return bool(passed)


def _runs(listed: Sequence[Listed]) -> Iterator[range]:
    for length in range(len(listed), 0, -1):
        for start in range(len(listed) - length + 1):
            run = range(start, start + length)
            if all(listed[index].found for index in run):
                yield run


def _declare(imported: Import, listed: Sequence[Listed], run: range) -> None:
    taken = {one.path: one.found for one in listed[run.start : run.stop] if one.found}
    names = object_names(taken, called=lambda path: path.rpartition(".")[2])
    never = [draft.alias for draft in imported.drafts if _is_never_migrated(draft)]
    imported.policies = [
        (names[path], {"order": 10 * place, **build_spec(found, never)})
        for place, (path, found) in enumerate(taken.items(), 1)
    ]
    paths = [one.path for one in listed]
    _refer(imported, paths[: run.start], paths[run.stop :])


def _is_never_migrated(draft: Draft) -> bool:
    return draft.is_empty or "role" in draft.spec or "migrate" in draft.spec


def _refer(imported: Import, before: Sequence[str], after: Sequence[str]) -> None:
    """Name the project's own routers, and leave to Django what no router claims."""
    routing: dict[str, JSON] = {}
    if before:
        routing["before"] = list(before)
    if after:
        routing["after"] = list(after)
    if imported.policies or any(draft.is_empty for draft in imported.drafts):
        routing["unmatched"] = Unmatched.EVERYWHERE.value
    imported.settings.pop("routing", None)
    if routing:
        imported.settings["routing"] = routing


def _find_difference(imported: Import, interpreter: Interpreter) -> str | None:
    """Return where policies would answer differently, or why that is not known."""
    for problem in find_problems(imported):
        return str(problem)
    with written(imported) as declarations, TemporaryDirectory(prefix="dbalias-import-") as folder:
        [scene] = declarations.scenes
        secrets, config_map = final_publication(build_desired(scene.snapshot), scene.key)
        write_files(folder, config_map, secrets[0])
        try:
            answer = interpreter.ask("compare_routers.py", folder)
        except UnreadableSettingsError as error:
            return str(error)
    difference: str | None = answer["difference"]
    return difference
