"""The life of one Job that a person made: its log as it grows, its troubles, and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from dbalias.api.meta import JSON
from dbalias.cluster.user import PodLog, UserCluster
from dbalias.migrations.management import management_state
from dbalias.migrations.marks import CONTAINER, JOB_NAME_LABEL
from dbalias.migrations.observed import Finished, JobState, PodState, parse_pod
from dbalias.migrations.outcomes import Evidence, exit_code_in, judge
from dbalias.migrations.report import parse_report
from dbalias.migrations.trouble import find_trouble
from dbalias.reconcile.ports import ClusterError, Resource, UnreadableError

NOT_RUN = 125
"""The exit code when the command did not run to an end of its own, as container tools have it."""
POLL = 1.0
DRAIN = 10.0
"""Seconds that a log gets to come to its end once its container has."""
OUR_LINES = b"dbalias: "
_LAST_LINE = re.compile(rb"dbalias: ended \d+ \w+: .*$")
"""It stands behind a last line of the command that has no end of its own, such as a dump's."""


@dataclass(frozen=True, slots=True)
class End:
    """How a Job ended: the exit code to return, and what to say of it (nothing of a success)."""

    code: int
    message: str = ""


class Watched:
    """One Job from its creation to its end; ``stop`` asks to end it before."""

    def __init__(
        self, cluster: UserCluster, job: JSON, *, stop: asyncio.Event, say: Callable[[str], None]
    ) -> None:
        self._cluster = cluster
        self._job = job
        self._namespace: str = job["metadata"]["namespace"]
        self._name: str = job["metadata"]["name"]
        self._uid = ""
        self._stop = stop
        self._say = say
        self._said = ""
        self._log: PodLog | None = None
        self._follower: asyncio.Task[None] | None = None

    async def run(self, *, keep: bool) -> End:
        """Make the Job and see it to its end; raise ClusterError when it cannot be made."""
        made = await self._cluster.create(Resource.JOBS, self._namespace, self._job)
        self._uid = made["metadata"]["uid"]
        try:
            state = await self._watch()
        finally:
            if self._follower is not None:
                self._follower.cancel()
                await asyncio.wait([self._follower])
        if not keep and not self._stop.is_set():
            await self._delete()
        return _end_of(state)

    async def _watch(self) -> JobState | None:
        """Look until it is over; None: nothing tells how it ended."""
        state = await self._look()
        while not _is_over(state) and not self._stop.is_set():
            self._tell_trouble(state)
            self._follow(state)
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it forgets a second Ctrl-C just after the first.
                async with asyncio.timeout(POLL):
                    await self._stop.wait()
            state = await self._look() or state
        if not _is_over(state):
            state = await self._give_up(state)
        self._follow(state)
        await self._drain()
        return state

    async def _give_up(self, state: JobState | None) -> JobState | None:
        """Delete the Job, which tells its pod to stop, and wait until that has ended."""
        await self._delete()
        while not _is_over(state) and state is not None and state.pod is not None:
            self._follow(state)
            await asyncio.sleep(POLL)
            state = await self._look() or state
        return state

    async def _look(self) -> JobState | None:
        """Return what the cluster shows; None while it shows nothing."""
        try:
            job = await self._cluster.get(Resource.JOBS, self._namespace, self._name)
            pods = await self._pods()
            if job is None:
                return management_state(self._as_deleted(has_pod=bool(pods)), pods, ())
            started = any(pod.started for pod in pods)
            events = [] if started else await self._events([self._uid, *(p.uid for p in pods)])
            return management_state(job, pods, events)
        except UnreadableError as error:
            self._say_once(str(error))
            return None

    async def _pods(self) -> list[PodState]:
        labels = {JOB_NAME_LABEL: self._name}
        found = await self._cluster.list(Resource.PODS, self._namespace, labels=labels)
        return [pod for body in found if (pod := parse_pod(body)).owner == self._uid]

    async def _events(self, uids: list[str]) -> list[JSON]:
        listed = [
            await self._cluster.list(
                Resource.EVENTS, self._namespace, fields={"involvedObject.uid": uid}
            )
            for uid in uids
        ]
        return [one for events in listed for one in events if one.get("type") == "Warning"]

    def _as_deleted(self, *, has_pod: bool) -> JSON:
        """Return the Job as it was made, which is over once its pod is gone as well."""
        gone = {"type": "Failed", "status": "True", "message": "its Job was deleted"}
        metadata = {**self._job["metadata"], "uid": self._uid}
        conditions = [] if has_pod else [gone]
        return {**self._job, "metadata": metadata, "status": {"conditions": conditions}}

    def _tell_trouble(self, state: JobState | None) -> None:
        trouble = None if state is None else find_trouble(state, now=datetime.now(UTC))
        if trouble is not None:
            self._say_once(
                f"Job {self._name} does not get on ({trouble.reason}): {trouble.message}"
            )

    def _say_once(self, text: str) -> None:
        if text != self._said:
            self._say(text)
        self._said = text

    def _follow(self, state: JobState | None) -> None:
        """Begin to show the log as soon as there is a container that has one."""
        pod = state.pod if state else None
        if self._log is None and pod is not None and pod.started:
            self._log = self._cluster.follow(self._namespace, pod.name, container=CONTAINER)
            self._follower = asyncio.create_task(self._show(self._log))

    async def _show(self, log: PodLog) -> None:
        """Show the log until cancelled: the end of a stream may be that of a connection."""
        while True:
            try:
                await _print(log, follow=True)
            except BrokenPipeError:
                return  # nobody reads any more; the command goes on, and its exit code counts
            except UnreadableError as error:
                self._say_once(f"the log cannot be followed: {error}")
            await asyncio.sleep(POLL)

    async def _drain(self) -> None:
        """Show what the log still has, once its container has ended."""
        if self._log is None or self._follower is None:
            return
        self._follower.cancel()
        await asyncio.wait([self._follower])
        with contextlib.suppress(TimeoutError, UnreadableError, BrokenPipeError):
            async with asyncio.timeout(DRAIN):
                await _print(self._log, follow=False)

    async def _delete(self) -> None:
        try:
            await self._cluster.delete(Resource.JOBS, self._namespace, self._name, uid=self._uid)
        except ClusterError as error:
            self._say(f"Job {self._name} is left to Kubernetes: {error}")


