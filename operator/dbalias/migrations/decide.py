"""One alias: must a Job start now, and what does its condition ``Migrated`` say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status, timestamp
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.jobs import job_name
from dbalias.migrations.ledger import take_stock, unfinished
from dbalias.migrations.observed import JobState
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.trouble import PATIENCE, find_trouble
from dbalias.migrations.wanted import Wanted

__all__ = ["Attempt", "Verdict", "Wanted", "decide", "name_taken", "not_created"]

LONG = timedelta(minutes=30)
"""A run this old is reported as long; it is never stopped for that."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run to start. ``record`` is stored first, then the Job ``job`` is created."""

    number: int
    job: str
    record: Record


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for one alias.

    ``record`` is what to store when nothing is started; when ``start`` is let through by
    ``order.release``, ``start.record`` is stored instead. ``retire`` names finished Jobs whose
    outcome the record that was read already held; ``cancel`` a Job (uid: ``record.job_uid``)
    to delete once ``record`` is stored. ``done``: nothing is left to migrate for what is
    wanted. ``stalled``: only a change or a request helps. ``active``: a Job may be running.
    """

    record: Record
    condition: ConditionValue
    start: Attempt | None = None
    cancel: str | None = None
    retire: tuple[str, ...] = ()
    wake_at: datetime | None = None
    done: bool = False
    failed: bool = False
    stalled: bool = False
    active: bool = False


def decide(
    wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime
) -> Verdict:
    """Return the verdict on one alias; total and pure.

    ``record`` is the one read from the API, ``jobs`` all of the alias' migrate Jobs together
    with ``observed.survivors``.
    """
    known = take_stock(record, wanted=wanted, jobs=jobs, now=now)
    verdict = _judge(wanted, record=known, jobs=jobs, now=now)
    return replace(verdict, retire=_retired(record, jobs=jobs, limit=wanted.history_limit))


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


def _judge(
    wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime
) -> Verdict:
    """A chain: the first that applies."""
    active = unfinished(jobs)
    exempt = _exemption(wanted)
    if exempt:
        return _exempt(wanted, exempt, record=record, active=active, now=now)
    if active:
        return _while_running(wanted, record=record, job=active[-1], now=now)
    if _is_done(wanted, record):
        return _done(wanted, record=record)
    if wanted.mode is not MigrateMode.AUTO:
        return _by_request_only(wanted, record=record)
    if record.outcome is Outcome.FAILED and not _is_changed(wanted, record):
        if record.retry_at is None or record.retry_at > now:
            return _after_failure(record)
    return _start(wanted, record=record, jobs=jobs, now=now)


def _exemption(wanted: Wanted) -> ConditionValue | None:
    """The condition of an alias on which nothing is ever to be migrated."""
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


def _exempt(
    wanted: Wanted,
    condition: ConditionValue,
    *,
    record: Record,
    active: Sequence[JobState],
    now: datetime,
) -> Verdict:
    """Nothing to do; a Job that runs is left to run, one that cannot start is not."""
    asked = wanted.requested_at or record.handled_request
    verdict = Verdict(replace(record, handled_request=asked), condition, done=True)
    if not active:
        return verdict
    if _is_stuck(active[-1], now):
        verdict = _cancelled(verdict, active[-1])
    return replace(verdict, active=True)


def _while_running(
    wanted: Wanted, *, record: Record, job: JobState, now: datetime
) -> Verdict:
    verdict = Verdict(record, _progress(wanted, job, now=now), active=True)
    if _is_stuck(job, now) and _is_changed(wanted, record):
        return _cancelled(verdict, job)
    waits = job.created_at + (LONG if job.pod else PATIENCE)
    return replace(verdict, wake_at=waits if waits > now else None)


def _progress(wanted: Wanted, job: JobState, *, now: datetime) -> ConditionValue:
    said = f"Alias {wanted.alias}, Job {job.name}: "
    trouble = find_trouble(job, now=now)
    if trouble:
        return _migrated(Status.FALSE, trouble.reason, f"{said}{trouble.message}.")
    if job.deleting:
        what = "it was deleted; its pod has time to stop between two migrations"
        return _migrated(Status.FALSE, Reason.MIGRATING, f"{said}{what}.")
    since = timestamp(job.created_at)
    if now - job.created_at >= LONG:
        what = f"it has run since {since}, over 30 minutes. It is left to run; see its log"
        return _migrated(Status.FALSE, Reason.LONG_RUNNING, f"{said}{what}.")
    return _migrated(Status.FALSE, Reason.MIGRATING, f"{said}started {since}.")


def _is_stuck(job: JobState, now: datetime) -> bool:
    """Whether no container of the Job ever ran and something keeps it so."""
    trouble = find_trouble(job, now=now)
    return bool(trouble and not trouble.began and not job.deleting)


def _cancelled(verdict: Verdict, job: JobState) -> Verdict:
    return replace(
        verdict, record=replace(verdict.record, outcome=Outcome.CANCELLED), cancel=job.name
    )


def _is_requested(wanted: Wanted, record: Record) -> bool:
    return bool(wanted.requested_at) and wanted.requested_at != record.handled_request


def _is_changed(wanted: Wanted, record: Record) -> bool:
    """Whether another attempt may end differently from the last one."""
    same = record.identity == wanted.identity and record.body == wanted.body
    return not same or _is_requested(wanted, record)


def _is_done(wanted: Wanted, record: Record) -> bool:
    """Whether the last completed run is the wanted one, and none was asked for since."""
    completed = record.completed is not None and record.completed.identity == wanted.identity
    repeated = record.outcome is not Outcome.SUCCEEDED and record.identity == wanted.identity
    return completed and not repeated and not _is_requested(wanted, record)


def _done(wanted: Wanted, *, record: Record) -> Verdict:
    completed = record.completed
    assert completed is not None
    ahead = completed.ahead_count > 0
    condition = _migrated(
        Status.TRUE,
        Reason.DATABASE_AHEAD if ahead else Reason.MIGRATED,
        f"Alias {wanted.alias}, Job {completed.job}: "
        f"{_ahead(completed) if ahead else _applied(completed)}.{_left_over(record)}",
    )
    return Verdict(record, condition, done=True)


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


def _by_request_only(wanted: Wanted, *, record: Record) -> Verdict:
    if wanted.mode is MigrateMode.CHECK:
        reason, what = Reason.PENDING, "migrate.mode is Check: nothing is written"
    else:
        reason, what = Reason.AWAITING_APPROVAL, "migrate.mode is Approve: the plan awaits approval"
    message = f"Alias {wanted.alias}: not migrated as wanted now; {what}."
    return Verdict(record, _migrated(Status.FALSE, reason, message))


def _after_failure(record: Record) -> Verdict:
    message = record.message
    if record.retry_at:
        message += f" Next attempt at {timestamp(record.retry_at)}."
    condition = _migrated(Status.FALSE, record.reason or Reason.MIGRATION_FAILED, message)
    return Verdict(
        record,
        condition,
        wake_at=record.retry_at,
        failed=True,
        stalled=record.retry_at is None,
    )


def _start(
    wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime
) -> Verdict:
    attempt = _next_attempt(wanted, record=record, jobs=jobs, now=now)
    condition = _migrated(
        Status.FALSE,
        Reason.MIGRATING,
        f"Alias {wanted.alias}: Job {attempt.job} is being started (attempt {attempt.number}).",
    )
    return Verdict(record, condition, start=attempt, failed=record.outcome is Outcome.FAILED)


def _next_attempt(
    wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime
) -> Attempt:
    """The next number; the same number and name again when its Job was never created.

    Under the same name a creation that was sent late can only collide, never run beside it.
    """
    again = record.outcome is Outcome.STARTING
    number = record.attempt
    if not again:
        number = max([record.attempt, *(job.attempt for job in jobs)]) + 1
    name = record.job if again else ""
    name = name or job_name(wanted.project, wanted.alias, wanted.identity, number)
    started = replace(
        record,
        attempt=number,
        outcome=Outcome.STARTING,
        identity=wanted.identity,
        body=wanted.body,
        image=wanted.image,
        job=name,
        job_uid="",
        started_at=record.started_at if again else now.replace(microsecond=0),
        finished_at=None,
        failures=0 if _is_changed(wanted, record) else record.failures,
        retry_at=None,
        reason=None,
        message="",
        handled_request=wanted.requested_at or record.handled_request,
    )
    return Attempt(number, name, started)


def _retired(record: Record, *, jobs: Sequence[JobState], limit: int) -> tuple[str, ...]:
    """The oldest finished Jobs beyond ``limit``, as far as their outcome is stored."""
    finished = sorted((job for job in jobs if job.finished), key=lambda job: job.attempt)
    surplus = finished[: max(0, len(finished) - limit)]
    stored = record.attempt if record.is_open else record.attempt + 1
    return tuple(job.name for job in surplus if job.attempt < stored and not job.deleting)


def _migrated(status: Status, reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(Condition.MIGRATED, status, reason, message)
