"""When a pass starts Jobs and restarts workloads; each on a namespace in memory."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dbalias.api.meta import JSON, Kind
from dbalias.reconcile.actions import CreateJob, Plan, RestartWorkload, WriteStatus
from integration.operator.objects import alias, everything_to, policy, project, secret
from unit.reconcile.scene import BEGINNING, SETTLED, Scene, actions

ALMOST = BEGINNING + timedelta(seconds=4)


def a_scene(*more: JSON, **spec: JSON) -> Scene:
    """Return a project with an image, two aliases and their Secret, and what is given."""
    declared = project(**({"image": "shop:1"} | spec))
    return Scene().put(declared, alias("default"), alias("users"), secret(), *more)


def jobs(planned: Plan) -> list[str]:
    """Return the aliases whose Jobs a plan creates."""
    return sorted(action.alias for action in planned.late if isinstance(action, CreateJob))


def test_jobs_start_once_all_inputs_have_stood_for_five_seconds() -> None:
    """Before that the plan only says when it will look again."""
    scene = a_scene()
    scene.now = ALMOST
    planned = scene.plan()
    assert planned.late == ()
    assert planned.wake_at == BEGINNING + timedelta(seconds=5)
    scene.reconcile()
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["reason"] == "Settling"
    scene.now = SETTLED
    assert jobs(scene.plan()) == ["default", "users"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"suspend": True}, "Suspended"),
        ({"waitFor": {"aliases": ["customers"]}}, "WaitingForObjects"),
        ({"waitFor": {"policies": ["auth"]}}, "WaitingForObjects"),
    ],
    ids=["suspend", "waitFor alias", "waitFor policy"],
)
def test_a_closed_gate_starts_nothing_and_says_why(spec: JSON, reason: str) -> None:
    """For as long as it takes; what waits is no failure."""
    scene = a_scene(**spec).settle()
    assert scene.all("Job") == []
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["reason"] == reason
    assert scene.condition(Kind.PROJECT, "shop", "Stalled")["status"] == "False"


def test_what_is_waited_for_opens_the_gate() -> None:
    """Nothing but its appearance is needed."""
    scene = a_scene(waitFor={"policies": ["auth"]}).settle()
    scene.put(policy("auth", everything_to("users"))).settle()
    assert len(scene.all("Job")) == 2


def test_a_job_is_created_after_its_record_is_stored() -> None:
    """Whoever dies in between finds the name of the attempt and makes the same one."""
    planned = a_scene().plan()
    stored = {
        action.status["migration"]["job"]
        for action in planned.early
        if isinstance(action, WriteStatus) and action.kind is Kind.ALIAS
    }
    created = {a.body["metadata"]["name"] for a in planned.late if isinstance(a, CreateJob)}
    assert created == stored
    assert len(created) == 2


def test_a_crash_between_record_and_job_ends_in_the_same_job() -> None:
    """The attempt is made once, under the name that was stored."""
    scene = a_scene()
    scene.reconcile()
    first = {one["metadata"]["name"] for one in scene.all("Job")}
    for name in first:
        scene.drop("Job", name)
    scene.settle()
    assert {one["metadata"]["name"] for one in scene.all("Job")} == first


def test_nothing_is_published_while_a_first_migration_is_open() -> None:
    """A pod waits for a ConfigMap that is not there, and never sees an alias that comes later."""
    scene = a_scene().settle()
    scene.end_job("default")
    scene.settle()
    assert scene.document() is None
    scene.end_job("users")
    scene.settle()
    assert sorted(scene.document()["databases"]) == ["default", "users"]
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"


def test_a_failed_first_migration_holds_no_other_alias_up() -> None:
    """What can be published is, and the project says what failed."""
    scene = a_scene().settle()
    scene.end_job("default")
    scene.end_job("users", code=5, reason="MigrationFailed", message="it broke")
    scene.settle()
    assert sorted(scene.document()["databases"]) == ["default"]
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "False"
    assert scene.condition(Kind.ALIAS, "shop-default")["status"] == "True"


def test_a_finished_run_is_not_repeated_when_its_job_is_deleted() -> None:
    """The outcome was stored first."""
    scene = a_scene().settle()
    for name in ("default", "users"):
        scene.end_job(name)
    scene.settle()
    for job in scene.all("Job"):
        scene.drop("Job", job["metadata"]["name"])
    scene.settle()
    assert scene.all("Job") == []
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"


def test_a_foreign_job_of_the_name_is_neither_adopted_nor_replaced() -> None:
    """The alias is Stalled until it is gone, and then goes on with the same name."""
    scene = a_scene()
    scene.reconcile()
    ours = scene.job("users")
    name = ours["metadata"]["name"]
    scene.drop("Job", name)
    scene.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {}})
    scene.settle()
    assert scene.condition(Kind.ALIAS, "shop-users")["reason"] == "NameTaken"
    assert scene.plan().wake_at is not None
    scene.drop("Job", name)
    scene.settle()
    assert scene.job("users")["metadata"]["name"] == name


def test_a_refused_job_is_named_and_leaves_the_others_alone() -> None:
    """A quota on Jobs is nobody else's trouble."""
    scene = a_scene()
    scene.reconcile()
    name = scene.job("users")["metadata"]["name"]
    scene.drop("Job", name)
    scene.cluster.refused = {name}
    for _ in range(3):
        scene.reconcile()
    said = scene.condition(Kind.ALIAS, "shop-users", "Migrated")
    assert said["reason"] == "PodNotCreated"
    assert name in said["message"]
    assert scene.job("default") is not None


def test_workloads_restart_once_and_only_after_the_migrations() -> None:
    """For credentials at once, for settings when everything is migrated: one stamp each."""
    scene = a_scene(deployment("web"), workloads=[{"kind": "Deployment", "name": "web"}]).settle()
    assert "dbalias.dev/revision" not in stamps(scene)
    for name in ("default", "users"):
        scene.end_job(name)
    scene.settle()
    assert stamps(scene)["dbalias.dev/revision"] == scene.document()["revision"]
    restarts = [a for a in actions(scene.plan()) if isinstance(a, RestartWorkload)]
    assert restarts == []
    tried = [write for write in scene.cluster.writes if write[2] == "web"]
    assert len(tried) <= 2


def deployment(name: str) -> JSON:
    """Return a Deployment that has rolled out."""
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {}}}, "status": status}  # fmt: skip


def stamps(scene: Scene) -> dict[str, str]:
    """Return the annotations of the workload's pod template."""
    template = scene.get("Deployment", "web")["spec"]["template"]["metadata"]
    return dict(template.get("annotations") or {})
