"""What an event tells: of which project, whether an input is gone, whether a Job has ended."""

from __future__ import annotations

import pytest

from dbalias.api.meta import JSON
from dbalias.cluster.watch import Change, project_of
from integration.operator.objects import alias, everything_to, policy, project


def a_job(**metadata: JSON) -> JSON:
    """Return a Job with this metadata."""
    return {"kind": "Job", "metadata": {"name": "x"} | metadata}


OWNER = {"kind": "DjangoProject", "name": "shop", "controller": True}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (project("shop"), "shop"),
        (alias("users", of="shop"), "shop"),
        (policy("all", everything_to("users"), of="shop"), "shop"),
        ({"kind": "DatabaseAlias", "metadata": {"name": "x"}}, None),
        (a_job(labels={"dbalias.dev/project": "shop"}), "shop"),
        (a_job(ownerReferences=[OWNER]), "shop"),
        (a_job(ownerReferences=[{**OWNER, "controller": False}]), None),
        (a_job(ownerReferences=[{**OWNER, "kind": "CronJob"}]), None),
        (a_job(), None),
    ],
    ids=["project", "alias", "policy", "no spec", "label", "owner", "a user", "other", "foreign"],
)
def test_an_event_is_about_the_project_that_its_object_names(body: JSON, name: str | None) -> None:
    """By its own name, its reference, its owner or its label."""
    assert project_of(body) == name


def an_event(body: JSON, type: str | None, **status: JSON) -> Change:
    """Return what is made of an event about this body."""
    metadata = {"namespace": "space", "resourceVersion": "7"} | body["metadata"]
    return Change.of({**body, "metadata": metadata, "status": status}, type)


@pytest.mark.parametrize("body", [project("shop"), alias("users", of="shop")], ids=["one", "other"])
def test_what_was_declared_and_is_deleted_counts_as_a_changed_input(body: JSON) -> None:
    """Only its deletion leaves no time behind that could be read later."""
    assert an_event(body, "DELETED").vanished
    assert not an_event(body, "MODIFIED").vanished


def test_a_deleted_job_is_no_changed_input() -> None:
    """Else cleaning up after one run would hold up the next for five seconds."""
    assert not an_event(a_job(ownerReferences=[OWNER]), "DELETED").vanished


@pytest.mark.parametrize(
    ("type", "condition", "ended"),
    [
        ("MODIFIED", {"type": "Complete", "status": "True"}, True),
        ("MODIFIED", {"type": "Failed", "status": "True"}, True),
        ("MODIFIED", {"type": "FailureTarget", "status": "True"}, False),
        ("MODIFIED", {"type": "SuccessCriteriaMet", "status": "True"}, False),
        (None, {"type": "Complete", "status": "True"}, False),
        ("DELETED", {"type": "Complete", "status": "True"}, False),
    ],
    ids=["complete", "failed", "failing", "succeeding", "known from the start", "cleaned up"],
)
def test_a_job_that_ends_is_told_apart(type: str | None, condition: JSON, ended: bool) -> None:
    """What waits for it starts at once; conditions that only announce the end are no end."""
    assert an_event(a_job(ownerReferences=[OWNER]), type, conditions=[condition]).ended is ended


def test_pod_that_vanishes_leaves_what_it_was_seen_to_be_last() -> None:
    """An evicted pod is gone before anybody can ask for its report."""
    state = {"terminated": {"exitCode": 7, "message": "{}"}}
    pod = {"kind": "Pod", "metadata": {"name": "x", "uid": "pod-uid"}}
    status = {"containerStatuses": [{"name": "migrate", "state": state}]}
    gone = an_event(pod, "DELETED", **status).gone
    assert gone
    assert (gone.uid, gone.exit_code, gone.termination_message) == ("pod-uid", 7, "{}")
    assert an_event(pod, "MODIFIED", **status).gone is None
    assert an_event(a_job(), "DELETED").gone is None
