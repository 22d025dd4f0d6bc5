"""The Job of an attempt: its name and its body."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.api.ownership import ALIAS_LABEL, labels_of, owner_reference
from dbalias.api.project import Command, DjangoProject
from dbalias.migrations import marks
from dbalias.migrations.marks import PROJECT, Purpose, Task
from dbalias.migrations.pods import Program, build_pod_spec, manage_program, migrate_program

SLUG_LENGTH = 18
LETTERS = {Purpose.MIGRATE: "m", Purpose.CHECK: "c", Purpose.COMMAND: "x"}
"""What a Job's name says of its purpose."""
KEEP_RUNNING = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}
"""A migration must not be moved to make room."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """All that a Job's body depends on.

    ``config_map`` is the revision's immutable one, ``secret`` the stable one,
    ``migrate_secret`` the one with migration-only credentials, when there is one.
    ``database`` is ``database_mark`` of the physical database. ``body`` is empty while the
    body itself is being hashed. ``alias`` is None for a command that takes no database.
    """

    project: DjangoProject
    alias: DatabaseAlias | None
    config_map: str
    secret: str
    purpose: Purpose = Purpose.MIGRATE
    command: Command | None = None
    """Set for the purpose of that name alone."""
    migrate_secret: str | None = None
    approved: str | None = None
    """Digest of the plan that a person approved; None where nobody has to."""
    attempt: int = 1
    name: str = ""
    """The name that the record holds; empty: the one ``job_name`` gives."""
    identity: str = ""
    body: str = ""
    database: str = ""
    requested_at: str | None = None

    @property
    def task(self) -> Task:
        """What the run is for, and where."""
        alias = self.alias.alias if self.alias else PROJECT
        return Task(alias, self.purpose, self.command.name if self.command else "")


def job_name(project: str, task: Task, identity: str, attempt: int) -> str:
    """Return a legal name (at most 63 characters), the same for the same arguments.

    The digest is over the unabridged names too, so that tasks whose slugs meet stay apart.
    """
    place = f"{task.command} {task.alias}" if task.command else task.alias
    mark = digest([project, place, identity])
    return f"{_slug(project)}-{_slug(place)}-{LETTERS[task.purpose]}-{mark}-{attempt}"


def build_job(spec: JobSpec) -> JSON:
    """Return the Job that runs one attempt in one pod.

    One pod only: no back-off limit, no replacement while one still terminates; a failed
    container fails the Job in words that name its exit code.
    """
    project, migrate = spec.project, spec.project.migrate
    body: dict[str, JSON] = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [_fail_on_any_exit_code()]},
        "template": {
            "metadata": {
                "labels": {**migrate.pod.labels, **_labels(spec)},
                "annotations": {**migrate.pod.annotations, **_protection(spec.purpose)},
            },
            "spec": build_pod_spec(
                project, _program(spec), attempt=spec.attempt, sources=_published(spec)
            ),
        },
    }
    if migrate.deadline_seconds is not None:
        body["activeDeadlineSeconds"] = migrate.deadline_seconds
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": spec.name or _name(spec),
            "namespace": project.metadata.namespace,
            "labels": _labels(spec),
            "annotations": _annotations(spec),
            "ownerReferences": [owner_reference(project.metadata)],
        },
        "spec": body,
    }


def _name(spec: JobSpec) -> str:
    return job_name(spec.project.metadata.name, spec.task, spec.identity, spec.attempt)


def _program(spec: JobSpec) -> Program:
    if spec.command is not None:
        return manage_program(spec.project, spec.command.args, spec.alias)
    assert spec.alias is not None
    return migrate_program(spec.project, spec.alias, spec.purpose, approved=spec.approved)


def _protection(purpose: Purpose) -> dict[str, str]:
    """A check that is moved has written nothing, and is made again."""
    return {} if purpose is Purpose.CHECK else KEEP_RUNNING


def _labels(spec: JobSpec) -> dict[str, str]:
    labels = labels_of(spec.project.metadata.name) | task_labels(spec.task, spec.attempt)
    return labels | ({marks.DATABASE_LABEL: spec.database} if spec.database else {})


def task_labels(task: Task, attempt: int) -> dict[str, str]:
    """Return the labels by which a Job and its pod are told apart from the project's others."""
    said = {
        ALIAS_LABEL: task.alias,
        marks.PURPOSE_LABEL: task.purpose.value,
        marks.COMMAND_LABEL: task.command,
        marks.ATTEMPT_LABEL: str(attempt),
    }
    return {name: value for name, value in said.items() if value}


def _annotations(spec: JobSpec) -> dict[str, str]:
    said = {
        marks.IDENTITY_ANNOTATION: spec.identity,
        marks.BODY_ANNOTATION: spec.body,
        marks.OBJECT_UID_ANNOTATION: (spec.alias or spec.project).metadata.uid,
        marks.REQUESTS[spec.purpose]: spec.requested_at,
    }
    return {name: value for name, value in said.items() if value}


def _published(spec: JobSpec) -> list[JSON]:
    """What the pod mounts; nothing is optional: a pod without it would start and crash."""
    secrets = (spec.secret, spec.migrate_secret)
    return [
        {"configMap": {"name": spec.config_map}},
        *({"secret": {"name": name}} for name in secrets if name),
    ]


def _fail_on_any_exit_code() -> JSON:
    return {
        "action": "FailJob",
        "onExitCodes": {"containerName": marks.CONTAINER, "operator": "NotIn", "values": [0]},
    }


def _slug(text: str) -> str:
    """Return up to 18 characters of [a-z0-9-] that begin and end with a letter or digit."""
    legal = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return legal[:SLUG_LENGTH].strip("-") or "x"
