"""What the condition ``Migrated`` of an alias says, in each state a verdict can find it in.

A check speaks through the same condition, where it stands in for the migration.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status, timestamp
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.marks import REQUEST_ANNOTATION, Purpose
from dbalias.migrations.observed import JobState
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.trouble import find_trouble
from dbalias.migrations.wanted import Wanted

NAMES_SHOWN = 5
"""Pending migrations that a message names."""

UNDER_WAY = {Purpose.MIGRATE: Reason.MIGRATING, Purpose.CHECK: Reason.CHECKING}

LONG = timedelta(minutes=30)
"""A run this old is reported as long; it is never stopped for that."""


def exemption(wanted: Wanted) -> ConditionValue | None:
    """Return the condition of an alias on which nothing is to be migrated; None for others."""
    alias = wanted.alias
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
    return _migrated(Status.TRUE, reason, f"Alias {alias} {why}.")


def progress(wanted: Wanted, job: JobState, *, record: Record, now: datetime) -> ConditionValue:
    """Return the condition while a Job may be running, with the trouble it is in."""
    trouble = find_trouble(job, now=now)
    since = timestamp(job.created_at)
    if trouble:
        reason, what = trouble.reason, trouble.message
    elif job.deleting:
        reason, what = UNDER_WAY[wanted.purpose], "it was deleted, and its pod is stopping"
    elif now - job.created_at >= LONG:
        reason = Reason.LONG_RUNNING
        what = f"it has run since {since}, over 30 minutes. It is left to run; see its log"
    else:
        reason, what = UNDER_WAY[wanted.purpose], f"it was started at {since}"
    before = f" The attempt before it: {record.message}" if record.message else ""
    return _migrated(
        Status.FALSE, reason, f"Alias {wanted.alias}, Job {job.name}: {what.rstrip('.')}.{before}"
    )


def completion(wanted: Wanted, completed: Completed, *, record: Record) -> ConditionValue:
    """Return the condition of an alias whose last completed run is the wanted one."""
    if completed.pending_count:
        return _pending(wanted, completed)
    ahead = completed.ahead_count > 0
    told = _ahead(completed) if ahead else _applied(completed)
    return _migrated(
        Status.TRUE,
        Reason.DATABASE_AHEAD if ahead else Reason.MIGRATED,
        f"Alias {wanted.alias}, Job {completed.job}: {told}.{_left_over(record)}",
    )


def not_asked_for(wanted: Wanted) -> ConditionValue:
    """Return the condition where no run of this purpose is wanted: another purpose's tells more."""
    reason = _waiting_reason(wanted)
    return _migrated(Status.FALSE, reason, f"Alias {wanted.alias}: {_what_helps(wanted)}.")


def _pending(wanted: Wanted, completed: Completed) -> ConditionValue:
    """What a check found to be migrated."""
    names = ", ".join(completed.pending[:NAMES_SHOWN])
    more = completed.pending_count - min(len(completed.pending), NAMES_SHOWN)
    listed = names + (f" and {more} more" if more > 0 else "")
    return _migrated(
        Status.FALSE,
        _waiting_reason(wanted),
        f"Alias {wanted.alias}, Job {completed.job}: {completed.pending_count} migration(s) "
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
            return f"annotate DatabaseAlias/{wanted.object} with {REQUEST_ANNOTATION}=<time>"


def failure(record: Record) -> ConditionValue:
    """Return the condition after a failed attempt, with the time of the next one, if any."""
    message = record.message
    if record.retry_at:
        message += f" Next attempt at {timestamp(record.retry_at)}."
    return _migrated(Status.FALSE, record.reason or Reason.MIGRATION_FAILED, message)


def starting(wanted: Wanted, job: str, *, number: int) -> ConditionValue:
    """Return the condition of an alias whose Job is being created."""
    return _migrated(
        Status.FALSE,
        UNDER_WAY[wanted.purpose],
        f"Alias {wanted.alias}: Job {job} is being created (attempt {number}).",
    )


def name_taken(wanted: Wanted, job: str) -> ConditionValue:
    """Return the condition for a Job's name that a foreign object holds."""
    return _migrated(
        Status.FALSE,
        Reason.NAME_TAKEN,
        f"Alias {wanted.alias}: a Job {job} that is not ours has the name of the next attempt. "
        f"Delete or rename it.",
    )


def not_created(wanted: Wanted, job: str, *, message: str) -> ConditionValue:
    """Return the condition for a Job that the API server did not let us create."""
    return _migrated(
        Status.FALSE,
        Reason.POD_NOT_CREATED,
        f"Alias {wanted.alias}: the Job {job} cannot be created: {message}",
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


def _migrated(status: Status, reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(Condition.MIGRATED, status, reason, message)
