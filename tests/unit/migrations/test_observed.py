"""What Jobs and pods of the API server are read as."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbalias.api.meta import JSON
from dbalias.migrations.observed import Finished, PodState, parse_job, parse_pod
from dbalias.migrations.remains import survivors
from dbalias.migrations.report import Report, parse_report
from unit.migrations.builders import a_job_body, a_pod, a_pod_body, a_report


def test_job_is_read_with_what_its_marks_say() -> None:
    """Name, attempt, identity and the alias object it was made for."""
    job = parse_job(a_job_body(), [], [])
    assert job
    assert (job.alias, job.attempt, job.identity, job.body) == ("users", 1, "identity-a", "body-a")
    assert (job.project, job.object_uid, job.image) == ("shop", "alias-1", "shop:1")
    assert job.finished is None


@pytest.mark.parametrize(
    ("conditions", "finished"),
    [
        ([{"type": "Complete", "status": "True"}], Finished.COMPLETE),
        ([{"type": "Failed", "status": "True"}], Finished.FAILED),
        ([{"type": "FailureTarget", "status": "True"}], None),
        ([{"type": "SuccessCriteriaMet", "status": "True"}], None),
        ([{"type": "Failed", "status": "False"}], None),
        ([], None),
    ],
    ids=["complete", "failed", "about to fail", "about to complete", "not failed", "silent"],
)
def test_job_has_ended_only_by_its_own_final_conditions(
    conditions: JSON, finished: Finished | None
) -> None:
    """FailureTarget comes while the pod still runs."""
    job = parse_job(a_job_body(conditions=conditions), [], [])
    assert job
    assert job.finished is finished


@pytest.mark.parametrize(
    "label",
    ["app.kubernetes.io/managed-by", "dbalias.dev/purpose", "dbalias.dev/alias"],
)
def test_job_without_our_label_is_not_ours(label: str) -> None:
    """A foreign Job is never taken for an attempt."""
    body = a_job_body()
    del body["metadata"]["labels"][label]
    assert parse_job(body, [], []) is None


def test_job_with_an_attempt_that_is_no_number_is_not_ours() -> None:
    """Someone else wrote that label."""
    body = a_job_body()
    body["metadata"]["labels"]["dbalias.dev/attempt"] = "second"
    assert parse_job(body, [], []) is None


def test_job_takes_only_its_own_pod_and_complaints() -> None:
    """Told apart by uid; the newest complaint is the last; ordinary events are left out."""
    mine, other = {"uid": "job-uid"}, {"uid": "other"}
    events = [
        {"involvedObject": mine, "reason": "FailedCreate", "message": "b", "lastTimestamp": "2"},
        {"involvedObject": mine, "reason": "FailedCreate", "message": "a", "lastTimestamp": "1"},
        {"involvedObject": other, "reason": "FailedCreate", "message": "c"},
        {"involvedObject": mine, "reason": "SuccessfulCreate", "message": "d"},
    ]
    job = parse_job(a_job_body(), [a_pod(owner="other"), a_pod(name="own")], events)
    assert job
    assert job.pod
    assert job.pod.name == "own"
    assert job.complaints == ("a", "b")


WAITING = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
ENDED = {"terminated": {"exitCode": 5, "reason": "Error", "message": "{}"}}
NEVER = {"terminated": {"exitCode": 128, "reason": "StartError", "message": "no python"}}
UNREADY = {"type": "Ready", "status": "False"}
CONTAINERS_READY = {"type": "ContainersReady", "status": "True"}
LOST = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (a_pod_body(WAITING), {"waiting_reason": "ImagePullBackOff", "started": False}),
        (a_pod_body({"running": {}}, phase="Running"), {"started": True, "exit_code": None}),
        (a_pod_body(ENDED), {"exit_code": 5, "termination_message": "{}", "started": True}),
        (a_pod_body(NEVER), {"exit_code": 128, "started": False}),
        (a_pod_body(conditions=[LOST]), {"node_lost": True, "node": "node-1"}),
        (a_pod_body(reason="NodeLost"), {"node_lost": True}),
        (a_pod_body(conditions=[UNREADY, CONTAINERS_READY]), {"node_lost": True}),
        (a_pod_body(conditions=[UNREADY]), {"node_lost": False}),
        (
            a_pod_body(reason="Evicted", message="low on memory"),
            {"node_lost": False, "ended_reason": "Evicted", "disruption": "low on memory"},
        ),
        (
            a_pod_body(
                conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]
            ),
            {"unschedulable_message": "0/3 nodes"},
        ),
    ],
    ids=[
        "its image is not pulled",
        "it runs",
        "it ended",
        "it ended without ever running",
        "its node is lost",
        "its node is lost, as older clusters say it",
        "its node does not answer, and nobody has given its pods up yet",
        "its container is not ready",
        "it was evicted",
        "no node takes it",
    ],
)
def test_pod_is_read_when(body: JSON, fields: dict[str, object]) -> None:
    """The container ``migrate`` and what surrounds it."""
    pod = parse_pod(body)
    assert {name: getattr(pod, name) for name in fields} == fields
    assert (pod.owner, pod.uid) == ("job-uid", "pod-uid")


def test_pod_without_any_status_is_one_that_has_not_begun() -> None:
    """As it is in the moment after its creation."""
    pod = parse_pod({"metadata": {"name": "p"}})
    assert pod == PodState(name="p")


def test_survivors_are_the_pods_that_outlive_their_job() -> None:
    """A Job deleted in the background leaves its pod ten minutes to stop."""
    pod = parse_pod(a_pod_body({"running": {}}, phase="Running"))
    job = parse_job(a_job_body(), [pod], [])
    assert job
    assert survivors([pod], [job]) == ()
    (left,) = survivors([pod], [])
    assert (left.name, left.uid, left.alias, left.attempt) == ("job-1", "job-uid", "users", 1)
    assert left.deleting
    assert left.finished is None


def test_survivors_are_no_pods_that_are_not_ours() -> None:
    """It is none of our business."""
    assert survivors([a_pod(owner="other", labels=())], []) == ()


def test_pod_that_outlived_its_job_tells_how_the_attempt_ended() -> None:
    """Also one that was orphaned from its Job, which its label still names."""
    body = a_pod_body(ENDED, phase="Failed")
    body["metadata"]["ownerReferences"] = []
    body["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] = "job-uid"
    (left,) = survivors([parse_pod(body)], [])
    assert (left.uid, left.finished, left.deleting) == ("job-uid", Finished.FAILED, True)
    assert left.pod
    assert left.pod.exit_code == 5


def test_pod_started_twice_outlives_its_job_until_both_have_ended() -> None:
    """The one that runs decides, whichever is newer."""
    running = parse_pod(a_pod_body({"running": {}}, phase="Running"))
    ended = parse_pod(a_pod_body(ENDED, phase="Failed"))
    (left,) = survivors([running, replace(ended, name="z")], [])
    assert left.finished is None


@pytest.mark.parametrize(
    "text",
    [None, "", "plain words", '{"format": 1, "state": "do', "[]", '{"format": 2}', "1", "[" * 4096],
    ids=["none", "empty", "words", "cut", "a list", "another format", "a number", "too deep"],
)
def test_report_is_none_for(text: str | None) -> None:
    """A killed run, or a runtime's own message."""
    assert parse_report(text) is None


