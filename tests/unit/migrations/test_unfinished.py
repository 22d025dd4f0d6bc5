"""The verdict on an alias whose Job has not finished."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dbalias.api.conditions import Reason, Status
from dbalias.api.project import MigrateMode
from dbalias.migrations.observed import JobState, PodState
from dbalias.migrations.record import Outcome, Record
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import (
    NEWER,
    NOW,
    PULL,
    a_complete_job,
    a_job,
    a_pod,
    a_running_record,
    a_waiting_pod,
    a_wish,
    seconds,
    verdict_on,
)


def test_attempt_that_was_created_is_followed() -> None:
    """Its uid is what later proves that it was there."""
    starting = a_running_record(outcome=Outcome.STARTING, job_uid="")
    verdict = verdict_on(a_wish(), starting, [a_job()])
    assert verdict.record == a_running_record()
    assert verdict.active
    assert verdict.start is None


def test_running_job_is_left_to_run_when_the_wish_changes() -> None:
    """Half a migration is worse than one too many; the new one comes after it."""
    verdict = verdict_on(NEWER, a_running_record(), [a_job()])
    assert (verdict.start, verdict.cancel, verdict.active) == (None, None, True)
    done = verdict_on(NEWER, verdict.record, [a_complete_job()])
    assert done.start
    assert done.record.completed
    assert done.record.completed.identity == "identity-a"


@pytest.mark.parametrize(
    "job",
    [
        a_job(),
        a_job(object_uid="an earlier one"),
        a_job(deleting=True),
        a_job(pod=None),
        a_job(attempt=7, identity="identity-z"),
    ],
    ids=[
        "whose status write was lost",
        "of an alias deleted meanwhile and made again",
        "that is being deleted",
        "that has no pod yet",
        "of another identity",
    ],
)
def test_job_that_the_record_does_not_know_is_adopted(job: JobState) -> None:
    """Never a second run beside it."""
    verdict = verdict_on(a_wish(), Record(), [job])
    assert (verdict.start, verdict.active) == (None, True)
    assert verdict.record.outcome is Outcome.RUNNING
    assert (verdict.record.attempt, verdict.record.job_uid) == (job.attempt, job.uid)
    assert verdict.record.identity == job.identity


def test_adopted_job_that_completes_is_not_repeated() -> None:
    """An alias deleted while its Job ran and made again ends as if nothing had happened."""
    adopted = verdict_on(a_wish(), Record(), [a_job(object_uid="earlier")])
    ended = verdict_on(a_wish(), adopted.record, [a_complete_job(object_uid="earlier")])
    assert ended.done


@pytest.mark.parametrize(
    ("job", "reason", "words"),
    [
        (a_job(pod=PULL), Reason.IMAGE_NOT_PULLED, "ImagePullBackOff: no such image"),
        (
            a_job(pod=a_waiting_pod(waiting_reason="CreateContainerConfigError")),
            Reason.POD_CANNOT_START,
            "CreateContainerConfigError",
        ),
        (
            a_job(pod=a_waiting_pod(unschedulable_message="0/3 nodes are available")),
            Reason.POD_UNSCHEDULABLE,
            "0/3 nodes are available",
        ),
        (
            a_job(pod=None, complaints=("exceeded quota: pods",)),
            Reason.POD_NOT_CREATED,
            "exceeded quota: pods",
        ),
        (a_job(pod=None, created_at=NOW - seconds(61)), Reason.POD_NOT_CREATED, "has no pod"),
        (
            a_job(
                pod=a_waiting_pod(waiting_reason="ContainerCreating"),
                complaints=('secret "shop-databases" not found',),
                created_at=NOW - seconds(61),
            ),
            Reason.POD_CANNOT_START,
            'secret "shop-databases" not found',
        ),
        (a_job(pod=a_pod(node_lost=True, deleting=True)), Reason.NODE_LOST, "node-1"),
        (a_job(created_at=NOW - timedelta(minutes=31)), Reason.LONG_RUNNING, "over 30 minutes"),
        (a_job(pod=None), Reason.MIGRATING, "2026-05-04T12:00:00Z"),
        (
            a_job(pod=a_waiting_pod(waiting_reason="ContainerCreating")),
            Reason.MIGRATING,
            "2026-05-04T12:00:00Z",
        ),
        (a_job(deleting=True), Reason.MIGRATING, "it was deleted"),
    ],
    ids=[
        "an image that cannot be pulled",
        "an image whose user is root",
        "a pod that fits no node",
        "a pod that admission refuses",
        "a pod that does not appear",
        "a volume that does not appear",
        "a node that is lost",
        "a run that is long",
        "a pod that is not there yet",
        "a container that is being created",
        "a Job that is being deleted",
    ],
)
def test_unfinished_job_tells_of(job: JobState, reason: Reason, words: str) -> None:
    """In Kubernetes' own words; the alias is not migrated, and nothing is given up."""
    verdict = verdict_on(a_wish(), a_running_record(), [job])
    assert verdict.condition.status is Status.FALSE
    assert verdict.condition.reason is reason
    assert words in verdict.condition.message
    assert "job-1" in verdict.condition.message
    assert (verdict.start, verdict.cancel, verdict.failed) == (None, None, False)


