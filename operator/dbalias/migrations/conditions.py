"""What the condition of a run says, in each state a verdict can find it in.

A migration speaks through ``Migrated`` of its alias, a check too, where it stands in for the
migration; other commands speak through ``CommandsCompleted``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dbalias.api.conditions import (
    STALLING,
    Condition,
    ConditionValue,
    Reason,
    Status,
    timestamp,
)
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.marks import REQUEST_ANNOTATION, Purpose
from dbalias.migrations.observed import JobState
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.trouble import find_trouble
from dbalias.migrations.wanted import Wanted

NAMES_SHOWN = 5
"""Pending migrations that a message names."""

UNDER_WAY = {
    Purpose.MIGRATE: Reason.MIGRATING,
    Purpose.CHECK: Reason.CHECKING,
    Purpose.COMMAND: Reason.RUNNING_COMMAND,
}

LONG = timedelta(minutes=30)
"""A run this old is reported as long; it is never stopped for that."""


def exemption(wanted: Wanted) -> ConditionValue | None:
    """Return the condition of an alias on which nothing is to be run; None for others."""
    if wanted.purpose is Purpose.COMMAND:
        return _command_exemption(wanted)
    match wanted.kind:
        case EntryKind.EMPTY:
            reason, why = Reason.EMPTY_DEFAULT, "is empty on purpose: nothing can reach it"
        case EntryKind.REPLICA:
            reason, why = Reason.REPLICA, "is a replica: its primary is migrated"
        case EntryKind.LOCAL:
            reason, why = Reason.LOCAL_DATABASE, "is a file of each pod: no Job can migrate it"
        case _ if wanted.mode is MigrateMode.NEVER:
            reason, why = Reason.NOT_MANAGED, "is not migrated by dbalias (migrate.mode Never)"
        case _ if wanted.image is None:
            reason, why = Reason.NOT_MANAGED, "is not migrated: the project has no spec.image"
        case _:
            return None
    return told(wanted, Status.TRUE, reason, f"{wanted.subject} {why}.")


def _command_exemption(wanted: Wanted) -> ConditionValue | None:
    if wanted.image is None:
        why = "is not run: the project has no spec.image"
    elif wanted.mode is MigrateMode.CHECK and wanted.writes:
        why = "is not run: migrate.mode is Check, and it may write"
    else:
        return None
    return told(wanted, Status.TRUE, Reason.NOT_MANAGED, f"{wanted.subject} {why}.")


def progress(wanted: Wanted, job: JobState, *, record: Record, now: datetime) -> ConditionValue:
    """Return the condition while a Job may be running, with the trouble it is in."""
    trouble = find_trouble(job, now=now)
    since = timestamp(job.created_at)
    under_way = _under_way(wanted, record)
    if trouble:
        reason, what = trouble.reason, trouble.message
    elif job.deleting:
        reason, what = under_way, "it was deleted, and its pod is stopping"
    elif now - job.created_at >= LONG:
        reason = Reason.LONG_RUNNING
        what = f"it has run since {since}, over 30 minutes. It is left to run; see its log"
    else:
        reason, what = under_way, f"it was started at {since}"
    before = f" The attempt before it: {record.message}" if record.message else ""
    message = f"{wanted.subject}, Job {job.name}: {what.rstrip('.')}.{before}"
    return told(wanted, Status.FALSE, reason, message)


def completion(wanted: Wanted, completed: Completed, *, record: Record) -> ConditionValue:
    """Return the condition of an alias whose last completed run is the wanted one."""
    if completed.pending_count:
        return _pending(wanted, completed)
    if wanted.purpose is Purpose.COMMAND:
        reason, account = Reason.COMMANDS_COMPLETED, "it has ended well"
    elif completed.ahead_count:
        reason, account = Reason.DATABASE_AHEAD, _ahead(completed)
    else:
        reason, account = Reason.MIGRATED, _applied(completed)
    message = f"{wanted.subject}, Job {completed.job}: {account}.{_left_over(record)}"
    return told(wanted, Status.TRUE, reason, message)


def not_asked_for(wanted: Wanted) -> ConditionValue:
    """Return the condition where no run of this purpose is wanted: another purpose's tells more."""
    reason = _waiting_reason(wanted)
    return told(wanted, Status.FALSE, reason, f"{wanted.subject}: {_what_helps(wanted)}.")


