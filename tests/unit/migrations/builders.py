"""Values for tests of the migrations room: each as short as what the test is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dbalias.api.alias import AliasMigrate, DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Metadata
from dbalias.api.ownership import ALIAS_LABEL, labels_of
from dbalias.api.project import DjangoProject, MigrateMode
from dbalias.django.connections import Connection, PhysicalDatabase
from dbalias.django.engines import Family
from dbalias.django.entries import Entry, EntryKind
from dbalias.migrations import marks
from dbalias.migrations.decide import Verdict, decide
from dbalias.migrations.observed import Finished, JobState, PodState
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.wanted import Wanted

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
ALIAS_UID = "alias-1"


def seconds(count: float) -> timedelta:
    """A stretch of time."""
    return timedelta(seconds=count)


def a_wish(**changes: Any) -> Wanted:
    """What is wanted of the alias ``users``: a plain primary under mode Auto."""
    fields: dict[str, Any] = {
        "project": "shop",
        "alias": "users",
        "object": "shop-users",
        "object_uid": ALIAS_UID,
        "identity": "identity-a",
        "body": "body-a",
        "kind": EntryKind.PRIMARY,
        "mode": MigrateMode.AUTO,
        "database": "mysql://db:3306/users",
        "image": "shop:1",
    }
    return Wanted(**(fields | changes))


def a_pod(**changes: Any) -> PodState:
    """A pod whose container runs."""
    fields: dict[str, Any] = {
        "name": "pod-1",
        "uid": "pod-uid",
        "owner": "job-uid",
        "phase": "Running",
        "node": "node-1",
        "started": True,
    }
    return PodState(**(fields | changes))


def a_waiting_pod(**changes: Any) -> PodState:
    """A pod in which no container has run."""
    return a_pod(**({"phase": "Pending", "started": False} | changes))


def an_ended_pod(code: int, report: str | None = None, **changes: Any) -> PodState:
    """A pod whose container ended with this code."""
    phase = "Succeeded" if code == 0 else "Failed"
    ended = {"phase": phase, "exit_code": code, "termination_message": report}
    return a_pod(**(ended | changes))


def a_job(**changes: Any) -> JobState:
    """The first attempt of the alias ``users``, running since NOW."""
    fields: dict[str, Any] = {
        "name": "job-1",
        "uid": "job-uid",
        "alias": "users",
        "attempt": 1,
        "identity": "identity-a",
        "body": "body-a",
        "created_at": NOW,
        "project": "shop",
        "object_uid": ALIAS_UID,
        "image": "shop:1",
        "pod": a_pod(),
    }
    return JobState(**(fields | changes))


def a_complete_job(report: str | None = None, **changes: Any) -> JobState:
    """An attempt that completed."""
    ended = {
        "finished": Finished.COMPLETE,
        "finished_at": NOW,
        "pod": an_ended_pod(0, report),
    }
    return a_job(**(ended | changes))


def a_failed_job(code: int, report: str | None = None, **changes: Any) -> JobState:
    """An attempt whose container failed with this code."""
    ended = {
        "finished": Finished.FAILED,
        "finished_at": NOW,
        "failure_message": f"Container migrate for pod ns/pod-1 failed with exit code {code}",
        "pod": an_ended_pod(code, report),
    }
    return a_job(**(ended | changes))


def a_running_record(**changes: Any) -> Record:
    """The record of the first attempt while its Job runs."""
    fields: dict[str, Any] = {
        "attempt": 1,
        "outcome": Outcome.RUNNING,
        "identity": "identity-a",
        "body": "body-a",
        "image": "shop:1",
        "job": "job-1",
        "job_uid": "job-uid",
        "started_at": NOW,
    }
    return Record(**(fields | changes))


def a_report(**fields: JSON) -> str:
    """A runner's report with these fields."""
    return json.dumps({"format": 1, "database": "users", "state": "failed"} | fields)


def a_project(**changes: Any) -> DjangoProject:
    """The project shop."""
    fields: dict[str, Any] = {
        "metadata": Metadata("ns", "shop", uid="project-uid"),
        "image": "shop:1",
    }
    return DjangoProject(**(fields | changes))


def an_alias(**migrate: Any) -> DatabaseAlias:
    """The alias users; arguments are those of its ``migrate``."""
    return DatabaseAlias(
        metadata=Metadata("ns", "shop-users", uid=ALIAS_UID),
        project="shop",
        alias="users",
        migrate=AliasMigrate(**migrate),
    )


def an_entry(name: str = "users") -> Entry:
    """The resolved alias, its database of this name."""
    database = PhysicalDatabase(Family.MYSQL, "db", "3306", name)
    return Entry(
        "users", "shop-users", EntryKind.PRIMARY, Connection({}, database), MigrateMode.AUTO
    )


def a_job_body(**status: JSON) -> dict[str, Any]:
    """A Job as the API server returns it, with this status."""
    return {
        "metadata": {
            "name": "job-1",
            "uid": "job-uid",
            "creationTimestamp": "2026-05-04T12:00:00Z",
            "labels": _job_labels(),
            "annotations": {
                marks.IDENTITY_ANNOTATION: "identity-a",
                marks.BODY_ANNOTATION: "body-a",
                marks.OBJECT_UID_ANNOTATION: ALIAS_UID,
            },
        },
        "spec": {
            "template": {"spec": {"containers": [{"name": marks.CONTAINER, "image": "shop:1"}]}}
        },
        "status": status,
    }


def a_pod_body(state: JSON = None, **status: JSON) -> dict[str, Any]:
    """A pod as the API server returns it; ``state`` is that of the container ``migrate``."""
    container = {"name": marks.CONTAINER, "state": state or {}}
    return {
        "metadata": {
            "name": "pod-1",
            "uid": "pod-uid",
            "labels": _job_labels() | {marks.JOB_NAME_LABEL: "job-1"},
            "ownerReferences": [{"controller": True, "uid": "job-uid"}],
        },
        "spec": {"nodeName": "node-1"},
        "status": {"containerStatuses": [container]} | status,
    }


def _job_labels() -> dict[str, str]:
    return labels_of("shop") | {
        ALIAS_LABEL: "users",
        marks.PURPOSE_LABEL: marks.Purpose.MIGRATE.value,
        marks.ATTEMPT_LABEL: "1",
    }


def verdict_on(
    wanted: Wanted,
    record: Record = Record(),  # noqa: B008
    jobs: Sequence[JobState] = (),
    *,
    at: datetime = NOW,
) -> Verdict:
    """One decision."""
    return decide(wanted, record=record, jobs=jobs, now=at)


SUCCEEDED = a_running_record(
    outcome=Outcome.SUCCEEDED, completed=Completed("identity-a", "shop:1", "job-1", NOW)
)
FAILED = a_running_record(
    outcome=Outcome.FAILED, failures=1, reason=Reason.MIGRATION_FAILED, message="It failed."
)
RETRIED = replace(FAILED, reason=Reason.LOGIN_REFUSED, retry_at=NOW + seconds(10))
NEWER = a_wish(identity="identity-b", body="body-b", image="shop:2")
PULL = a_waiting_pod(waiting_reason="ImagePullBackOff", waiting_message="no such image")
