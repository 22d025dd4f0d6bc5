"""The verdict on an alias whose Job ended, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbalias.api.conditions import Reason, Status
from dbalias.migrations.observed import Finished, JobState
from dbalias.migrations.record import Record
from unit.migrations.builders import (
    NEWER,
    NOW,
    RETRIED,
    SUCCEEDED,
    a_complete_job,
    a_failed_job,
    a_job,
    a_report,
    a_running_record,
    a_wish,
    an_ended_pod,
    seconds,
    verdict_on,
)


def test_complete_job_ends_migrated() -> None:
    """With what its report counted."""
    report = a_report(state="done", appliedCount=2, last="shop.0002_x")
    verdict = verdict_on(a_wish(), a_running_record(), [a_complete_job(report)])
    assert verdict.done
    assert verdict.condition.status is Status.TRUE
    assert verdict.condition.reason is Reason.MIGRATED
    assert "job-1" in verdict.condition.message
    assert "2 migration(s) applied; the last is shop.0002_x" in verdict.condition.message
    assert verdict.record.completed
    assert verdict.record.completed.identity == "identity-a"


def test_completed_run_keeps_the_digest_of_its_image() -> None:
    """What ran stays known when the tag has moved on and the pod is gone."""
    job = a_complete_job(pod=replace(an_ended_pod(0), image_digest="sha256:ab"))
    verdict = verdict_on(a_wish(), a_running_record(), [job])
    assert verdict.record.render()["completed"]["imageDigest"] == "sha256:ab"


def test_database_ahead_of_its_image_is_migrated_and_says_what_it_has() -> None:
    """After going back; nothing is undone."""
    report = a_report(state="done", aheadCount=3, ahead=["shop.0008_y", "shop.0009_z"])
    verdict = verdict_on(a_wish(), a_running_record(), [a_complete_job(report)])
    assert verdict.done
    assert verdict.condition.status is Status.TRUE
    assert verdict.condition.reason is Reason.DATABASE_AHEAD
    assert "shop:1 does not know: shop.0008_y, shop.0009_z and 1 more" in verdict.condition.message


def test_failed_migration_waits_for_a_person_and_says_for_what() -> None:
    """Alias, Job, what happened, what to do."""
    report = a_report(exit=5, message="migration shop.0003_x failed: duplicate column")
    verdict = verdict_on(a_wish(), a_running_record(), [a_failed_job(5, report)])
    assert (verdict.failed, verdict.stalled, verdict.wake_at) == (True, True, None)
    assert verdict.condition.reason is Reason.MIGRATION_FAILED
    message = verdict.condition.message
    assert message.startswith("Alias users, Job job-1: migration shop.0003_x failed: duplicate")
    assert "DatabaseAlias/shop-users with dbalias.dev/migrate-requested-at" in message


def test_refused_login_is_tried_again_and_says_when() -> None:
    """Counted from the end of the run, even if it is seen late."""
    verdict = verdict_on(a_wish(), a_running_record(), [a_failed_job(8)], at=NOW + seconds(3))
    assert (verdict.failed, verdict.stalled) == (True, False)
    assert verdict.wake_at
    assert seconds(9) <= verdict.wake_at - NOW <= seconds(10)
    assert f"Next attempt at {verdict.wake_at:%Y-%m-%dT%H:%M:%SZ}" in verdict.condition.message


def test_failures_in_a_row_are_counted_and_change_starts_over() -> None:
    """The pause grows only while nothing changes."""
    due = replace(RETRIED, failures=4, retry_at=NOW)
    again, changed = verdict_on(a_wish(), due).start, verdict_on(NEWER, due).start
    assert again
    assert changed
    assert again.record.failures == 4
    assert again.record.message == "It failed."
    assert changed.record.failures == 0
    assert changed.record.message == ""


def test_deleting_a_failed_job_does_not_shorten_the_pause() -> None:
    """The time is in the record."""
    failed = verdict_on(a_wish(), a_running_record(), [a_failed_job(4)])
    assert failed.wake_at
    without = verdict_on(a_wish(), failed.record, [], at=NOW + seconds(5))
    assert without.start is None
    assert without.wake_at == failed.wake_at


def test_stored_failure_is_not_counted_again_while_its_job_stays() -> None:
    """A finished Job is left for people to read; the record does not change by it."""
    failed = verdict_on(a_wish(), a_running_record(), [a_failed_job(5)])
    assert verdict_on(a_wish(), failed.record, [a_failed_job(5)]).record == failed.record


@pytest.mark.parametrize(
    ("transactional", "reason"),
    [(True, Reason.INTERRUPTED), (False, Reason.MIGRATION_INTERRUPTED)],
    ids=["on PostgreSQL by a retry", "on MariaDB by waiting for a person"],
)
def test_job_that_is_gone_before_its_end_was_stored_is_answered(
    transactional: bool, reason: Reason
) -> None:
    """As a killed run without a report."""
    wanted = a_wish(transactional_ddl=transactional)
    verdict = verdict_on(wanted, a_running_record())
    assert verdict.condition.reason is reason
    assert verdict.stalled is not transactional
    assert "its Job was deleted before it ended" in verdict.condition.message


def test_finished_job_of_an_earlier_alias_tells_nothing() -> None:
    """Only its number is taken, and so its name."""
    verdict = verdict_on(a_wish(), Record(), [a_complete_job(attempt=4, object_uid="earlier")])
    assert verdict.start
    assert verdict.start.number == 5


def test_outcome_that_was_never_stored_is_read_from_the_job() -> None:
    """Same alias, later attempt: the status was restored from a backup."""
    verdict = verdict_on(a_wish(), Record(), [a_complete_job(attempt=4)])
    assert verdict.done
    assert verdict.record.attempt == 4


def finished(attempt: int) -> JobState:
    """A Job of an earlier attempt."""
    return a_complete_job(name=f"job-{attempt}", uid=f"uid-{attempt}", attempt=attempt)


@pytest.mark.parametrize(
    ("record", "retired"),
    [
        (replace(SUCCEEDED, attempt=5), ("job-1", "job-2")),
        (a_running_record(attempt=2, job="job-2", job_uid="uid-2"), ("job-1",)),
        (Record(), ()),
    ],
    ids=["all were stored", "the second is not stored yet", "none was stored"],
)
def test_finished_jobs_beyond_the_limit_are_retired_only_when(
    record: Record, retired: tuple[str, ...]
) -> None:
    """The outcome is in the record that was read, not in the one about to be written."""
    jobs = [finished(attempt) for attempt in (3, 1, 5, 2, 4)]
    assert verdict_on(a_wish(), record, jobs).retire == retired


def test_running_and_recent_jobs_are_never_retired() -> None:
    """History is of finished Jobs."""
    record = a_running_record(attempt=2, job="job-2", job_uid="uid-2")
    jobs = [finished(1), a_job(name="job-2", uid="uid-2", attempt=2)]
    assert verdict_on(a_wish(history_limit=1), record, jobs).retire == ()
    assert verdict_on(a_wish(history_limit=0), record, jobs).retire == ("job-1",)


def test_audit_of_the_last_run_is_kept() -> None:
    """For people and for the command line; bounded by the report."""
    report = a_report(exit=6, audit={"errors": ["User: no table"], "errorCount": 9})
    verdict = verdict_on(a_wish(), a_running_record(), [a_failed_job(6, report)])
    assert verdict.condition.reason is Reason.AUDIT_REFUSED
    assert verdict.record.audit.errors == ("User: no table",)
    assert verdict.record.audit.error_count == 9


def test_deadline_is_a_killed_run() -> None:
    """Its pod is deleted with its report."""
    job = a_failed_job(0, pod=None, failure_message="Job was active longer than specified deadline")
    verdict = verdict_on(a_wish(), a_running_record(), [job])
    assert job.finished is Finished.FAILED
    assert verdict.condition.reason is Reason.MIGRATION_INTERRUPTED
    assert "longer than specified deadline" in verdict.condition.message
