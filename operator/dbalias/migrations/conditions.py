"""What the condition ``Migrated`` of an alias says, in each state a verdict can find it in."""

from __future__ import annotations

from datetime import datetime, timedelta

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status, timestamp
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.observed import JobState
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.trouble import find_trouble
from dbalias.migrations.wanted import Wanted

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
        reason, what = Reason.MIGRATING, "it was deleted; its pod may stop between two migrations"
    elif now - job.created_at >= LONG:
        reason = Reason.LONG_RUNNING
        what = f"it has run since {since}, over 30 minutes. It is left to run; see its log"
    else:
        reason, what = Reason.MIGRATING, f"it was started at {since}"
    before = f" The attempt before it: {record.message}" if record.message else ""
    return _migrated(
        Status.FALSE, reason, f"Alias {wanted.alias}, Job {job.name}: {what.rstrip('.')}.{before}"
    )


def completion(wanted: Wanted, completed: Completed, *, record: Record) -> ConditionValue:
    """Return the condition of an alias whose last completed run is the wanted one."""
    ahead = completed.ahead_count > 0
    told = _ahead(completed) if ahead else _applied(completed)
    return _migrated(
        Status.TRUE,
        Reason.DATABASE_AHEAD if ahead else Reason.MIGRATED,
        f"Alias {wanted.alias}, Job {completed.job}: {told}.{_left_over(record)}",
    )


def by_request_only(wanted: Wanted) -> ConditionValue:
    """Return the condition of what is not migrated under the modes Check and Approve."""
    if wanted.mode is MigrateMode.CHECK:
        reason, what = Reason.PENDING, "migrate.mode is Check: nothing is written"
    else:
        reason, what = Reason.AWAITING_APPROVAL, "migrate.mode is Approve: a person decides"
    return _migrated(
        Status.FALSE, reason, f"Alias {wanted.alias}: not migrated as wanted now; {what}."
    )


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
        Reason.MIGRATING,
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
