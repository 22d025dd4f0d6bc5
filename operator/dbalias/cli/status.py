"""Show what is published, migrated, running and failing, as the operator tells it in a cluster.

It reads DjangoProjects, DatabaseAliases and the logs of their Jobs' pods, never a Secret. Exit
codes: 0 all Ready, 1 something is not, 2 the cluster cannot be read. With --watch it goes on until
all is Ready (0) or something is Stalled (1), which only an edit or a request can cure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from dbalias.cli.input import project_name
from dbalias.cli.output import Style
from dbalias.cli.pod_logs import Logs
from dbalias.cli.progress import AliasProgress, CommandProgress, ProjectProgress, read_progress
from dbalias.cli.status_lines import Screen, describe, describe_change
from dbalias.cluster.client import Api
from dbalias.cluster.user import UserCluster
from dbalias.reconcile.ports import Resource, UnreadableError

READY, NOT_READY, UNREADABLE = 0, 1, 2
REFRESH = 2.0
"""Seconds between two looks of --watch."""

CLEAR = "\x1b[H\x1b[2J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias status``."""
    parser.add_argument(
        "project", nargs="?", metavar="PROJECT", type=project_name, help="this DjangoProject alone"
    )
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
        _say(str(error))
        return UNREADABLE


async def _run(arguments: argparse.Namespace) -> int:
    api = await Api.connect_as_user(arguments.context)
    try:
        namespace = None if arguments.all_namespaces else arguments.namespace or api.namespace
        view = _View(UserCluster(api), namespace, arguments.project)
        shown = await view.read()
        _show(arguments, shown, namespace)
        while arguments.watch and not _is_over(shown):
            await asyncio.sleep(REFRESH)
            before, shown = shown, await view.read_again(shown)
            _show_again(arguments, before, shown, namespace)
    finally:
        await api.close()
    return READY if shown and all(project.is_done for project in shown) else NOT_READY


@dataclass
class _View:
    """Reads one project, or all of a namespace or of the cluster."""

    cluster: UserCluster
    namespace: str | None
    project: str | None

    def __post_init__(self) -> None:
        self._logs = Logs(self.cluster, say=_say)

    async def read(self) -> list[ProjectProgress]:
        """Return the projects with what their Jobs' logs say; raise UnreadableError."""
        named = {"metadata.name": self.project} if self.project else None
        referring = {"spec.projectRef.name": self.project} if self.project else None
        projects, aliases = await asyncio.gather(
            self.cluster.list(Resource.PROJECTS, self.namespace, fields=named),
            self.cluster.list(Resource.ALIASES, self.namespace, fields=referring),
        )
        told = read_progress(projects, aliases, now=datetime.now(UTC))
        return await self._logs.add_to(told)

    async def read_again(self, before: list[ProjectProgress]) -> list[ProjectProgress]:
        """Read; an API server that is away for a moment does not end the watching."""
        try:
            return await self.read()
        except UnreadableError as error:
            _say(str(error))
            return before


def _say(text: str) -> None:
    print(f"dbalias status: {text}", file=sys.stderr)


def _is_over(shown: Sequence[ProjectProgress]) -> bool:
    if any(project.is_stalled for project in shown):
        return True
    return bool(shown) and all(project.is_done for project in shown)


def _show(
    arguments: argparse.Namespace, shown: Sequence[ProjectProgress], namespace: str | None
) -> None:
    match arguments.output:
        case "json":
            print(json.dumps(document(shown), indent=2, ensure_ascii=False))
        case "yaml":
            print("---")
            print(yaml.safe_dump(document(shown), sort_keys=False, allow_unicode=True), end="")
        case _:
            screen = _screen()
            if arguments.watch and screen.is_terminal:
                print(CLEAR, end="")
            for line in describe(shown, screen=screen, routes=arguments.routes):
                print(line)
    sys.stdout.flush()
    if not shown:
        what = f"DjangoProject/{arguments.project}" if arguments.project else "DjangoProject"
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        _say(f"there is no {what} {where}")


def _show_again(
    arguments: argparse.Namespace,
    before: Sequence[ProjectProgress],
    shown: Sequence[ProjectProgress],
    namespace: str | None,
) -> None:
    """Draw a terminal anew; elsewhere add what changed, and all of it once it is over."""
    changed = shown != before
    whole = arguments.output != "text" or _is_over(shown)
    if sys.stdout.isatty() or (changed and whole):
        _show(arguments, shown, namespace)
    else:
        known = {project.key: project for project in before}
        for project in shown:
            for line in describe_change(known.get(project.key, project), project):
                print(line, flush=True)


def _screen() -> Screen:
    style = Style.of(sys.stdout)
    if not sys.stdout.isatty():
        return Screen(style)
    size = shutil.get_terminal_size()
    return Screen(style, size.columns, size.lines)


def document(shown: Iterable[ProjectProgress]) -> dict[str, Any]:
    """Return all that is known, for programs."""
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
                "plan": dict(project.plan),
                "approval": dict(project.approval),
                "aliases": [_run_document(alias) for alias in project.aliases],
                "commands": [_run_document(command) for command in project.commands],
                "routes": dict(project.routes),
            }
            for project in shown
        ]
    }


def _run_document(one: AliasProgress | CommandProgress) -> dict[str, Any]:
    fields = asdict(one)
    return {**fields, "state": one.state.value, "elapsedSeconds": fields.pop("elapsed")}
