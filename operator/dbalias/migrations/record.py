"""What is kept about runs in the status of a DatabaseAlias, or of the DjangoProject itself.

Migrations in ``migration``, checks in ``check``, other commands by name in ``commands``: records
of one shape, so that a check never changes what is known about a migration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from dbalias.api.conditions import Reason, parse_timestamp, timestamp
from dbalias.api.meta import JSON
from dbalias.migrations.marks import Purpose, Task
from dbalias.migrations.plan import Plan

LIST_LIMIT = 10
"""Entries kept of a list that a report brought; its count is kept beside it."""

FIELDS: Mapping[Purpose, str] = {Purpose.MIGRATE: "migration", Purpose.CHECK: "check"}
"""Where an alias' status keeps the record of each purpose."""
PLAN = "plan"
"""Where an alias' status keeps what the last check found to be done."""
COMMANDS = "commands"
"""Where a status keeps the records of commands: a list, by name."""

E = TypeVar("E", bound=StrEnum)


class Outcome(StrEnum):
    """Where the last attempt stands."""

    NONE = "None"
    STARTING = "Starting"
    """Decided and stored; its Job may or may not have been created."""
    RUNNING = "Running"
    CANCELLED = "Cancelled"
    """Its Job could not start a container, the wish changed, the Job is being deleted."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Completed:
    """The last run that completed. ``ahead``: in the database, unknown to that image.

    ``pending`` is what a check found to be migrated; a migration leaves none. ``after`` is the
    Job of the migration that was the last one when a check looked.
    """

    identity: str
    image: str | None = None
    job: str = ""
    finished_at: datetime | None = None
    applied_count: int = 0
    last: str | None = None
    ahead_count: int = 0
    ahead: tuple[str, ...] = ()
    pending_count: int = 0
    pending: tuple[str, ...] = ()
    started_at: datetime | None = None
    image_digest: str | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the routing audit of the last attempt found."""

    errors: tuple[str, ...] = ()
    error_count: int = 0
    warnings: tuple[str, ...] = ()
    warning_count: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """The last attempt and the last completed run.

    ``retry_at`` is set when a failed attempt is repeated by itself; a failed one without it
    waits for a change or a request. ``failures`` counts those in a row for the same wish.
    ``approved`` is the digest of the plan that the attempt may run, ``plan`` what a check found.
    Times have whole seconds, so that what is written equals what is read back.
    """

    attempt: int = 0
    outcome: Outcome = Outcome.NONE
    identity: str = ""
    body: str = ""
    image: str | None = None
    job: str = ""
    job_uid: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failures: int = 0
    retry_at: datetime | None = None
    reason: Reason | None = None
    message: str = ""
    handled_request: str | None = None
    approved: str | None = None
    completed: Completed | None = None
    audit: Audit = Audit()
    plan: Plan | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last attempt may still have, or get, a Job that runs."""
        return self.outcome in {Outcome.STARTING, Outcome.RUNNING, Outcome.CANCELLED}

    @classmethod
    def stored(cls, status: Mapping[str, JSON], task: Task) -> Record:
        """Return the record that a status keeps for one task of its object."""
        if task.purpose in FIELDS:
            kept = status.get(FIELDS[task.purpose])
        else:
            kept = next((c for c in _commands(status) if c["name"] == task.command), None)
        record = cls.parse(kept) if kept else cls()
        if task.purpose is Purpose.CHECK:
            return replace(record, plan=Plan.parse(status.get(PLAN)))
        return record

    @classmethod
    def parse(cls, status: JSON) -> Record:
        """Return the record in one of those fields; what is missing or odd counts as unset."""
        read = _Reader(status)
        return cls(
            attempt=read.number("attempt"),
            outcome=_member(Outcome, read.text("outcome")) or Outcome.NONE,
            identity=read.text("identity"),
            body=read.text("body"),
            image=read.text("image") or None,
            job=read.text("job"),
            job_uid=read.text("jobUID"),
            started_at=read.time("startedAt"),
            finished_at=read.time("finishedAt"),
            failures=read.number("failures"),
            retry_at=read.time("retryAt"),
            reason=_member(Reason, read.text("reason")),
            message=read.text("message"),
            handled_request=read.text("handledRequest") or None,
            approved=read.text("approved") or None,
            completed=_parse_completed(read.below("completed")),
            audit=_parse_audit(read.below("audit")),
        )

    def render(self) -> dict[str, JSON]:
        """Return the field's value; {} for a record that says nothing."""
        return _said(
            {
                "attempt": self.attempt,
                "outcome": "" if self.outcome is Outcome.NONE else self.outcome.value,
                "identity": self.identity,
                "body": self.body,
                "image": self.image,
                "job": self.job,
                "jobUID": self.job_uid,
                "startedAt": _moment(self.started_at),
                "finishedAt": _moment(self.finished_at),
                "failures": self.failures,
                "retryAt": _moment(self.retry_at),
                "reason": self.reason.value if self.reason else None,
                "message": self.message,
                "handledRequest": self.handled_request,
                "approved": self.approved,
                "completed": _render_completed(self.completed) if self.completed else None,
                "audit": _render_audit(self.audit),
            }
        )