async def _print(log: PodLog, *, follow: bool) -> None:
    """Write the command's lines to standard output, and the runner's own beside it."""
    async for line in log.lines(follow=follow):
        told = _LAST_LINE.search(line)
        cut = told.start() if told else 0 if line.startswith(OUR_LINES) else len(line)
        if cut or not line:
            _write(sys.stdout, line[:cut])
        if line[cut:]:
            _write(sys.stderr, line[cut:])


def _write(stream: TextIO, line: bytes) -> None:
    """Write a line as it is: a dump's bytes are not ours to decode."""
    stream.buffer.write(line + b"\n")
    stream.buffer.flush()


def _is_over(state: JobState | None) -> bool:
    return state is not None and bool(state.finished or (state.pod and state.pod.ended))


def _end_of(state: JobState | None) -> End:
    """Return the command's own exit code where it came to one, else NOT_RUN with the reason."""
    pod = state.pod if state else None
    report = parse_report(pod.termination_message) if pod else None
    if report is not None and report.command_exit is not None:
        return End(report.command_exit, report.message if report.command_exit else "")
    if state is None:
        return End(NOT_RUN, "nothing tells how it ended")
    if state.finished is Finished.COMPLETE:
        return End(0)
    code = pod.exit_code if pod else exit_code_in(state.failure_message)
    detail = (pod.disruption or pod.ended_reason or "") if pod else state.failure_message
    ending = judge(Evidence(code, report, detail, ran=pod is None or pod.started))
    return End(NOT_RUN, f"{ending.happened}. {ending.remedy}")
