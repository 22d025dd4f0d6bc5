"""The Job of an attempt: its name and its body."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.api.ownership import ALIAS_LABEL, labels_of, owner_reference
from dbalias.api.project import DjangoProject
from dbalias.migrations import marks
from dbalias.migrations.marks import Purpose
from dbalias.migrations.pods import build_pod_spec

SLUG_LENGTH = 18
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
    body itself is being hashed.
    """

    project: DjangoProject
    alias: DatabaseAlias
    config_map: str
    secret: str
    purpose: Purpose = Purpose.MIGRATE
    migrate_secret: str | None = None
    attempt: int = 1
    name: str = ""
    """The name that the record holds; empty: the one ``job_name`` gives."""
    identity: str = ""
    body: str = ""
    database: str = ""
    requested_at: str | None = None


def job_name(
    project: str, alias: str, identity: str, attempt: int, *, purpose: Purpose = Purpose.MIGRATE
) -> str:
    """Return a legal name (at most 63 characters), the same for the same arguments.

    The digest is over the unabridged names too, so that aliases whose slugs meet stay apart.
    """
    mark = digest([project, alias, identity])
    return f"{_slug(project)}-{_slug(alias)}-{purpose[0]}-{mark}-{attempt}"


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
                project,
                spec.alias,
                purpose=spec.purpose,
                attempt=spec.attempt,
                sources=_published(spec),
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
    project, alias = spec.project.metadata.name, spec.alias.alias
    return job_name(project, alias, spec.identity, spec.attempt, purpose=spec.purpose)


def _protection(purpose: Purpose) -> dict[str, str]:
    """A check that is moved has written nothing, and is made again."""
    return KEEP_RUNNING if purpose is Purpose.MIGRATE else {}


def _labels(spec: JobSpec) -> dict[str, str]:
    return {
        **labels_of(spec.project.metadata.name),
        ALIAS_LABEL: spec.alias.alias,
        marks.PURPOSE_LABEL: spec.purpose.value,
        marks.ATTEMPT_LABEL: str(spec.attempt),
    }


def _annotations(spec: JobSpec) -> dict[str, str]:
    said = {
        marks.IDENTITY_ANNOTATION: spec.identity,
        marks.BODY_ANNOTATION: spec.body,
        marks.ALIAS_UID_ANNOTATION: spec.alias.metadata.uid,
        marks.DATABASE_ANNOTATION: spec.database,
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
