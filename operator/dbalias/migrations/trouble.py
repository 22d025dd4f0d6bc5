"""Why a Job does not get going, in Kubernetes' own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dbalias.api.conditions import Reason
from dbalias.migrations.observed import JobState, PodState

PATIENCE = timedelta(seconds=60)
"""How long a pod may be awaited, or its container be created, before that is a trouble."""

IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
UNDER_WAY = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble of an unfinished Job. ``began`` is False when no container of it ever ran."""

    reason: Reason
    message: str
    began: bool = False


def find_trouble(job: JobState, *, now: datetime) -> Trouble | None:
    """Return what keeps an unfinished Job from starting or ending; None when all is well."""
    pod = job.pod
    if pod is None:
        return _without_pod(job, waited=now - job.created_at)
    if pod.node_lost and not pod.ended:
        return _lost_node(pod)
    if pod.started or pod.ended:
        return None
    return _before_start(job, pod, waited=now - job.created_at)


def _without_pod(job: JobState, *, waited: timedelta) -> Trouble | None:
    if job.complaints:
        return Trouble(Reason.POD_NOT_CREATED, f"its pod cannot be created: {job.complaints[-1]}")
    if waited < PATIENCE:
        return None
    return Trouble(Reason.POD_NOT_CREATED, "it has no pod; see its events")


def _lost_node(pod: PodState) -> Trouble:
    return Trouble(
        Reason.NODE_LOST,
        # A pod that is only deleted by force stays: the Job keeps it until a kubelet speaks.
        f"the node {pod.node} of its pod {pod.name} is lost or being cleared. If the node does "
        f"not come back, delete the Node object, or delete the Job and then its pod with --force",
        began=True,  # what the last report of a lost node does not show may have begun since
    )


def _before_start(job: JobState, pod: PodState, *, waited: timedelta) -> Trouble | None:
    said = f"{pod.waiting_reason}: {pod.waiting_message}".removesuffix(": ")
    if pod.waiting_reason in IMAGE_REASONS:
        return Trouble(Reason.IMAGE_NOT_PULLED, f"its image {job.image} is not pulled: {said}")
    if pod.waiting_reason and pod.waiting_reason not in UNDER_WAY:
        return Trouble(Reason.POD_CANNOT_START, f"the container of its pod cannot start: {said}")
    if pod.unschedulable_message:
        return Trouble(
            Reason.POD_UNSCHEDULABLE,
            f"no node takes its pod {pod.name}: {pod.unschedulable_message}",
        )
    if waited >= PATIENCE and job.complaints:
        return Trouble(
            Reason.POD_CANNOT_START,
            f"its pod {pod.name} is not ready to start: {job.complaints[-1]}",
        )
    return None