@pytest.mark.parametrize(
    ("age", "wake"),
    [(0, 60), (61, 30 * 60), (31 * 60, None)],
    ids=["young", "a minute old", "long"],
)
def test_running_job_is_looked_at_again_when_its_age_says_something_new(
    age: int, wake: int | None
) -> None:
    """No event comes when a time has passed."""
    verdict = verdict_on(a_wish(), a_running_record(), [a_job()], at=NOW + seconds(age))
    assert verdict.wake_at == (None if wake is None else NOW + seconds(wake))


@pytest.mark.parametrize(
    "wanted",
    [
        NEWER,
        a_wish(body="body-b"),
        a_wish(requested_at="now"),
        a_wish(mode=MigrateMode.NEVER),
    ],
    ids=["a new image", "other resources", "a request", "mode Never"],
)
@pytest.mark.parametrize("pod", [PULL, a_waiting_pod(waiting_reason="CreateContainerConfigError")])
def test_job_that_can_never_start_gives_way_to(wanted: Wanted, pod: PodState) -> None:
    """Stored as cancelled first, so that its absence is no killed run."""
    verdict = verdict_on(wanted, a_running_record(), [a_job(pod=pod)])
    assert verdict.cancel == "job-1"
    assert verdict.record.outcome is Outcome.CANCELLED
    assert verdict.start is None
    repeated = verdict_on(wanted, verdict.record, [a_job(pod=pod)])
    assert repeated.cancel == "job-1"
    assert repeated.record == verdict.record


def test_cancelled_job_that_is_still_being_deleted_stays_cancelled() -> None:
    """Taken for running again, its absence would look like a killed run."""
    cancelled = a_running_record(outcome=Outcome.CANCELLED)
    verdict = verdict_on(NEWER, cancelled, [a_job(pod=PULL, deleting=True)])
    assert verdict.record == cancelled
    assert (verdict.cancel, verdict.start, verdict.active) == (None, None, True)
    assert verdict_on(NEWER, verdict.record).start


def test_cancelled_job_that_started_after_all_is_followed() -> None:
    """The image came in the moment between; now it is a run like any other."""
    cancelled = a_running_record(outcome=Outcome.CANCELLED)
    verdict = verdict_on(NEWER, cancelled, [a_job()])
    assert (verdict.cancel, verdict.start) == (None, None)
    assert verdict.record.outcome is Outcome.RUNNING


def test_job_on_a_lost_node_is_not_cancelled() -> None:
    """What the node last said is not what it does now."""
    pod = a_waiting_pod(node_lost=True, deleting=True)
    verdict = verdict_on(NEWER, a_running_record(), [a_job(pod=pod)])
    assert (verdict.cancel, verdict.start) == (None, None)


def test_progress_of_a_retry_still_tells_why_it_is_one() -> None:
    """A condition that only says Migrating would hide a wrong password every other minute."""
    record = a_running_record(failures=1, message="The server refused the login.")
    verdict = verdict_on(a_wish(), record, [a_job()])
    assert "The attempt before it: The server refused the login." in verdict.condition.message
