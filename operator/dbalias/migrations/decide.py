"""One task: must a Job start, may one be deleted, is there anything left to do.

Migrations, checks and other commands are attempts of one kind: each task has its record, its
Jobs and its requests, and none changes what is known of another. ``standing`` sums up what the
first two say of an alias, ``commands`` what the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dbalias.api.conditions import ConditionValue, Status, parse_timestamp
from dbalias.api.project import MigrateMode
from dbalias.migrations import conditions
from dbalias.migrations.approval import used_by
from dbalias.migrations.conditions import name_taken, not_created
from dbalias.migrations.jobs import job_name
from dbalias.migrations.ledger import take_stock, unfinished
from dbalias.migrations.marks import Purpose
from dbalias.migrations.observed import JobState
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.trouble import PATIENCE, find_trouble
from dbalias.migrations.wanted import Wanted, request_order

__all__ = ["Attempt", "Verdict", "Wanted", "decide", "name_taken", "not_created"]

AHEAD = timedelta(days=1)
"""How far a clock may be ahead that dates requests, time zones included."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run to start. ``record`` is stored first, then the Job ``job`` is created."""

    number: int
    job: str
    record: Record


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for one task.

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


def decide(wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime) -> Verdict:
    """Return the verdict on one task; total and pure.

    ``record`` is the one read from the API, ``jobs`` all of the project's Jobs, of which those
    of the task count, together with ``remains.survivors``.
    """
    jobs = [job for job in jobs if job.task == wanted.task]
    known = _in_time(take_stock(record, wanted=wanted, jobs=jobs, now=now), wanted, now)
    verdict = _judge(wanted, record=known, jobs=jobs, now=now)
    return replace(verdict, retire=_retired(record, jobs=jobs, limit=wanted.history_limit))


def _judge(wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime) -> Verdict:
    """A chain: the first that applies."""
    active = unfinished(jobs)
    if exempt := conditions.exemption(wanted):
        verdict = _exempt(wanted, exempt, record=record)
        return _with_active(verdict, active[-1], unwanted=True, now=now) if active else verdict
    if active:
        return _while_running(wanted, record=record, job=active[-1], now=now)
    if completed := _completed(wanted, record):
        told = conditions.completion(wanted, completed, record=record)
        return Verdict(record, told, done=told.status is Status.TRUE)
    if not _is_owed(wanted, record):
        return _idle(wanted, record)
    if _is_waiting(record, now) and not _is_changed(wanted, record):
        return _after_failure(wanted, record)
    return _start(wanted, record=record, jobs=jobs, now=now)


def _exempt(wanted: Wanted, condition: ConditionValue, *, record: Record) -> Verdict:
    """Nothing to do, and so a request is answered."""
    asked = wanted.request or record.handled_request
    return Verdict(replace(record, handled_request=asked), condition, done=True)


def _while_running(wanted: Wanted, *, record: Record, job: JobState, now: datetime) -> Verdict:
    condition = conditions.progress(wanted, job, record=record, now=now)
    turns = (job.created_at + age for age in (PATIENCE, conditions.LONG))
    wake_at = min((turn for turn in turns if turn > now), default=None)
    verdict = Verdict(record, condition, wake_at=wake_at)
    return _with_active(verdict, job, unwanted=_is_changed(wanted, record), now=now)


def _with_active(verdict: Verdict, job: JobState, *, unwanted: bool, now: datetime) -> Verdict:
    """An unwanted Job is left to run, unless it never ran a container and something keeps it so.

    Such a one would block the alias for ever. Only the record's own is cancelled: another
    is adopted first.
    """
    verdict = replace(verdict, active=True)
    trouble = find_trouble(job, now=now)
    stuck = trouble is not None and not trouble.began and not job.deleting
    if not (unwanted and stuck and verdict.record.job_uid == job.uid):
        return verdict
    record = replace(verdict.record, outcome=Outcome.CANCELLED)
    return replace(verdict, record=record, cancel=job.name)


def _is_owed(wanted: Wanted, record: Record) -> bool:
    """Whether a run may start: by itself, or as the answer to a request.

    A check that was asked for is owed until it has told something; where a person decides, a
    migration is owed when it is approved.
    """
    if wanted.is_automatic or wanted.purpose is Purpose.MIGRATE:
        return wanted.is_automatic or _is_approved(wanted, record)
    return _is_requested(wanted, record) or record.is_open or record.retry_at is not None


def _is_approved(wanted: Wanted, record: Record) -> bool:
    """Whether the plan that is known may run, and no run has used the approval up."""
    plan, last = wanted.decision.plan, used_by(record)
    return wanted.approved is not None and plan is not None and last in {None, plan.after}


