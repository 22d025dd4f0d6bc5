"""What a pod that vanished as it ended still tells, and what is said of one that never ran."""

from __future__ import annotations

import pytest

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.migrations.observed import Finished, JobState, parse_pod
from dbalias.migrations.record import Outcome
from dbalias.migrations.remains import last_words
from unit.migrations.builders import (
    a_failed_job,
    a_job,
    a_pod,
    a_pod_body,
    a_report,
    a_running_record,
    a_wish,
    an_ended_pod,
    verdict_on,
)

NOT_LOCATED = {
    "terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
    }
}
MARKS = parse_pod(a_pod_body()).labels


def the_pod(**container: JSON) -> JSON:
    """Return a pod's body, its container as the kubelet reports one that it cannot find."""
    body = a_pod_body(NOT_LOCATED, phase="Failed")
    body["status"]["containerStatuses"][0] |= container
    return body


def test_container_that_was_never_made_did_not_run() -> None:
    """The kubelet gives it the exit code of a killed one, and no id."""
    assert not parse_pod(the_pod(lastState={})).started


@pytest.mark.parametrize(
    "container",
    [{"containerID": "containerd://1"}, {"lastState": {"terminated": {"exitCode": 137}}}],
    ids=["it had an id", "it used to run"],
)
def test_container_that_the_kubelet_lost_may_have_run(container: JSON) -> None:
    """Then nobody knows how far it was."""
    assert parse_pod(the_pod(**container)).started


def test_eviction_before_the_container_ran_is_tried_again_on_any_server() -> None:
    """Nothing can be half-done, whatever the server undoes."""
    pod = parse_pod(the_pod())
    job = a_failed_job(137, pod=pod)
    verdict = verdict_on(a_wish(transactional_ddl=False), a_running_record(), [job])
    assert verdict.record.reason is Reason.INTERRUPTED
    assert verdict.record.retry_at is not None


def test_interpreter_that_cannot_be_started_still_waits_for_a_person() -> None:
    """It is no killed run: the same image would fail again."""
    state = {"terminated": {"exitCode": 128, "reason": "StartError"}}
    job = a_failed_job(128, pod=parse_pod(a_pod_body(state, phase="Failed")))
    verdict = verdict_on(a_wish(), a_running_record(), [job])
    assert verdict.record.reason is Reason.POD_CANNOT_START
    assert verdict.stalled


def the_end(code: int, report: str | None = None) -> JobState:
    """Return what a pod tells that ended with this code and vanished after its Job."""
    pod = an_ended_pod(code, report, owner="job-uid", labels=MARKS)
    (job,) = last_words([pod], [])
    return job


def test_run_that_was_killed_with_its_job_is_known_by_the_migration_it_was_in() -> None:
    """The person who must look at the database is told where."""
    report = a_report(state="migrating", current="orders.0002_split", currentAtomic=True)
    wanted = a_wish(transactional_ddl=False)
    verdict = verdict_on(wanted, a_running_record(), [the_end(137, report)])
    assert verdict.record.reason is Reason.MIGRATION_INTERRUPTED
    assert "orders.0002_split" in verdict.condition.message


def test_run_that_completed_while_its_job_was_deleted_has_completed() -> None:
    """What is done is not done again because somebody cleaned up."""
    report = a_report(state="done", exit=0, appliedCount=2, last="orders.0002_split")
    verdict = verdict_on(a_wish(), a_running_record(), [the_end(0, report)])
    assert verdict.record.outcome is Outcome.SUCCEEDED
    assert verdict.done


def test_run_that_stopped_while_its_job_was_deleted_is_repeated() -> None:
    """It stopped between two migrations, on any server."""
    report = a_report(state="stopped", exit=7, message="stopped between migrations")
    wanted = a_wish(transactional_ddl=False)
    verdict = verdict_on(wanted, a_running_record(), [the_end(7, report)])
    assert verdict.record.reason is Reason.INTERRUPTED
    assert verdict.record.retry_at is not None


def test_end_that_is_stored_asks_for_nothing_more() -> None:
    """A Job that is gone needs no deletion, however few are kept."""
    job, wanted = the_end(0), a_wish(history_limit=0)
    record = verdict_on(wanted, a_running_record(), [job]).record
    again = verdict_on(wanted, record, [job])
    assert again.record == record
    assert again.retire == ()


def test_only_pods_whose_job_is_gone_and_whose_end_was_seen_speak() -> None:
    """A Job that is there speaks for itself; one that was cut off mid-run tells nothing new."""
    ended = an_ended_pod(0, owner="job-uid", labels=MARKS)
    assert last_words([ended], [a_job()]) == ()
    assert last_words([a_pod(owner="job-uid", labels=MARKS)], []) == ()
    assert last_words([an_ended_pod(0, owner="job-uid")], []) == ()
    assert [job.finished for job in last_words([ended], [])] == [Finished.COMPLETE]
