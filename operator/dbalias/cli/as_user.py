"""Verbs that work in a cluster, most on one project, with the rights of whoever calls them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON, Key, Kind
from dbalias.api.parse_alias import parse_alias
from dbalias.api.parse_project import parse_project
from dbalias.api.project import DjangoProject
from dbalias.cli.input import add_namespace, project_name
from dbalias.cli.refusal import RefusedError
from dbalias.cluster.client import Api
from dbalias.cluster.user import UserCluster
from dbalias.reconcile.ports import ClusterError, Resource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declared:
    """A project and its aliases by name."""

    project: DjangoProject
    aliases: Mapping[str, DatabaseAlias]


def add_place(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say which project, and where."""
    parser.add_argument("project", metavar="PROJECT", type=project_name, help="the DjangoProject")
    add_context(parser)


def add_context(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say in which cluster, and where in it."""
    add_namespace(parser, help="default: the context's")
    parser.add_argument("--context", help="the kubeconfig's context to use")


def run_as_user(
    arguments: argparse.Namespace, work: Callable[[UserCluster, Key], Awaitable[T]]
) -> T:
    """Return what ``work`` comes to on a project; raise RefusedError for what stood in its way."""
    with _as_user(arguments.verb):
        return asyncio.run(connected(arguments, work))


def run_in_namespace(
    arguments: argparse.Namespace, work: Callable[[UserCluster, str], Awaitable[T]]
) -> T:
    """Return what ``work`` comes to in a namespace; raise RefusedError, as ``run_as_user``."""
    with _as_user(arguments.verb):
        return asyncio.run(_in_namespace(arguments, work))


@contextlib.contextmanager
def _as_user(verb: str) -> Iterator[None]:
    logging.basicConfig(level=logging.ERROR)  # the client's warnings are no news to a user
    with told_by(verb):
        yield


@contextlib.contextmanager
def told_by(verb: str) -> Iterator[None]:
    """Put the verb's name before each line of what went wrong."""
    try:
        yield
    except (ClusterError, RefusedError) as error:
        lines = error.lines if isinstance(error, RefusedError) else (str(error),)
        raise RefusedError(*(f"dbalias {verb}: {line}" for line in lines)) from None


async def connected(
    arguments: argparse.Namespace, work: Callable[[UserCluster, Key], Awaitable[T]]
) -> T:
    """Return what ``work`` comes to on the project that the arguments name."""
    return await _in_namespace(
        arguments, lambda cluster, namespace: work(cluster, Key(namespace, arguments.project))
    )


async def _in_namespace(
    arguments: argparse.Namespace, work: Callable[[UserCluster, str], Awaitable[T]]
) -> T:
    api = await Api.connect_as_user(arguments.context)
    try:
        return await work(UserCluster(api), arguments.namespace or api.namespace)
    finally:
        await api.close()


async def read_bodies(cluster: UserCluster, key: Key) -> tuple[JSON, Sequence[JSON]]:
    """Return a project and its aliases; raise RefusedError where there is no such project."""
    body, aliases = await asyncio.gather(
        cluster.get(Resource.PROJECTS, key.namespace, key.name),
        cluster.list(Resource.ALIASES, key.namespace, fields={"spec.projectRef.name": key.name}),
    )
    if body is None:
        raise RefusedError(
            f"there is no {Kind.PROJECT.value}/{key.name} in namespace {key.namespace}"
        )
    return body, aliases


async def read_declared(cluster: UserCluster, key: Key) -> Declared:
    """Return what is declared; raise RefusedError for a project that is not, or is not sound."""
    body, aliases = await read_bodies(cluster, key)
    project = parse_project(body)
    if project.value is None:
        raise RefusedError(*(str(problem) for problem in project.problems))
    owners = [owner for one in aliases if (owner := parse_alias(one).value)]
    return Declared(project.value, {owner.alias: owner for owner in owners})
