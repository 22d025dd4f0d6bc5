"""Jobs that are gone, as far as their pods still tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from dbalias.api.ownership import ALIAS_LABEL, PROJECT_LABEL
from dbalias.migrations import marks
from dbalias.migrations.marks import PROJECT, Purpose
from dbalias.migrations.observed import Finished, JobState, PodState, is_ours, newest


def survivors(pods: Iterable[PodState], jobs: Iterable[JobState]) -> tuple[JobState, ...]:
    """Return a deleted Job for each pod of ours whose Job is gone; it has ended as the pod has.

    A Job that is deleted in the background is gone at once, while its pod has up to ten
    minutes to stop, and one that is orphaned goes on: until it ends the alias is not free for
    another run, and how it ends is how the attempt did.
    """
    known = {job.uid for job in jobs}
    left: dict[str, list[PodState]] = {}
    for pod in pods:
        if pod.owner and pod.owner not in known and is_ours(dict(pod.labels)):
            left.setdefault(pod.owner, []).append(pod)
    running = {uid: [pod for pod in of_one if not pod.ended] for uid, of_one in left.items()}
    decisive = (newest(running[uid] or of_one) for uid, of_one in left.items())
    return tuple(_without_job(pod) for pod in decisive if pod)


def last_words(gone: Iterable[PodState], jobs: Iterable[JobState]) -> tuple[JobState, ...]:
    """Return a deleted Job for each pod that had ended when it went, and its Job with it."""
    return survivors([pod for pod in gone if pod.ended], jobs)


def _without_job(pod: PodState) -> JobState:
    labels = dict(pod.labels)
    return JobState(
        name=labels.get(marks.JOB_NAME_LABEL, pod.name),
        uid=pod.owner,
        alias=labels.get(ALIAS_LABEL, PROJECT),
        attempt=int(labels[marks.ATTEMPT_LABEL]),
        identity="",
        body="",
        created_at=pod.created_at or datetime.fromtimestamp(0, UTC),
        purpose=Purpose(labels[marks.PURPOSE_LABEL]),
        command=labels.get(marks.COMMAND_LABEL, ""),
        namespace=pod.namespace,
        project=labels.get(PROJECT_LABEL, ""),
        database=labels.get(marks.DATABASE_LABEL, ""),
        finished=_ending(pod),
        finished_at=pod.ended_at if pod.ended else None,
        deleting=True,
        pod=replace(pod, deleting=True),
    )


def _ending(pod: PodState) -> Finished | None:
    if not pod.ended:
        return None
    return Finished.COMPLETE if pod.phase == "Succeeded" else Finished.FAILED