def stored_tasks(status: Mapping[str, JSON], alias: str) -> Iterator[Task]:
    """Yield every task of which a status keeps a record."""
    for purpose, field in FIELDS.items():
        if status.get(field):
            yield Task(alias, purpose)
    for kept in _commands(status):
        yield Task(alias, Purpose.COMMAND, kept["name"])


def render_commands(records: Mapping[Task, Record], alias: str) -> list[JSON]:
    """Return the records of an alias' commands, or of the project's, as a status keeps them."""
    own = sorted(task for task in records if task.command and task.alias == alias)
    return [
        {"name": task.command, **rendered} for task in own if (rendered := records[task].render())
    ]


def _commands(status: Mapping[str, JSON]) -> Iterator[Mapping[str, JSON]]:
    listed = status.get(COMMANDS)
    for kept in listed if isinstance(listed, list | tuple) else ():
        if isinstance(kept, Mapping) and isinstance(kept.get("name"), str):
            yield kept


def _parse_completed(read: _Reader) -> Completed | None:
    if not read.text("identity"):
        return None
    return Completed(
        identity=read.text("identity"),
        image=read.text("image") or None,
        job=read.text("job"),
        started_at=read.time("startedAt"),
        finished_at=read.time("finishedAt"),
        applied_count=read.number("appliedCount"),
        last=read.text("last") or None,
        ahead_count=read.number("aheadCount"),
        ahead=read.texts("ahead"),
        pending_count=read.number("pendingCount"),
        pending=read.texts("pending"),
        after=read.text("after"),
        image_digest=read.text("imageDigest") or None,
    )


def _render_completed(completed: Completed) -> dict[str, JSON]:
    counted = {"appliedCount": completed.applied_count, "aheadCount": completed.ahead_count}
    return counted | _said(
        {
            "identity": completed.identity,
            "image": completed.image,
            "imageDigest": completed.image_digest,
            "job": completed.job,
            "startedAt": _moment(completed.started_at),
            "finishedAt": _moment(completed.finished_at),
            "last": completed.last,
            "ahead": list(completed.ahead[:LIST_LIMIT]),
            "pendingCount": completed.pending_count,
            "pending": list(completed.pending[:LIST_LIMIT]),
            "after": completed.after,
        }
    )


def _parse_audit(read: _Reader) -> Audit:
    return Audit(
        errors=read.texts("errors"),
        error_count=read.number("errorCount"),
        warnings=read.texts("warnings"),
        warning_count=read.number("warningCount"),
    )


def _render_audit(audit: Audit) -> dict[str, JSON]:
    return _said(
        {
            "errors": list(audit.errors[:LIST_LIMIT]),
            "errorCount": audit.error_count,
            "warnings": list(audit.warnings[:LIST_LIMIT]),
            "warningCount": audit.warning_count,
        }
    )


class _Reader:
    """Reads a mapping that someone else may have written: never raises."""

    def __init__(self, data: JSON) -> None:
        self._data: Mapping[str, JSON] = data if isinstance(data, Mapping) else {}

    def text(self, key: str) -> str:
        value = self._data.get(key)
        return value if isinstance(value, str) else ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        listed = value if isinstance(value, list | tuple) else ()
        return tuple(text for text in listed if isinstance(text, str))[:LIST_LIMIT]

    def number(self, key: str) -> int:
        value = self._data.get(key)
        return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0

    def time(self, key: str) -> datetime | None:
        return parse_timestamp(self.text(key))

    def below(self, key: str) -> _Reader:
        return _Reader(self._data.get(key))


def _member(kind: type[E], text: str) -> E | None:
    return kind(text) if text in set(kind) else None


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def _said(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value}