def _is_withdrawn(wanted: Wanted) -> bool:
    """Whether a migration needs an approval and has none."""
    by_person = wanted.purpose is Purpose.MIGRATE and wanted.mode is MigrateMode.APPROVE
    return by_person and wanted.approved is None


def _idle(wanted: Wanted, record: Record) -> Verdict:
    if record.outcome is Outcome.FAILED:
        return replace(_after_failure(wanted, record), wake_at=None)
    return Verdict(record, conditions.not_asked_for(wanted))


def _is_waiting(record: Record, now: datetime) -> bool:
    """Whether the last attempt failed and its time has not come, or never comes by itself."""
    return record.outcome is Outcome.FAILED and (record.retry_at is None or record.retry_at > now)


def _in_time(record: Record, wanted: Wanted, now: datetime) -> Record:
    """Forget a request of days to come once another is made: none would ever be later."""
    handled = record.handled_request
    moment = parse_timestamp(handled)
    if handled == wanted.request or moment is None or moment <= now + AHEAD:
        return record
    return replace(record, handled_request=None)


def _is_requested(wanted: Wanted, record: Record) -> bool:
    """A request counts once, and not after a later one was handled."""
    if not wanted.request or wanted.request == record.handled_request:
        return False
    if record.handled_request is None or parse_timestamp(wanted.request) is None:
        return True
    return request_order(record.handled_request) < request_order(wanted.request)


def _is_changed(wanted: Wanted, record: Record) -> bool:
    """Whether another attempt may end differently from the last one."""
    same = wanted.is_of(record.identity) and record.body == wanted.body
    approved_anew = used_by(record) is not None and _is_approved(wanted, record)
    return not same or approved_anew or _is_withdrawn(wanted) or _is_requested(wanted, record)


def _completed(wanted: Wanted, record: Record) -> Completed | None:
    """The last completed run, if it is the wanted one and none was asked for since.

    A plan that was found after it may be approved; a check is made anew after a run that
    failed, because a person decides by what it says.
    """
    repeated = record.outcome is not Outcome.SUCCEEDED and wanted.is_of(record.identity)
    if record.completed is None or repeated or _is_requested(wanted, record):
        return None
    if wanted.purpose is Purpose.MIGRATE and _is_approved(wanted, record):
        return None
    failed = wanted.decision.failed if wanted.mode is MigrateMode.APPROVE else ""
    if wanted.purpose is Purpose.CHECK and failed and record.completed.after != failed:
        return None
    return record.completed if wanted.is_of(record.completed.identity) else None


def _after_failure(wanted: Wanted, record: Record) -> Verdict:
    return Verdict(
        record,
        conditions.failure(wanted, record),
        wake_at=record.retry_at,
        failed=True,
        stalled=record.retry_at is None,
    )


def _start(wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime) -> Verdict:
    attempt = _next_attempt(wanted, record=record, jobs=jobs, now=now)
    condition = conditions.starting(wanted, attempt.record)
    return Verdict(record, condition, start=attempt, failed=record.outcome is Outcome.FAILED)


def _next_attempt(
    wanted: Wanted, *, record: Record, jobs: Sequence[JobState], now: datetime
) -> Attempt:
    """The next number; the same number and name again when its Job was never created.

    Under the same name a creation that was sent late can only collide, never run beside it.
    """
    again = record.outcome is Outcome.STARTING
    changed = _is_changed(wanted, record)
    number = record.attempt
    if not again:
        number = max([record.attempt, *(job.attempt for job in jobs)]) + 1
    name = record.job if again else ""
    name = name or job_name(wanted.project, wanted.task, wanted.identity, number)
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
        failures=0 if changed else record.failures,
        retry_at=None,
        reason=None if changed else record.reason,
        message="" if changed else record.message,
        handled_request=wanted.request or record.handled_request,
        approved=wanted.approved if wanted.purpose is Purpose.MIGRATE else None,
    )
    return Attempt(number, name, started)


def _retired(record: Record, *, jobs: Sequence[JobState], limit: int) -> tuple[str, ...]:
    """The oldest finished Jobs beyond ``limit``, as far as their outcome is stored."""
    finished = sorted((job for job in jobs if job.finished), key=lambda job: job.attempt)
    surplus = finished[: max(0, len(finished) - limit)]
    stored = record.attempt if record.is_open else record.attempt + 1
    return tuple(job.name for job in surplus if job.attempt < stored and not job.deleting)
