"""The last lines of the logs of what runs and of what has failed, with the caller's own rights."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dbalias.api.meta import JSON, Key
from dbalias.api.ownership import PROJECT_LABEL
from dbalias.cli.progress import AliasProgress, CommandProgress, ProjectProgress, State
from dbalias.cli.steps import read_step
from dbalias.cluster.user import UserCluster
from dbalias.migrations.marks import CONTAINER, JOB_NAME_LABEL
from dbalias.migrations.observed import parse_pod
from dbalias.reconcile.ports import Resource, UnreadableError

LINES = 100
"""Lines that are read of a log, to find the step that they tell."""
SHOWN = 5
MOST = 20
"""Logs of failed runs that are read; every running one is."""
AT_ONCE = 8
FORBIDDEN = ": 403 "

Job = tuple[Key, str]


@dataclass
class Logs:
    """Reads logs as often as it is asked; what it may not read it says once."""

    cluster: UserCluster
    say: Callable[[str], None]
    _said: set[str] = field(default_factory=set)

    async def add_to(self, projects: Sequence[ProjectProgress]) -> list[ProjectProgress]:
        """Return the projects with steps and last lines of what runs or has failed."""
        wanted = {project.key: list(_wanted(project)) for project in projects}
        listed = await asyncio.gather(
            *(self._pods(key, names) for key, names in wanted.items() if names)
        )
        slots = asyncio.Semaphore(AT_ONCE)
        pods = {job: pod for found in listed for job, pod in found.items()}
        tails = await asyncio.gather(*(self._tail(job, pod, slots) for job, pod in pods.items()))
        told = dict(zip(pods, tails, strict=True))
        return [_with_logs(project, told) for project in projects]

    async def _pods(self, key: Key, jobs: Sequence[str]) -> dict[Job, str]:
        """Return the pod of each of these Jobs that has begun to run."""
        labels = {PROJECT_LABEL: key.name}
        try:
            found = await self.cluster.list(Resource.PODS, key.namespace, labels=labels)
        except UnreadableError as error:
            self._say_once(str(error))
            return {}
        newest = sorted(found, key=lambda body: str(body["metadata"].get("creationTimestamp")))
        return {
            (key, job): str(body["metadata"]["name"])
            for body in newest
            if (job := _job_of(body)) in jobs and parse_pod(body).started
        }

    async def _tail(self, job: Job, pod: str, slots: asyncio.Semaphore) -> list[str]:
        async with slots:
            try:
                return await self.cluster.tail(
                    job[0].namespace, pod, container=CONTAINER, lines=LINES
                )
            except UnreadableError as error:
                if FORBIDDEN in str(error):  # else it is just the pod that is gone
                    self._say_once(f"{error}; without the right to pods/log no logs are shown")
                return []

    def _say_once(self, text: str) -> None:
        kind = text.partition("/pods/")[0]
        if kind not in self._said:
            self.say(text)
        self._said.add(kind)


def _wanted(project: ProjectProgress) -> Iterator[str]:
    """Yield the Jobs whose logs tell something: all that run, and some that have failed."""
    runs: Iterable[AliasProgress | CommandProgress] = (*project.aliases, *project.commands)
    failed = 0
    for one in runs:
        failed += one.state is State.FAILED
        running = one.state in (State.RUNNING, State.CHECKING)
        if one.job and (running or (one.state is State.FAILED and failed <= MOST)):
            yield one.job


def _job_of(pod: JSON) -> str:
    return str((pod["metadata"].get("labels") or {}).get(JOB_NAME_LABEL, ""))


def _with_logs(project: ProjectProgress, told: Mapping[Job, list[str]]) -> ProjectProgress:
    def add(one: AliasProgress) -> AliasProgress:
        lines = told.get((project.key, one.job), [])
        running = one.state in (State.RUNNING, State.CHECKING)
        return replace(one, step=read_step(lines) if running else None, log=_last(lines))

    commands = (
        replace(one, log=_last(told.get((project.key, one.job), []))) for one in project.commands
    )
    return replace(project, aliases=tuple(map(add, project.aliases)), commands=tuple(commands))


def _last(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(deque((line for line in lines if line.strip()), SHOWN))
