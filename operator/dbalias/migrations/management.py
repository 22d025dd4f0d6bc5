"""Jobs that a person makes for a management command: nobody's attempt, the same pod."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dbalias.api.meta import JSON, Metadata
from dbalias.api.ownership import ALIAS_LABEL, labels_of, owner_reference
from dbalias.migrations import marks
from dbalias.migrations.jobs import JobSpec, build_job, task_labels
from dbalias.migrations.marks import PROJECT, Purpose, Task
from dbalias.migrations.observed import JobState, PodState, parse_job

MANAGE = "manage"
"""Their purpose. The operator knows no such one: it neither counts nor deletes them."""


def build_management_job(spec: JobSpec, *, lifetime: int | None) -> JSON:
    """Return the Job of a command, labelled as nobody's attempt.

    ``lifetime``: seconds after its end at which Kubernetes removes it; None: with the project.
    """
    job = build_job(spec)
    pod_labels = job["spec"]["template"]["metadata"]["labels"]
    expires = {} if lifetime is None else {"ttlSecondsAfterFinished": lifetime}
    template = job["spec"]["template"]
    metadata = {**template["metadata"], "labels": _relabelled(pod_labels, spec)}
    return {
        **job,
        "metadata": {
            **job["metadata"],
            "labels": _relabelled(job["metadata"]["labels"], spec),
            "annotations": {},
            "ownerReferences": [_reference(spec.project.metadata)],
        },
        "spec": {**job["spec"], **expires, "template": {**template, "metadata": metadata}},
    }


def management_state(job: JSON, pods: Sequence[PodState], events: Iterable[JSON]) -> JobState:
    """Return the state of such a Job, read as if it were an attempt of ours."""
    metadata = job["metadata"]
    alias = metadata["labels"].get(ALIAS_LABEL, PROJECT)
    labels = metadata["labels"] | task_labels(Task(alias, Purpose.COMMAND, MANAGE), 1)
    state = parse_job({**job, "metadata": {**metadata, "labels": labels}}, pods, events)
    assert state is not None
    return state


def _relabelled(labels: JSON, spec: JobSpec) -> JSON:
    """Take from labels what makes an attempt."""
    place = {ALIAS_LABEL: spec.alias.alias} if spec.alias else {}
    kept = {name: value for name, value in labels.items() if name not in _OF_ATTEMPTS}
    ours = labels_of(spec.project.metadata.name)
    return kept | ours | place | {marks.PURPOSE_LABEL: MANAGE}


_OF_ATTEMPTS = frozenset({marks.COMMAND_LABEL, marks.ATTEMPT_LABEL})


def _reference(project: Metadata) -> JSON:
    """Return a reference that lets the Job go with its project, and asks for no further right.

    To be a controller, or to block a deletion, a person may need rights on finalizers.
    """
    full = owner_reference(project)
    return {part: full[part] for part in ("apiVersion", "kind", "name", "uid")}
