"""Run a management command in the cluster: a Job per database, one after the other.

    dbalias manage PROJECT [--database ALIAS]... [--all] [options] -- COMMAND [ARG]...

Each Job has the project's image, settings, logins and pod options, is made with your own rights
and removed once its log was shown. The command's lines go to standard output, all else to standard
error. Exit codes: the command's own, of the first that failed; 2 refused, and nothing was made;
125 the Job could not run it to an end of its own; 124 after --timeout; 130 interrupted. Ctrl-C
tells the command to stop and shows its last lines; a second one leaves at once.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Sequence

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import Key, Kind
from dbalias.api.ownership import PROJECT_LABEL
from dbalias.api.project import Command, DjangoProject
from dbalias.cli.as_user import add_place, read_declared, run_as_user, told_by
from dbalias.cli.input import seconds
from dbalias.cli.manage_databases import Published, choose, find_published
from dbalias.cli.manage_job import NOT_RUN, End, Watched
from dbalias.cli.manage_words import complete, demand_command, demand_place
from dbalias.cli.refusal import RefusedError
from dbalias.cluster.user import UserCluster
from dbalias.migrations.jobs import JobSpec
from dbalias.migrations.management import MANAGE, build_management_job
from dbalias.migrations.marks import Purpose
from dbalias.reconcile.names import migrate_secret_name, stable_name
from dbalias.reconcile.ports import ClusterError, Resource

LIFETIME = 600
"""Seconds for which a finished Job outlives us, should we be gone before its end."""
TIMED_OUT, INTERRUPTED = 124, 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias manage``."""
    add_place(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--database", action="append", default=[], metavar="ALIAS", help="repeatable"
    )
    where.add_argument("--all", action="store_true", help="every alias that is ours to migrate")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="for all Jobs together")
    parser.add_argument("--keep", action="store_true", help="leave the Jobs, for a look at them")
    parser.add_argument("--keep-going", action="store_true", help="after a failure, too")
    parser.add_argument("--yes", action="store_true", help="for commands that delete data")


def run(arguments: argparse.Namespace) -> int:
    """Run the command on each database; return the exit code."""
    with told_by(arguments.verb):
        demand_command(arguments.command, yes=arguments.yes)
    try:
        return run_as_user(arguments, lambda cluster, key: _run(cluster, key, arguments))
    except asyncio.CancelledError:
        return INTERRUPTED


async def _run(cluster: UserCluster, key: Key, arguments: argparse.Namespace) -> int:
    return await _run_all(cluster, await _prepare(cluster, key, arguments), arguments)


async def _prepare(
    cluster: UserCluster, key: Key, arguments: argparse.Namespace
) -> list[tuple[str, JobSpec]]:
    """Return the Jobs to be made, each with what it is called; raise RefusedError."""
    declared = await read_declared(cluster, key)
    project, aliases = declared.project, declared.aliases
    if project.image is None:
        raise RefusedError(
            f"{Kind.PROJECT.value}/{key.name} has no image to run a command in: set spec.image"
        )
    words = arguments.command
    published = find_published(
        project,
        await cluster.list(Resource.CONFIG_MAPS, key.namespace, labels={PROJECT_LABEL: key.name}),
    )
    chosen = bool(arguments.database or arguments.all)
    demand_place(words, chosen=chosen, known=published.managed)
    if not chosen:
        return [(key.name, _spec(project, None, words, published))]
    owners = choose(
        arguments.database, every=arguments.all, words=words, aliases=aliases, published=published
    )
    return [(one.alias, _spec(project, one, words, published)) for one in owners]


def _spec(
    project: DjangoProject,
    alias: DatabaseAlias | None,
    words: Sequence[str],
    published: Published,
) -> JobSpec:
    name = project.metadata.name
    own_login = alias is not None and published.has_own_login(alias.alias)
    return JobSpec(
        project=project,
        alias=alias,
        config_map=published.config_map,
        secret=stable_name(name),
        migrate_secret=migrate_secret_name(name) if own_login else None,
        purpose=Purpose.COMMAND,
        command=Command(MANAGE, complete(words)),
        identity=secrets.token_hex(8),
    )


async def _run_all(
    cluster: UserCluster, jobs: Sequence[tuple[str, JobSpec]], arguments: argparse.Namespace
) -> int:
    """Run one Job after the other; return the exit code of the first that failed."""
    stop, interrupted = asyncio.Event(), _Interrupted()
    interrupted.listen(stop)
    timer = None
    if arguments.timeout is not None:
        timer = asyncio.get_running_loop().call_later(arguments.timeout, stop.set)
    code = 0
    for done, (place, spec) in enumerate(jobs):
        end = await _run_one(cluster, place, spec, stop=stop, keep=arguments.keep)
        if stop.is_set():
            end = interrupted.end(arguments.timeout)
        if end.code and not code:
            code = end.code
        if end.code:
            _say(place, end.message)
        if stop.is_set() or (end.code and not arguments.keep_going):
            left = ", ".join(name for name, _ in jobs[done + 1 :])
            if left:
                _say(place, f"not tried: {left}")
            break
    if timer is not None:
        timer.cancel()
    return code


async def _run_one(
    cluster: UserCluster, place: str, spec: JobSpec, *, stop: asyncio.Event, keep: bool
) -> End:
    job = build_management_job(spec, lifetime=None if keep else LIFETIME)
    _say(place, f"Job {job['metadata']['name']}")
    watched = Watched(cluster, job, stop=stop, say=lambda text: _say(place, text))
    try:
        return await watched.run(keep=keep)
    except ClusterError as error:
        return End(NOT_RUN, f"its Job cannot be made: {error}")


class _Interrupted:
    """What to do about signals: the first ends the Job, a second one ends us."""

    def __init__(self) -> None:
        self._signal: signal.Signals | None = None

    def listen(self, stop: asyncio.Event) -> None:
        """Set ``stop`` at the first SIGINT or SIGTERM, and cancel the caller at the second."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def receive(signum: signal.Signals) -> None:
            if self._signal is not None:
                task.cancel()
                return
            self._signal = signum
            print("dbalias manage: stopping it; once more to leave", file=sys.stderr)
            stop.set()

        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, receive, signum)

    def end(self, timeout: float | None) -> End:
        """Return the end of a Job that was stopped."""
        if self._signal is None:
            return End(TIMED_OUT, f"it was stopped after {timeout:g} s (--timeout)")
        return End(128 + self._signal, f"it was stopped ({self._signal.name})")


def _say(place: str, text: str) -> None:
    print(f"dbalias manage: {place}: {text}", file=sys.stderr, flush=True)
