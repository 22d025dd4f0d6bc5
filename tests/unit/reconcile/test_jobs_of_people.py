"""What the operator keeps at hand for Jobs that people make, and that it lets those alone."""

from __future__ import annotations

import json

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON
from dbalias.api.parse_alias import parse_alias
from dbalias.api.parse_project import parse_project
from dbalias.api.project import Command
from dbalias.migrations.jobs import JobSpec
from dbalias.migrations.management import MANAGE, build_management_job, management_state
from dbalias.migrations.marks import Purpose
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene, actions


def a_scene(**spec: JSON) -> Scene:
    """Return a settled project with an image, the alias default, and users with these fields."""
    declared = project(image="shop:1")
    return Scene().put(declared, alias("default"), alias("users", **spec), secret())


def ended(scene: Scene, **codes: int) -> Scene:
    """Start the Jobs of both aliases and let them end."""
    scene.reconcile()
    for name in ("default", "users"):
        code = codes.get(name, 0)
        scene.end_job(name, code=code, state="failed" if code else "done")
    scene.settle()
    scene.wait(300)
    return scene.settle()


def for_jobs(scene: Scene) -> list[JSON]:
    """Return the documents of the revisions that Jobs can mount."""
    found = [one for one in scene.all("ConfigMap") if one["metadata"]["name"] != "shop-databases"]
    return [json.loads(one["data"]["databases.json"]) for one in found]


def a_persons_job(scene: Scene) -> JSON:
    """Return the Job of a command on users."""
    declared = parse_project(scene.get("DjangoProject", "shop")).value
    owner: DatabaseAlias | None = parse_alias(scene.get("DatabaseAlias", "shop-users")).value
    assert declared is not None
    spec = JobSpec(
        project=declared, alias=owner, config_map="shop-databases", secret="shop-databases",
        purpose=Purpose.COMMAND, command=Command(MANAGE, ("showmigrations",)), identity="1",
    )  # fmt: skip
    return build_management_job(spec, lifetime=600)


def test_nothing_is_kept_that_applications_know_as_well() -> None:
    """Once all is published, a person's Job mounts what the application mounts."""
    assert for_jobs(ended(a_scene())) == []


def test_settings_stay_at_hand_while_a_failure_keeps_them_from_applications() -> None:
    """The one who repairs `users` needs a Job that knows it."""
    scene = ended(a_scene(), users=5)
    published = scene.document()
    assert published is None or "users" not in published["databases"]
    (document,) = for_jobs(scene)
    assert "users" in document["databases"]


def test_connections_for_jobs_alone_stay_at_hand() -> None:
    """Also for settings that changed without a run; of each revision only the newest."""
    scene = ended(a_scene(migrate={"connection": {"host": "direct.example"}}))
    (before,) = for_jobs(scene)
    assert before["databases"]["users"]["migrate"]["settings"]["HOST"] == "direct.example"
    default = scene.get("DatabaseAlias", "shop-default")
    scene.put({**default, "spec": {**default["spec"], "connMaxAge": 60}}).wait(10).settle()
    scene.wait(300).settle()
    (after,) = for_jobs(scene)
    assert after["databases"]["default"]["settings"]["CONN_MAX_AGE"] == 60


def test_a_persons_job_is_neither_counted_nor_touched() -> None:
    """Running or ended, it is nobody's attempt, and goes with its project or its time."""
    scene = ended(a_scene())
    job = a_persons_job(scene)
    scene.put(job)
    assert actions(scene.plan()) == ()
    ends = {"conditions": [{"type": "Failed", "status": "True"}]}
    scene.put({**scene.get("Job", job["metadata"]["name"]), "status": ends})
    assert actions(scene.wait(3600).plan()) == ()


def test_a_persons_job_runs_in_the_pod_of_the_operators_own() -> None:
    """Same image, security, mounts and options; its labels say whose it is not."""
    scene = a_scene()
    scene.reconcile()
    theirs, ours = a_persons_job(scene), scene.job("users")
    mine, pod = (one["spec"]["template"]["spec"] for one in (theirs, ours))
    for part in ("securityContext", "automountServiceAccountToken", "restartPolicy"):
        assert mine[part] == pod[part]
    assert mine["containers"][0]["image"] == pod["containers"][0]["image"]
    assert mine["containers"][0]["args"][-2:] == ["--", "showmigrations"]
    assert "--reads" in mine["containers"][0]["args"]
    for labels in (theirs["metadata"]["labels"], theirs["spec"]["template"]["metadata"]["labels"]):
        assert labels["dbalias.dev/purpose"] == "manage"
        assert "dbalias.dev/attempt" not in labels
    (owner,) = theirs["metadata"]["ownerReferences"]
    assert owner.keys() == {"apiVersion", "kind", "name", "uid"}
    assert theirs["spec"]["ttlSecondsAfterFinished"] == 600


def test_state_of_a_persons_job_is_read_as_that_of_an_attempt() -> None:
    """So that the same sentences explain why it does not start."""
    job = a_persons_job(a_scene())
    job["metadata"]["uid"] = "1"
    state = management_state(job, (), ())
    assert (state.alias, state.command, state.finished) == ("users", "manage", None)
