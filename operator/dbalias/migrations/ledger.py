"""Bring a record up to what the Jobs show: which attempt runs, and how it ended.

The record decides over the Jobs, which anyone may delete; the Jobs decide over the record
only where it is open, or where they know of a later attempt (its status write was lost).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dbalias.migrations import outcomes
from dbalias.migrations.marks import REQUESTS, Purpose
from dbalias.migrations.observed import Finished, JobState, PodState
from dbalias.migrations.outcomes import Ending, Evidence, Retry
from dbalias.migrations.plan import Plan
from dbalias.migrations.record import LIST_LIMIT, Audit, Completed, Outcome, Record
from dbalias.migrations.report import Report, parse_report
from dbalias.migrations.wanted import Wanted


def take_stock(
    record: Record, *, wanted: Wanted, jobs: Sequence[JobState], now: datetime
) -> Record:
    """Return the record with what the alias' Jobs tell; the same record when they tell nothing."""
    job = _decisive(record, jobs=jobs, object_uid=wanted.object_uid)
    if job is None:
        if record.outcome is not Outcome.RUNNING:
            return record
        gone = replace(_nothing_known(wanted), detail="its Job was deleted before it ended")
        return _failed(record, wanted=wanted, evidence=gone, now=now)
    if record.outcome is Outcome.CANCELLED and _is_idle(job):
        return record
    running = _running(record, job)
    if job.finished is None:
        return running
    # A check's exit code alone does not tell what it has seen.
    if job.finished is Finished.COMPLETE and (
        wanted.purpose is not Purpose.CHECK or _report(job.pod)
    ):
        return _succeeded(running, job, wanted=wanted)
    evidence = _evidence(job, wanted=wanted)
    return _failed(running, wanted=wanted, evidence=evidence, now=job.finished_at or now)


def unfinished(jobs: Sequence[JobState]) -> tuple[JobState, ...]:
    """Return the Jobs that may still run, oldest attempt first."""
    return tuple(sorted((j for j in jobs if not j.finished), key=lambda job: job.attempt))


def _decisive(record: Record, *, jobs: Sequence[JobState], object_uid: str) -> JobState | None:
    """The Job that says how the last attempt stands; None when the record knows all."""
    if record.is_open:
        own = [job for job in jobs if _is_own(record, job)]
        if own:
            return own[0]
    active = unfinished(jobs)
    if active:
        return active[-1]
    later = [j for j in jobs if j.attempt > record.attempt and j.object_uid == object_uid]
    return max(later, key=lambda job: job.attempt, default=None)


def _is_own(record: Record, job: JobState) -> bool:
    return job.uid == record.job_uid if record.job_uid else job.name == record.job


def _is_idle(job: JobState) -> bool:
    """Whether the Job neither ended nor ever ran a container."""
    return not job.finished and not (job.pod and job.pod.started)


def _running(record: Record, job: JobState) -> Record:
    """The record of a Job that is there: what the Job says of itself is what runs."""
    return replace(
        record,
        attempt=job.attempt,
        outcome=Outcome.RUNNING,
        identity=job.identity or record.identity,
        body=job.body or record.body,
        image=job.image or record.image,
        job=job.name,
        job_uid=job.uid,
        started_at=job.created_at,
        finished_at=None,
        retry_at=None,
        handled_request=job.requested_at or record.handled_request,
    )


def _succeeded(record: Record, job: JobState, *, wanted: Wanted) -> Record:
    report = _report(job.pod) or Report(state="done")
    checked = job.purpose is Purpose.CHECK
    completed = Completed(
        identity=record.identity,
        image=record.image,
        image_digest=job.pod.image_digest if job.pod else None,
        job=job.name,
        started_at=job.created_at,
        finished_at=job.finished_at,
        applied_count=report.applied_count,
        last=report.last,
        ahead_count=report.ahead_count,
        ahead=report.ahead[:LIST_LIMIT],
        pending_count=report.pending_count if checked else 0,
        pending=report.pending[:LIST_LIMIT] if checked else (),
        after=wanted.decision.used_by if checked else "",
    )
    return replace(
        record,
        outcome=Outcome.SUCCEEDED,
        finished_at=job.finished_at,
        failures=0,
        reason=None,
        message="",
        completed=completed,
        audit=_audit(report),
        plan=_found(record, report, wanted=wanted) if checked else None,
    )


def _found(record: Record, report: Report, *, wanted: Wanted) -> Plan | None:
    """Return the plan of a check that ended well, with the approved one that it takes over from."""
    plan = report.plan if report.pending_count else None
    if plan is None:
        return None
    decision = wanted.decision
    made = replace(plan, identity=record.identity, job=record.job, after=decision.used_by)
    return replace(made, superseded=decision.supersession(made))


def _failed(record: Record, *, wanted: Wanted, evidence: Evidence, now: datetime) -> Record:
    ending = outcomes.judge(evidence)
    failures = record.failures + 1
    pause = outcomes.delay(failures, seed=wanted.object_uid or wanted.object)
    ended = now.replace(microsecond=0)
    again = ending.retry is Retry.AUTO
    return replace(
        record,
        outcome=Outcome.FAILED,
        finished_at=ended,
        failures=failures,
        retry_at=(ended + pause).replace(microsecond=0) if again else None,
        reason=ending.reason,
        message=_message(record, wanted=wanted, ending=ending),
        audit=_audit(evidence.report) if evidence.report else record.audit,
    )


def _message(record: Record, *, wanted: Wanted, ending: Ending) -> str:
    told = f"{wanted.subject}, Job {record.job}: {ending.happened.rstrip('.')}."
    if ending.retry is Retry.AUTO:
        return f"{told} {ending.remedy}."
    return (
        f"{told} {ending.remedy}; a change of image or settings starts another attempt, and so "
        f"does annotating {wanted.owner} with {REQUESTS[wanted.purpose]}=<time>."
    )


def _nothing_known(wanted: Wanted) -> Evidence:
    return Evidence(
        exit_code=None,
        transactional_ddl=wanted.transactional_ddl,
        writes=wanted.writes,
        command=wanted.command is not None,
    )


def _evidence(job: JobState, *, wanted: Wanted) -> Evidence:
    pod = job.pod
    lost = "" if job.finished is Finished.FAILED else "its report is lost"
    if pod is None:
        return replace(
            _nothing_known(wanted),
            exit_code=outcomes.exit_code_in(job.failure_message),
            detail=job.failure_message or lost,
        )
    report = _report(pod)
    code = pod.exit_code
    told = (pod.ended_reason, None if report else pod.termination_message, pod.disruption)
    detail = "; ".join(" ".join(text.split())[:500] for text in told if text)
    return replace(
        _nothing_known(wanted),
        exit_code=outcomes.exit_code_in(job.failure_message) if code is None else code,
        report=report,
        detail=detail or job.failure_message or lost,
        ran=pod.started or pod.node_lost,
    )


def _report(pod: PodState | None) -> Report | None:
    return parse_report(pod.termination_message) if pod else None


def _audit(report: Report) -> Audit:
    return Audit(
        errors=report.audit_errors[:LIST_LIMIT],
        error_count=report.audit_error_count,
        warnings=report.audit_warnings[:LIST_LIMIT],
        warning_count=report.audit_warning_count,
    )
