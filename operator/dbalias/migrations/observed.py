"""What the cluster shows of our Jobs and their pods, as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dbalias.api.conditions import parse_timestamp
from dbalias.api.meta import JSON
from dbalias.api.ownership import ALIAS_LABEL, MANAGED_BY, MANAGER, PROJECT_LABEL
from dbalias.migrations import marks
from dbalias.migrations.marks import PROJECT, Purpose, Task

COMPLAINT_LIMIT = 500
"""Characters kept of a message that Kubernetes wrote."""
COMPLAINT_REASONS = frozenset(
    {"FailedCreate", "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"}
)
NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of a terminated container in which no process ever ran."""
NOT_LOCATED = "ContainerStatusUnknown"
"""Reason that the kubelet gives where a pod ends and it knows no container, or none any more."""
IMAGE_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,128}$")
"""The end of an ``imageID``, whichever way the runtime begins it."""
LOST_NODE = frozenset({"DeletionByTaintManager", "DeletionByPodGC"})
"""Reasons of DisruptionTarget that say the node, not the pod, is at fault."""


class Finished(StrEnum):
    """How a Job ended, by its condition of that type."""

    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class PodState:
    """The one pod of a Job. ``owner`` is the Job's uid, also when the Job was orphaned from it."""

    name: str
    namespace: str = ""
    uid: str = ""
    owner: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    created_at: datetime | None = None
    phase: str = "Pending"
    node: str | None = None
    started: bool = False
    """A container process ran, now or before."""
    waiting_reason: str | None = None
    waiting_message: str = ""
    exit_code: int | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None
    """Kubernetes' word for the end: Error, OOMKilled, StartError, Evicted …"""
    termination_message: str | None = None
    deleting: bool = False
    node_lost: bool = False
    disruption: str | None = None
    """What Kubernetes says about why it took the pod away."""
    unschedulable_message: str | None = None
    image_digest: str | None = None
    """Which image the container really has, whatever its name says by now."""

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.phase in {"Succeeded", "Failed"}


@dataclass(frozen=True, slots=True)
class JobState:
    """A Job of ours, ``alias`` as in ``Task``. ``finished`` None: it may still run, or will."""

    name: str
    uid: str
    alias: str
    attempt: int
    identity: str
    body: str
    created_at: datetime
    purpose: Purpose = Purpose.MIGRATE
    command: str = ""
    namespace: str = ""
    project: str = ""
    object_uid: str = ""
    database: str = ""
    requested_at: str | None = None
    image: str | None = None
    finished: Finished | None = None
    failure_message: str = ""
    finished_at: datetime | None = None
    deleting: bool = False
    pod: PodState | None = None
    complaints: tuple[str, ...] = ()
    """What events say about why no pod is made or starts; the newest last."""

    @property
    def task(self) -> Task:
        """What it is for, and where."""
        return Task(self.alias, self.purpose, self.command)


def parse_pod(body: JSON) -> PodState:
    """Return the state of a pod's container ``migrate`` and of its surroundings."""
    meta, status = body["metadata"], body.get("status") or {}
    container = _named(status.get("containerStatuses"), marks.CONTAINER)
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    disruption = _condition(status, "DisruptionTarget")
    unscheduled = _condition(status, "PodScheduled", wanted="False")
    return PodState(
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        uid=meta.get("uid", ""),
        owner=_controller_uid(meta) or (meta.get("labels") or {}).get(marks.JOB_UID_LABEL, ""),
        labels=tuple(sorted((meta.get("labels") or {}).items())),
        created_at=parse_timestamp(meta.get("creationTimestamp")),
        phase=status.get("phase") or "Pending",
        node=(body.get("spec") or {}).get("nodeName") or None,
        started="running" in state or bool(ended and not _never_ran(container, ended)),
        waiting_reason=waiting.get("reason"),
        waiting_message=_bounded(waiting.get("message")),
        exit_code=ended.get("exitCode"),
        ended_at=parse_timestamp(ended.get("finishedAt")),
        ended_reason=ended.get("reason") or status.get("reason"),
        termination_message=ended.get("message"),
        deleting=bool(meta.get("deletionTimestamp")),
        node_lost=_is_given_up(status) or disruption.get("reason") in LOST_NODE,
        disruption=_bounded(disruption.get("message") or status.get("message")) or None,
        unschedulable_message=_bounded(unscheduled.get("message")) or None,
        image_digest=_digest_in(container.get("imageID")),
    )