def _pending(wanted: Wanted, completed: Completed) -> ConditionValue:
    """What a check found to be migrated."""
    names = ", ".join(completed.pending[:NAMES_SHOWN])
    more = completed.pending_count - min(len(completed.pending), NAMES_SHOWN)
    listed = names + (f" and {more} more" if more > 0 else "")
    return told(
        wanted,
        Status.FALSE,
        _waiting_reason(wanted),
        f"{wanted.subject}, Job {completed.job}: {completed.pending_count} migration(s) "
        f"pending: {listed}; {_what_helps(wanted)}.",
    )


def _waiting_reason(wanted: Wanted) -> Reason:
    return Reason.AWAITING_APPROVAL if wanted.mode is MigrateMode.APPROVE else Reason.PENDING


def _what_helps(wanted: Wanted) -> str:
    match wanted.mode:
        case MigrateMode.CHECK:
            return "migrate.mode is Check, so nothing is written: set it to Auto to migrate"
        case MigrateMode.APPROVE:
            return "migrate.mode is Approve: a person decides"
        case _:
            return f"annotate {wanted.owner} with {REQUEST_ANNOTATION}=<time>"


def failure(wanted: Wanted, record: Record) -> ConditionValue:
    """Return the condition after a failed attempt, with the time of the next one, if any."""
    message = record.message
    if record.retry_at:
        message += f" Next attempt at {timestamp(record.retry_at)}."
    return told(wanted, Status.FALSE, record.reason or Reason.MIGRATION_FAILED, message)


def starting(wanted: Wanted, record: Record) -> ConditionValue:
    """Return the condition of an alias whose Job is being created."""
    return told(
        wanted,
        Status.FALSE,
        _under_way(wanted, record),
        f"{wanted.subject}: Job {record.job} is being created (attempt {record.attempt}).",
    )


def name_taken(wanted: Wanted, job: str) -> ConditionValue:
    """Return the condition for a Job's name that a foreign object holds."""
    return told(
        wanted,
        Status.FALSE,
        Reason.NAME_TAKEN,
        f"{wanted.subject}: a Job {job} that is not ours has the name of the next attempt. "
        f"Delete or rename it.",
    )


def not_created(wanted: Wanted, job: str, *, message: str) -> ConditionValue:
    """Return the condition for a Job that the API server did not let us create."""
    return told(
        wanted,
        Status.FALSE,
        Reason.POD_NOT_CREATED,
        f"{wanted.subject}: the Job {job} cannot be created: {message}",
    )


def _applied(completed: Completed) -> str:
    """What a run that left nothing to do has done."""
    last = f"; the last is {completed.last}" if completed.last else ""
    if not completed.applied_count:
        return f"nothing was left to migrate{last}"
    return f"{completed.applied_count} migration(s) applied{last}"


def _ahead(completed: Completed) -> str:
    more = completed.ahead_count - len(completed.ahead)
    names = ", ".join(completed.ahead) + (f" and {more} more" if more > 0 else "")
    return f"the database has migrations that the image {completed.image} does not know: {names}"


def _left_over(record: Record) -> str:
    """What a failed attempt of something else, wanted no more, may have left behind."""
    if record.outcome is not Outcome.FAILED:
        return ""
    return f" A later attempt of {record.image} failed (Job {record.job}) and is wanted no more."


def _under_way(wanted: Wanted, record: Record) -> Reason:
    """While an attempt repeats a failed one, the reason is still that one's: nothing is new."""
    if record.reason is None or record.reason in STALLING:
        return UNDER_WAY[wanted.purpose]
    return record.reason


def told(wanted: Wanted, status: Status, reason: Reason, message: str) -> ConditionValue:
    """Return the condition that a run of this purpose speaks through."""
    commands = wanted.purpose is Purpose.COMMAND
    kind = Condition.COMMANDS_COMPLETED if commands else Condition.MIGRATED
    return ConditionValue(kind, status, reason, message)
