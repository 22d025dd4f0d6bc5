"""Change the login of a provisioned alias: the other of its two gets a new password.

    dbalias rotate ALIAS [--no-wait]

ALIAS is the DatabaseAlias object. It sets an annotation, with your own rights; the operator makes
the login, publishes it and restarts the listed workloads, and the login before it stays valid until
the next rotation. It waits until all of that is done. Exit codes: 0 done, or asked with --no-wait;
1 not done within --timeout; 2 refused: nothing was asked for, or the cluster cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api.conditions import Condition
from dbalias.api.meta import JSON, Kind
from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.cli.as_user import add_context, run_in_namespace
from dbalias.cli.input import object_name, seconds
from dbalias.cli.refusal import RefusedError
from dbalias.cluster.user import UserCluster
from dbalias.reconcile.ports import Resource

DONE, NOT_DONE = 0, 1
LOOK = 1.0
"""Seconds between two looks at the status."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation has come, in words."""

    line: str
    is_over: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias rotate``."""
    parser.add_argument("alias", metavar="ALIAS", type=object_name, help="the DatabaseAlias")
    add_context(parser)
    parser.add_argument("--no-wait", action="store_true", help="ask, and do not wait for it")
    parser.add_argument(
        "--timeout", type=seconds, default=600, metavar="SECONDS", help="default: 600"
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask, wait and tell; return the exit code."""
    return run_in_namespace(
        arguments, lambda cluster, namespace: _run(cluster, namespace, arguments)
    )


async def _run(cluster: UserCluster, namespace: str, arguments: argparse.Namespace) -> int:
    name = arguments.alias
    demand_provisioned(await _read(cluster, namespace, name), name)
    request = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    patch = {"metadata": {"annotations": {ROTATE_REQUESTED_AT: request}}}
    await cluster.patch(Resource.ALIASES, namespace, name, patch)
    print(f"{name}: asked for another login", flush=True)
    if arguments.no_wait:
        return DONE
    try:
        async with asyncio.timeout(arguments.timeout):
            await _follow(cluster, namespace, name, request)
    except TimeoutError:
        hint = f"look again with kubectl get databasealias {name} -o yaml"
        print(f"dbalias rotate: not done in {arguments.timeout} seconds; {hint}", file=sys.stderr)
        return NOT_DONE
    return DONE


async def _follow(cluster: UserCluster, namespace: str, name: str, request: str) -> None:
    """Tell what changes until the rotation is over."""
    told = ""
    while True:
        body = await _read(cluster, namespace, name)
        project = body["spec"]["projectRef"]["name"]
        has_project = await cluster.get(Resource.PROJECTS, namespace, project) is not None
        asked = find_request(body, request)
        progress = read_progress(body.get("status") or {}, asked, has_project=has_project)
        if progress.line != told:
            told = progress.line
            print(f"{name}: {told}", flush=True)
        if progress.is_over:
            return
        await asyncio.sleep(LOOK)


async def _read(cluster: UserCluster, namespace: str, name: str) -> JSON:
    body = await cluster.get(Resource.ALIASES, namespace, name)
    if body is None:
        raise RefusedError(f"there is no {Kind.ALIAS.value}/{name} in namespace {namespace}")
    return body


def demand_provisioned(body: JSON, name: str) -> None:
    """Raise RefusedError for an alias whose login is not ours to change."""
    spec, metadata = body["spec"], body["metadata"]
    if metadata.get("deletionTimestamp"):
        raise RefusedError(f"{name} is being deleted")
    if spec.get("provision") is None:
        where = (spec.get("credentials") or {}).get("secretRef") or {}
        place = f"the Secret {where['name']}" if "name" in where else "its credentials"
        raise RefusedError(f"{name} is not provisioned: change the login in {place}")


def find_request(body: JSON, request: str) -> str:
    """Return the request that stands: somebody may have asked since, and one answer is for both."""
    return (body["metadata"].get("annotations") or {}).get(ROTATE_REQUESTED_AT) or request


def read_progress(
    status: Mapping[str, JSON], request: str, *, has_project: bool = True
) -> Progress:
    """Return how far the rotation of a request has come, as the alias' status tells it.

    Without its project there are no workloads to wait for.
    """
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    if status.get("lastHandledRotateRequest") != request:
        provisioned = conditions.get(Condition.PROVISIONED) or {}
        why = f": {provisioned['message']}" if provisioned.get("message") else ""
        return Progress(f"not begun yet{why}")
    login = (status.get("provision") or {}).get("login")
    if status.get("settledLogin") == login:
        return Progress(f"all listed workloads have {login}; the login before it still opens", True)
    secret = (status.get("binding") or {}).get("name")
    published = f"{login} is published in the Secret {secret}"
    if not has_project:
        return Progress(f"{published}; there is no project whose workloads need it", True)
    return Progress(f"{published}; workloads get it next")