def test_report_is_read_field_by_field() -> None:
    """As the runner writes it."""
    text = a_report(
        state="failed",
        exit=5,
        current="shop.0003_x",
        currentAtomic=False,
        transactionalDDL=True,
        aheadCount=2,
        ahead=["shop.0009_z"],
        audit={"errors": ["e"], "errorCount": 4},
    )
    assert parse_report(text) == Report(
        state="failed",
        exit=5,
        current="shop.0003_x",
        current_atomic=False,
        transactional_ddl=True,
        ahead_count=2,
        ahead=("shop.0009_z",),
        audit_errors=("e",),
        audit_error_count=4,
    )


def test_report_that_no_status_could_hold_is_brought_within_bounds() -> None:
    """Numbers, lengths and halves of characters: any program may write a termination message."""
    text = a_report(aheadCount=10**12, pendingCount=-1, last="x" * 3000, ahead=["\ud83d"])
    told = parse_report(text)
    assert told is not None
    assert (told.ahead_count, told.pending_count) == (2**31 - 1, 0)
    assert (len(told.last or ""), told.ahead) == (1000, ("?",))


def test_report_field_of_another_type_counts_as_not_said() -> None:
    """An image may hold another version of the runner."""
    text = a_report(exit="5", current=3, ahead="x", audit=[], aheadCount=True)
    assert parse_report(text) == Report(state="failed")


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        ("registry.example/shop@sha256:" + "ab" * 32, "sha256:" + "ab" * 32),
        ("docker-pullable://shop@sha256:" + "ab" * 32, "sha256:" + "ab" * 32),
        ("sha256:" + "ab" * 32, "sha256:" + "ab" * 32),
        ("shop:1.4", None),
        ("", None),
    ],
    ids=["pulled", "by docker", "loaded", "without a digest", "not started"],
)
def test_pod_tells_the_digest_of_the_image_that_runs(image_id: str, digest: str | None) -> None:
    """A tag may mean something else by now."""
    body = a_pod_body()
    body["status"]["containerStatuses"][0]["imageID"] = image_id
    assert parse_pod(body).image_digest == digest
