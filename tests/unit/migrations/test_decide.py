"""The verdict on one alias: what starts, and what has nothing to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbalias.api.conditions import Condition, Reason, Status
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.decide import name_taken, not_created
from dbalias.migrations.jobs import job_name
from dbalias.migrations.marks import Purpose, Task
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import (
    FAILED,
    NEWER,
    NOW,
    RETRIED,
    SUCCEEDED,
    a_running_record,
    a_wish,
    seconds,
    verdict_on,
)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (a_wish(kind=EntryKind.EMPTY), Reason.EMPTY_DEFAULT),
        (a_wish(kind=EntryKind.REPLICA), Reason.REPLICA),
        (a_wish(kind=EntryKind.LOCAL), Reason.LOCAL_DATABASE),
        (a_wish(mode=MigrateMode.NEVER), Reason.NOT_MANAGED),
        (a_wish(image=None), Reason.NOT_MANAGED),
        (a_wish(kind=EntryKind.EMPTY, mode=MigrateMode.NEVER), Reason.EMPTY_DEFAULT),
    ],
    ids=["the empty default", "a replica", "a file", "mode Never", "no image", "empty and Never"],
)
def test_alias_without_migrations_is_migrated_at_once(wanted: Wanted, reason: Reason) -> None:
    """Waiting over all aliases must end; a request is answered without a run."""
    verdict = verdict_on(replace(wanted, requested_at="now"))
    assert (verdict.condition.type, verdict.condition.status) == (Condition.MIGRATED, Status.TRUE)
    assert verdict.condition.reason is reason
    assert verdict.done
    assert verdict.start is None
    assert verdict.record.handled_request == "now"


def test_new_alias_starts_its_first_attempt() -> None:
    """The record to store comes first and knows the Job's name."""
    verdict = verdict_on(a_wish(requested_at="now"))
    assert verdict.start
    assert verdict.start.job == job_name("shop", Task("users", Purpose.MIGRATE), "identity-a", 1)
    assert verdict.record == Record()
    record = verdict.start.record
    assert (record.attempt, record.outcome) == (1, Outcome.STARTING)
    assert (record.identity, record.body, record.image) == ("identity-a", "body-a", "shop:1")
    assert (record.handled_request, record.started_at) == ("now", NOW)
    assert verdict.condition.reason is Reason.MIGRATING
    assert not verdict.done


def test_attempt_that_was_stored_but_not_created_is_created_under_the_same_name() -> None:
    """The operator died between the two writes; the wish may have changed meanwhile."""
    first = verdict_on(a_wish()).start
    assert first
    again = verdict_on(NEWER, first.record, at=NOW + seconds(60)).start
    assert again
    assert (again.number, again.job) == (first.number, first.job)
    assert again.record.identity == "identity-b"
    same = verdict_on(a_wish(), first.record, at=NOW + seconds(60)).start
    assert same == first


@pytest.mark.parametrize(
    ("wanted", "record", "number"),
    [
        (NEWER, SUCCEEDED, 2),
        (a_wish(requested_at="now"), SUCCEEDED, 2),
        (NEWER, FAILED, 2),
        (a_wish(body="body-b"), FAILED, 2),
        (a_wish(requested_at="now"), FAILED, 2),
        (a_wish(body="body-b"), RETRIED, 2),
        (a_wish(), replace(RETRIED, retry_at=NOW), 2),
        (a_wish(), a_running_record(outcome=Outcome.CANCELLED), 2),
    ],
    ids=[
        "a new image after a success",
        "a request after a success",
        "a new image after a failure",
        "other resources after a failure",
        "a request after a failure",
        "another password before the retry is due",
        "a retry that is due",
        "a cancelled Job that is gone",
    ],
)
def test_next_attempt_is_started_by(wanted: Wanted, record: Record, number: int) -> None:
    """Under a number, and so a name, of its own."""
    verdict = verdict_on(wanted, record)
    assert verdict.start
    assert verdict.start.number == number
    assert verdict.start.record.job_uid == ""


