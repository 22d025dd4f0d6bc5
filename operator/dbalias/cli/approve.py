"""Approve what is to be migrated: shows each alias' plan, and asks.

    dbalias approve PROJECT [--digest DIGEST | --yes] [-o json|yaml]

For projects and aliases with migrate.mode Approve. It writes the annotation dbalias.dev/approve
of the DjangoProject, with your own rights, and only while the plan is still the one that was shown.
What destroys data or breaks the release before it is marked, and what only a person can judge.
Without a terminal it needs --yes (whatever is shown) or --digest (this plan and no other; also
while plans of further aliases are not known yet). Exit codes: 0 approved, or nothing waits; 1 not
approved: declined, changed meanwhile, or not all is known yet; 2 refused, or the cluster cannot
be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from dbalias.api.meta import JSON, Key
from dbalias.cli.approve_shown import Shown, describe, document, read_shown
from dbalias.cli.as_user import add_place, read_bodies, run_as_user
from dbalias.cli.output import Style
from dbalias.cli.refusal import RefusedError
from dbalias.cli.stream import to_yaml
from dbalias.cluster.user import UserCluster
from dbalias.migrations.approval import APPROVE_ANNOTATION
from dbalias.reconcile.ports import ConflictError, Resource

APPROVED, NOT_APPROVED = 0, 1
TRIES = 5
"""How often a write is tried again that met a change of something else."""


@dataclass(frozen=True, slots=True)
class _End:
    """What is said last, and the exit code."""

    code: int
    message: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias approve``."""
    add_place(parser)
    parser.add_argument("--digest", help="approve the plan with this digest, and no other")
    parser.add_argument("--yes", action="store_true", help="approve what is shown, without asking")
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "yaml"))


def run(arguments: argparse.Namespace) -> int:
    """Show the plans, and approve them if that is wanted; return the exit code."""
    end = run_as_user(arguments, lambda cluster, key: _run(cluster, key, arguments))
    print(f"dbalias approve: {end.message}", file=sys.stderr)
    return end.code


async def _run(cluster: UserCluster, key: Key, arguments: argparse.Namespace) -> _End:
    shown = await _read(cluster, key)
    _show(shown, arguments.output)
    obstacle = _obstacle(shown, arguments)
    if obstacle is not None:
        return obstacle
    if not (arguments.yes or arguments.digest) and not await _is_agreed(shown):
        return _End(NOT_APPROVED, "not approved: nothing was changed")
    return await _approve(cluster, key, shown)


async def _read(cluster: UserCluster, key: Key) -> Shown:
    """Return what waits; raise RefusedError where there is no such project."""
    body, aliases = await read_bodies(cluster, key)
    return read_shown(key, body, aliases)


def _show(shown: Shown, output: str) -> None:
    told: dict[str, Any] = document(shown)
    match output:
        case "json":
            print(json.dumps(told, indent=2, ensure_ascii=False))
        case "yaml":
            print(to_yaml([told]), end="")
        case _:
            for line in describe(shown, style=Style.of(sys.stdout)):
                print(line)
    sys.stdout.flush()


def _obstacle(shown: Shown, arguments: argparse.Namespace) -> _End | None:
    """Return why nothing is to be approved, or may not be; raise RefusedError."""
    wanted = arguments.digest
    if shown.is_stale:
        return _End(NOT_APPROVED, "the project was changed just now: its plans are not known yet")
    if wanted and wanted == shown.approved:
        return _End(APPROVED, f"the plan {wanted} is approved already")
    if wanted and wanted != shown.digest:
        now = f"{shown.digest} is" if shown.digest else "none is"
        raise RefusedError(f"{wanted} is not the digest of a plan that waits: {now}")
    if shown.computing and not wanted:
        names = ", ".join(shown.computing)
        return _End(NOT_APPROVED, f"plans are still being made: {names}. Try again in a moment")
    if not shown.digest:
        return _End(APPROVED, "nothing waits for an approval")
    if not (wanted or arguments.yes or sys.stdin.isatty()):
        raise RefusedError("there is no terminal to ask on: give --digest or --yes")
    return None


async def _is_agreed(shown: Shown) -> bool:
    sys.stderr.write(f"Approve the plan {shown.digest} of {shown.key}? [y/N] ")
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    return answer.strip().lower() in {"y", "yes"}


async def _approve(cluster: UserCluster, key: Key, shown: Shown) -> _End:
    """Write the annotation on the very object that was shown, or on one whose plan is the same."""
    for _ in range(TRIES):
        try:
            await cluster.patch(Resource.PROJECTS, key.namespace, key.name, _annotation(shown))
        except ConflictError:
            again = await _read(cluster, key)
            if again.digest != shown.digest:
                break
            shown = again
        else:
            return _End(APPROVED, f"the plan {shown.digest} is approved")
    return _End(NOT_APPROVED, "not approved: the plan was changed since it was shown. Look again")


def _annotation(shown: Shown) -> JSON:
    return {
        "metadata": {
            "resourceVersion": shown.version,
            "annotations": {APPROVE_ANNOTATION: shown.digest},
        }
    }