def parse_job(body: JSON, pods: Sequence[PodState], events: Iterable[JSON]) -> JobState | None:
    """Return the state of a Job with its own pod; None when its labels are not ours.

    ``pods`` and ``events`` may hold those of other Jobs: they are told apart by uid. Only the
    conditions Complete and Failed tell the end: FailureTarget comes while the pod still runs.
    """
    meta, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    if not is_ours(labels):
        return None
    purpose = Purpose(labels[marks.PURPOSE_LABEL])
    pod = newest([pod for pod in pods if pod.owner and pod.owner == meta.get("uid")])
    finished, end = _end(status)
    return JobState(
        name=meta["name"],
        uid=meta["uid"],
        alias=labels.get(ALIAS_LABEL, PROJECT),
        attempt=int(labels[marks.ATTEMPT_LABEL]),
        identity=notes.get(marks.IDENTITY_ANNOTATION, ""),
        body=notes.get(marks.BODY_ANNOTATION, ""),
        created_at=parse_timestamp(meta.get("creationTimestamp")) or datetime.fromtimestamp(0, UTC),
        purpose=purpose,
        command=labels.get(marks.COMMAND_LABEL, ""),
        namespace=meta.get("namespace", ""),
        project=labels.get(PROJECT_LABEL, ""),
        object_uid=notes.get(marks.OBJECT_UID_ANNOTATION, ""),
        database=labels.get(marks.DATABASE_LABEL, ""),
        requested_at=notes.get(marks.REQUESTS[purpose]),
        image=_named(_containers(spec), marks.CONTAINER).get("image"),
        finished=finished,
        failure_message=_bounded(end.get("message")) if finished is Finished.FAILED else "",
        finished_at=parse_timestamp(status.get("completionTime") or end.get("lastTransitionTime"))
        if finished
        else None,
        deleting=bool(meta.get("deletionTimestamp")),
        pod=pod,
        complaints=_complaints(events, {meta["uid"], pod.uid if pod else ""} - {""}),
    )


def is_ours(labels: JSON) -> bool:
    """Tell whether labels are those of a Job of ours, or of its pod."""
    commands = labels.get(marks.PURPOSE_LABEL) == Purpose.COMMAND
    return (
        labels.get(MANAGED_BY) == MANAGER
        and labels.get(marks.PURPOSE_LABEL) in set(Purpose)
        and bool(labels.get(marks.COMMAND_LABEL)) is commands
        and (commands or bool(labels.get(ALIAS_LABEL)))
        and (labels.get(marks.ATTEMPT_LABEL) or "").isdecimal()
    )


def _end(status: JSON) -> tuple[Finished | None, JSON]:
    for finished in Finished:
        if condition := _condition(status, finished.value):
            return finished, condition
    return None, {}


def _condition(status: JSON, kind: str, *, wanted: str = "True") -> JSON:
    for condition in status.get("conditions") or ():
        if condition.get("type") == kind and condition.get("status") == wanted:
            return condition
    return {}


def _is_given_up(status: JSON) -> bool:
    """Tell whether the node controller has given the pod's node up.

    It then says of pods that they are not ready, and lets stand what was said of their
    containers; a kubelet never says both, as our pods have no readiness gates.
    """
    unready = _condition(status, "Ready", wanted="False")
    return status.get("reason") == "NodeLost" or bool(
        unready and _condition(status, "ContainersReady")
    )


def _named(items: JSON, name: str) -> JSON:
    return next((item for item in items or () if item.get("name") == name), {})


def _containers(spec: JSON) -> JSON:
    return ((spec.get("template") or {}).get("spec") or {}).get("containers")


def _never_ran(container: JSON, ended: JSON) -> bool:
    """Whether no process of a terminated container ran: it could not start, or never was one."""
    if ended.get("reason") in NEVER_RAN:
        return True
    before = (container.get("lastState") or {}).get("terminated")
    return ended.get("reason") == NOT_LOCATED and not (container.get("containerID") or before)


def _controller_uid(meta: JSON) -> str:
    for reference in meta.get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference.get("uid", ""))
    return ""


def newest(pods: Sequence[PodState]) -> PodState | None:
    """Return the pod that was made last, None for none."""
    beginning = datetime.fromtimestamp(0, UTC)
    return max(pods, key=lambda pod: (pod.created_at or beginning, pod.name), default=None)


def _complaints(events: Iterable[JSON], uids: set[str]) -> tuple[str, ...]:
    ours = [
        event
        for event in events
        if (event.get("involvedObject") or {}).get("uid") in uids
        and event.get("reason") in COMPLAINT_REASONS
    ]
    ours.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    messages = [_bounded(event.get("message")) for event in ours]
    return tuple(message for message in messages if message)[-5:]


def _digest_in(image_id: str | None) -> str | None:
    found = IMAGE_DIGEST.search(image_id or "")
    return found.group() if found else None


def _bounded(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return flat if len(flat) <= COMPLAINT_LIMIT else flat[: COMPLAINT_LIMIT - 1] + "…"
