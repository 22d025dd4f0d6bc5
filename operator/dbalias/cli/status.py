"""Show what is published, migrated, running and failing, as the operator tells it in a cluster.

It reads DjangoProjects and DatabaseAliases, never a Secret. Exit codes: 0 all Ready, 1 something
is not, 2 the cluster cannot be read. With --watch it goes on until all is Ready (0) or something
is Stalled (1), which only an edit or a request can cure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import yaml

from dbalias.api.conditions import Condition, Status
from dbalias.cli.models_table import describe_routes
from dbalias.cli.output import Cell, Style, lay_out
from dbalias.cli.progress import AliasProgress, ProjectProgress, State, read_progress
from dbalias.cluster.client import Api
from dbalias.cluster.read import Reads
from dbalias.reconcile.ports import Resource, UnreadableError

READY, NOT_READY, UNREADABLE = 0, 1, 2
REFRESH = 2.0
"""Seconds between two looks of --watch."""

CLEAR = "\x1b[H\x1b[2J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias status``."""
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="this DjangoProject alone")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("-n", "--namespace", help="default: the context's")
    scope.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("--context", help="the kubeconfig's context to use")
    parser.add_argument("-w", "--watch", action="store_true", help="until all is Ready or Stalled")
    parser.add_argument("--routes", action="store_true", help="also where the models go")
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "yaml"))


def run(arguments: argparse.Namespace) -> int:
    """Print the status once or until its end; return the exit code."""
    logging.basicConfig(level=logging.ERROR)  # the client's warnings are no news to a user
    try:
        return asyncio.run(_run(arguments))
    except UnreadableError as error:
        print(f"dbalias status: {error}", file=sys.stderr)
        return UNREADABLE


async def _run(arguments: argparse.Namespace) -> int:
    api = await Api.connect_as_user(arguments.context)
    try:
        namespace = None if arguments.all_namespaces else arguments.namespace or api.namespace
        shown = await _read(Reads(api), namespace, arguments.project)
        _show(arguments, shown, namespace)
        while arguments.watch and not _is_over(shown):
            await asyncio.sleep(REFRESH)
            before, shown = shown, await _read_again(Reads(api), namespace, arguments, shown)
            if sys.stdout.isatty() or shown != before:
                _show(arguments, shown, namespace)
    finally:
        await api.close()
    return READY if shown and all(project.is_done for project in shown) else NOT_READY


async def _read(reads: Reads, namespace: str | None, project: str | None) -> list[ProjectProgress]:
    named = {"metadata.name": project} if project else None
    referring = {"spec.projectRef.name": project} if project else None
    projects, aliases = await asyncio.gather(
        reads.list(Resource.PROJECTS, namespace, fields=named),
        reads.list(Resource.ALIASES, namespace, fields=referring),
    )
    return read_progress(projects, aliases, now=datetime.now(UTC))


async def _read_again(
    reads: Reads,
    namespace: str | None,
    arguments: argparse.Namespace,
    before: list[ProjectProgress],
) -> list[ProjectProgress]:
    """Read; an API server that is away for a moment does not end the watching."""
    try:
        return await _read(reads, namespace, arguments.project)
    except UnreadableError as error:
        print(f"dbalias status: {error}", file=sys.stderr)
        return before


def _is_over(shown: Sequence[ProjectProgress]) -> bool:
    if any(project.is_stalled for project in shown):
        return True
    return bool(shown) and all(project.is_done for project in shown)


def _show(
    arguments: argparse.Namespace, shown: Sequence[ProjectProgress], namespace: str | None
) -> None:
    match arguments.output:
        case "json":
            print(json.dumps(_document(shown), indent=2, ensure_ascii=False))
        case "yaml":
            print("---")
            print(yaml.safe_dump(_document(shown), sort_keys=False, allow_unicode=True), end="")
        case _:
            style = Style.of(sys.stdout)
            if arguments.watch and sys.stdout.isatty():
                print(CLEAR, end="")
            for line in describe(shown, style=style, routes=arguments.routes):
                print(line)
    sys.stdout.flush()
    if not shown:
        what = f"DjangoProject/{arguments.project}" if arguments.project else "DjangoProject"
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        print(f"dbalias status: there is no {what} {where}", file=sys.stderr)


def _document(shown: Iterable[ProjectProgress]) -> dict[str, Any]:
    return {
        "projects": [
            {
                "namespace": project.key.namespace,
                "name": project.key.name,
                "declared": project.declared,
                "ready": project.ready,
                "stalled": project.stalled,
                "revision": project.revision,
                "publishedRevision": project.published,
                "conditions": [dict(condition) for condition in project.conditions],
                "aliases": [_alias_document(alias) for alias in project.aliases],
                "routes": dict(project.routes),
            }
            for project in shown
        ]
    }


def _alias_document(alias: AliasProgress) -> dict[str, Any]:
    fields = asdict(alias)
    return {**fields, "state": alias.state.value, "elapsedSeconds": fields.pop("elapsed")}


def describe(
    shown: Iterable[ProjectProgress], *, style: Style, routes: bool = False
) -> Iterator[str]:
    """Yield the lines that a person reads: what holds a project up, then its aliases."""
    for index, project in enumerate(shown):
        if index:
            yield ""
        yield f"{style.bold(f'DjangoProject {project.key}')}: {_headline(project, style)}"
        if project.declared:
            yield from lay_out(_conditions(project, style))
            yield f"  published revision {project.published or 'none'}{_heading_for(project)}"
        yield from lay_out(_table(project, style))
        if routes:
            yield ""
            yield from describe_routes(project.routes, wanted=project.revision, style=style)


def _headline(project: ProjectProgress, style: Style) -> str:
    if not project.declared:
        return style.bad("does not exist")
    if project.ready:
        return style.good("Ready")
    return style.bad("Stalled") if project.stalled else style.busy("not Ready yet")


def _heading_for(project: ProjectProgress) -> str:
    wanted = project.revision
    return f", {wanted} to come" if wanted and wanted != project.published else ""


def _conditions(project: ProjectProgress, style: Style) -> Iterator[list[Cell]]:
    """Yield the conditions that are not as they should be, without repeating the summary."""
    sums = (Condition.READY, Condition.RECONCILING, Condition.STALLED)
    for condition in project.conditions:
        if condition["type"] in sums or condition["status"] == Status.TRUE:
            continue
        reason = str(condition["reason"])
        mark = style.busy if condition["status"] == Status.UNKNOWN else style.bad
        yield [_plain(condition["type"]), Cell(reason, mark(reason)), _plain(condition["message"])]


def _table(project: ProjectProgress, style: Style) -> Iterator[list[Cell]]:
    headings = ("ALIAS", "DATABASE", "STATE", "REASON", "DETAIL")
    yield [Cell(heading, style.dim(heading)) for heading in headings]
    for alias in project.aliases:
        state = alias.state.value
        if alias.elapsed is not None:
            state += f" {elapsed_text(alias.elapsed)}"
        yield [
            _plain(alias.alias),
            _plain(alias.database or "-"),
            Cell(state, _mark(alias.state, style)(state)),
            _plain(alias.reason or "-"),
            _plain(alias.message),
        ]


def _mark(state: State, style: Style) -> Any:
    match state:
        case State.MIGRATED:
            return style.good
        case State.FAILED:
            return style.bad
        case State.EXEMPT:
            return style.dim
        case _:
            return style.busy


def elapsed_text(seconds: int) -> str:
    """Return ``12s``, ``3m05s`` or ``1h02m``."""
    if seconds < 60:
        return f"{seconds}s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def _plain(text: object) -> Cell:
    return Cell(str(text), str(text))
