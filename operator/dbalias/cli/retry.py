"""Ask for another run where the last one failed, or wherever you say.

    dbalias retry PROJECT [ALIAS]... [--check]

Without an ALIAS those are asked for of which a migration, a check or a command has failed. It sets
an annotation, which the operator answers in the status; nothing that runs is ended. Exit codes: 0
asked, or nothing has failed; 2 refused: nothing was asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from dbalias.api.conditions import Condition
from dbalias.api.meta import JSON, Key
from dbalias.api.project import MigrateMode
from dbalias.cli.as_user import Declared, add_place, read_declared, run_as_user
from dbalias.cli.progress import EXEMPTIONS
from dbalias.cli.refusal import RefusedError
from dbalias.cluster.user import UserCluster
from dbalias.migrations.marks import PROJECT, REQUESTS, Purpose
from dbalias.migrations.record import Outcome, Record, stored_tasks
from dbalias.reconcile.ports import Resource


@dataclass(frozen=True, slots=True)
class Asked:
    """One object to be annotated: the project's, or an alias', and why."""

    resource: Resource
    object: str
    place: str
    why: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias retry``."""
    add_place(parser)
    parser.add_argument("aliases", nargs="*", metavar="ALIAS", help="default: what has failed")
    parser.add_argument(
        "--check", action="store_true", help="ask for a check, which writes nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask, and tell what was asked for; return the exit code."""
    run_as_user(arguments, lambda cluster, key: _run(cluster, key, arguments))
    return 0


async def _run(cluster: UserCluster, key: Key, arguments: argparse.Namespace) -> None:
    declared = await read_declared(cluster, key)
    asked = list(find_asked(declared, arguments.aliases, check=arguments.check))
    annotation = REQUESTS[Purpose.CHECK if arguments.check else Purpose.MIGRATE]
    patch = {"metadata": {"annotations": {annotation: _now()}}}
    for one in asked:
        await cluster.patch(one.resource, key.namespace, one.object, patch)
        print(f"{one.place}: asked for a {'check' if arguments.check else 'run'} ({one.why})")
    print(_outlook(declared, asked, check=arguments.check))


def find_asked(declared: Declared, names: Sequence[str], *, check: bool) -> Iterator[Asked]:
    """Yield what is asked for; raise RefusedError for a name of which nothing can run."""
    for name in names:
        _demand(declared, name)
    for name, alias in sorted(declared.aliases.items()):
        failure = _failure(alias.status, name)
        if name in names or (failure and not names):
            why = failure or "as you wish"
            yield Asked(Resource.ALIASES, alias.metadata.name, name, why)
    project = declared.project
    failure = _failure(project.status, PROJECT)
    if failure and not names and not check:
        yield Asked(Resource.PROJECTS, project.metadata.name, "project and all aliases", failure)


def _demand(declared: Declared, name: str) -> None:
    aliases = declared.aliases
    if name not in aliases:
        close = get_close_matches(name, aliases, n=1)
        there = ", ".join(sorted(aliases)) or "none"
        hint = f"did you mean {close[0]}?" if close else f"there are: {there}"
        raise RefusedError(f"{declared.project.metadata.name} has no alias {name}: {hint}")
    for condition in aliases[name].status.get("conditions") or ():
        if condition["type"] == Condition.MIGRATED and condition["reason"] in EXEMPTIONS:
            raise RefusedError(f"nothing is ever run on {name}: {condition['message']}")


def _failure(status: JSON, place: str) -> str:
    """Return what has failed last, and was not repaired since; nothing when all is well."""
    for task in stored_tasks(status, place):
        record = Record.stored(status, task)
        if record.outcome is Outcome.FAILED:
            what = f"the command {task.command}" if task.command else f"the {_NOUNS[task.purpose]}"
            reason = record.reason.value if record.reason else "an unknown reason"
            return f"attempt {record.attempt} of {what} failed: {reason}"
    return ""


_NOUNS = {Purpose.MIGRATE: "migration", Purpose.CHECK: "check", Purpose.COMMAND: "command"}


def _outlook(declared: Declared, asked: Sequence[Asked], *, check: bool) -> str:
    """Return what will happen now."""
    project, name = declared.project, declared.project.metadata.name
    if not asked:
        return f"{name}: nothing has failed; name an alias to ask for another run all the same"
    if project.suspend:
        return f"{name}: spec.suspend is true: nothing starts before it is false"
    then = f"follow it: dbalias status {name} --watch"
    if check or project.migrate.mode is MigrateMode.CHECK:
        return f"it is looked at, and nothing is written; {then}"
    if project.migrate.mode is MigrateMode.APPROVE:
        return f"the plan is made anew, and waits for dbalias approve {name}; {then}"
    return f"it starts once nothing has changed for five seconds; {then}"


def _now() -> str:
    """Return a time that no other request has."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