@pytest.mark.parametrize(
    ("wanted", "record"),
    [
        (a_wish(), SUCCEEDED),
        (a_wish(body="body-b"), SUCCEEDED),
        (a_wish(), FAILED),
        (a_wish(), RETRIED),
        (a_wish(requested_at="now"), replace(SUCCEEDED, handled_request="now")),
        (a_wish(requested_at="now"), replace(FAILED, handled_request="now")),
    ],
    ids=[
        "a success, whatever became of its Job",
        "other resources after a success",
        "a failed migration",
        "a retry that is not due",
        "a request that was answered",
        "a request whose run failed",
    ],
)
def test_no_attempt_is_started_by(wanted: Wanted, record: Record) -> None:
    """Not even when every Job was deleted."""
    assert verdict_on(wanted, record).start is None


def test_older_image_runs_again() -> None:
    """The last completed run decides alone, not all that ever completed."""
    record = replace(SUCCEEDED, attempt=2, completed=Completed("identity-b"), identity="identity-b")
    assert verdict_on(a_wish(), record).start


def test_older_image_after_a_failed_newer_one_is_still_done_and_says_so() -> None:
    """What the failed one left behind is worth a look."""
    record = replace(SUCCEEDED, outcome=Outcome.FAILED, identity="b", image="shop:2", job="job-2")
    verdict = verdict_on(a_wish(), record)
    assert verdict.done
    assert "attempt of shop:2 failed (Job job-2)" in verdict.condition.message


def test_requested_run_that_failed_is_not_hidden_by_the_success_before() -> None:
    """Its identity completed once, but the user asked because something was wrong."""
    record = replace(SUCCEEDED, outcome=Outcome.FAILED, attempt=2, reason=Reason.MIGRATION_FAILED)
    verdict = verdict_on(a_wish(), record)
    assert verdict.failed
    assert not verdict.done


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (MigrateMode.CHECK, Reason.PENDING),
        (MigrateMode.APPROVE, Reason.AWAITING_APPROVAL),
    ],
)
def test_mode_that_leaves_the_decision_to_people_starts_nothing(
    mode: MigrateMode, reason: Reason
) -> None:
    """Not migrated, and not done, until a completed run is the wanted one."""
    verdict = verdict_on(replace(NEWER, mode=mode, requested_at="now"), SUCCEEDED)
    assert (verdict.start, verdict.done) == (None, False)
    assert verdict.condition.reason is reason
    assert verdict_on(a_wish(mode=mode), SUCCEEDED).done


def test_refused_creations_have_conditions_that_name_the_job() -> None:
    """A foreign Job of our name, and an API server that says no."""
    taken, refused = name_taken(a_wish(), "job-1"), not_created(a_wish(), "job-1", message="quota")
    assert (taken.reason, refused.reason) == (Reason.NAME_TAKEN, Reason.POD_NOT_CREATED)
    assert "job-1" in taken.message
    assert "quota" in refused.message


@pytest.mark.parametrize("asked", ["2026-05-04T12:00:00Z", "now"])
def test_request_of_days_to_come_silences_none_that_is_made_after_it(asked: str) -> None:
    """Nobody waits for years because of a typing error; left as it is, it counts once."""
    mistyped = replace(FAILED, handled_request="2062-05-04T12:00:00Z")
    assert verdict_on(a_wish(requested_at=mistyped.handled_request), mistyped).start is None
    start = verdict_on(a_wish(requested_at=asked), mistyped).start
    assert start is not None
    assert start.record.handled_request == asked


def test_request_by_a_clock_that_is_ahead_is_not_followed_by_an_older_one() -> None:
    """Of project and alias the later one counts, also when it is taken away."""
    ahead = replace(SUCCEEDED, handled_request="2026-05-04T13:00:00Z")
    assert verdict_on(a_wish(requested_at="2026-05-04T11:00:00Z"), ahead).start is None


def test_request_longer_than_the_status_may_hold_is_answered_once() -> None:
    """Else it would never equal what is stored, and ask again after every run."""
    asked = a_wish(requested_at="x" * 5000)
    start = verdict_on(asked, SUCCEEDED).start
    assert start
    assert len(start.record.handled_request or "") == 253
    answered = replace(SUCCEEDED, handled_request=start.record.handled_request)
    assert verdict_on(asked, answered).done
