"""Takes back, with a note, what the operator would refuse, so that the rest can be applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dbalias.api.meta import JSON, Kind
from dbalias.api.problems import Problem
from dbalias.cli.findings import find_everything
from dbalias.cli.importing.entries import Draft
from dbalias.cli.importing.manifests import Import
from dbalias.cli.importing.notes import Notes
from dbalias.cli.input import read_files
from dbalias.cli.offline import Declarations
from dbalias.cli.stream import to_yaml

NEEDED = ("engine", "alias")
"""Fields without which there is no alias."""


def settle(imported: Import, notes: Notes) -> None:
    """Leave out, field by field, what ``dbalias check`` finds wrong with aliases."""
    while True:
        found = [_take_back(problem, imported, notes) for problem in find_problems(imported)]
        if not any(found):
            return


def _take_back(problem: Problem, imported: Import, notes: Notes) -> bool:
    """Remove the field that a problem names, or its alias; return whether there was one."""
    draft = _draft_of(problem, imported)
    if draft is None:
        return False
    subject = f'alias "{draft.alias}"'
    if _remove(draft, problem.field):
        notes.lose(subject, f"{problem.field} is left out: {problem.message}")
    else:
        imported.drafts.remove(draft)
        where = problem.field or "its object"
        notes.lose(subject, f"it is left out: {where}: {problem.message}")
    return True


def find_problems(imported: Import) -> Iterator[Problem]:
    """Yield what ``dbalias check`` finds wrong with the manifests."""
    with written(imported) as declarations:
        yield from (one.problem for one in find_everything(declarations) if not one.note)


@contextmanager
def written(imported: Import) -> Iterator[Declarations]:
    """Read the declared objects back from a file, as ``check`` and ``render`` read them.

    Secrets stay out of it: a login that no file holds has a stand-in there.
    """
    with TemporaryDirectory(prefix="dbalias-import-") as folder:
        path = Path(folder) / "manifests.yaml"
        path.write_text(to_yaml(imported.declared()), encoding="utf-8")
        declarations, faults = read_files([str(path)], namespace="")
        assert not faults, faults
        yield declarations


def _draft_of(problem: Problem, imported: Import) -> Draft | None:
    drafts = {f"{Kind.ALIAS.value}/{draft.object}": draft for draft in imported.drafts}
    return drafts.get(problem.object)


def _remove(draft: Draft, path: str) -> bool:
    """Remove what a field path names; False where only the whole alias can go."""
    open_maps: dict[str, dict[str, JSON]] = {
        "spec.options": draft.options,
        "spec.extra": draft.extra,
        "spec.test.extra": draft.test_extra,
    }
    for where, values in open_maps.items():
        if path.startswith(where):
            rest = path.removeprefix(where).removeprefix("JSON").removeprefix(".")
            return _forget(values, [key for key in values if not rest or _leads(key, rest)])
    field, _, rest = path.removeprefix("spec.").partition(".")
    if field == "test" and rest:
        test = draft.spec.get(field, {})
        return _forget(test, [key for key in test if _leads(key, rest)])
    return _forget(draft.spec, [field] if field in draft.spec and field not in NEEDED else [])


def _leads(key: str, path: str) -> bool:
    """Return whether a path begins with a key, which may hold dots itself."""
    return f"{path}.".startswith((f"{key}.", f"{key}["))


def _forget(values: dict[str, JSON], keys: list[str]) -> bool:
    for key in keys:
        del values[key]
    return bool(keys)
