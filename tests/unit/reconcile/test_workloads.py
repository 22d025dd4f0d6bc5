"""Which workloads restart, when, and how often; each on a namespace in memory."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.meta import JSON, Kind
from dbalias.reconcile.actions import RestartWorkload
from dbalias.reconcile.plan import LOOK_AGAIN
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene
from unit.reconcile.test_running import deployment, stamps

REVISION, CREDENTIALS = "dbalias.dev/revision", "dbalias.dev/credentials-revision"
WEB = [{"kind": "Deployment", "name": "web"}]
PENDING: dict[str, Any] = {"state": "done", "pending": ["shop.0002_more"], "pendingCount": 1}


def a_release(**migrate: JSON) -> Scene:
    """Return a Ready project with a workload, of which another image and alias are declared."""
    before = project(image="shop:1", workloads=WEB)
    scene = Scene().put(before, alias("default"), secret(), deployment("web")).settle()
    scene.end_job("default")
    scene.wait(6).settle()
    body = scene.get("DjangoProject", "shop")
    after = project(image="shop:2", migrate=migrate, workloads=WEB)
    scene.put({**body, "spec": after["spec"]}, alias("users"))
    return scene.wait(6).settle().wait(6).settle()  # its Secret goes ahead of its Job


def restarts(scene: Scene) -> int:
    """Return how often the workload's pod template was written."""
    return sum(1 for verb, _, name in scene.cluster.writes if (verb, name) == ("patch", "web"))


def test_release_of_several_aliases_is_one_restart_after_the_last_of_them() -> None:
    """None while one of them still runs."""
    scene = a_release()
    before, first = restarts(scene), stamps(scene)
    scene.end_job("default")
    scene.wait(6).settle()
    assert restarts(scene) == before
    scene.end_job("users")
    scene.wait(6).settle()
    assert restarts(scene) == before + 1
    assert stamps(scene)[REVISION] != first[REVISION]


@pytest.mark.parametrize("code", [4, 5], ids=["tried again by itself", "failed for good"])
def test_workloads_are_held_back_while_an_alias_is_not_migrated(code: int) -> None:
    """For whatever reason; default is migrated."""
    scene = a_release()
    before = stamps(scene)
    scene.end_job("default")
    scene.end_job("users", code=code)
    scene.wait(6).settle()
    assert stamps(scene) == before


def test_workloads_are_held_back_while_a_plan_awaits_its_approval() -> None:
    """Nothing is migrated before, so nothing new is published."""
    scene = a_release(mode="Approve")
    before = stamps(scene)
    for name in ("default", "users"):
        scene.end_job(name, purpose="check", **PENDING)
    scene.wait(6).settle()
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "AwaitingApproval"
    assert stamps(scene) == before


@pytest.mark.parametrize("code", [0, 5], ids=["while it runs", "after it has failed"])
def test_credentials_restart_workloads_at_once(code: int) -> None:
    """What an alias waits for has nothing to do with the password of another."""
    scene = a_release()
    before = stamps(scene)
    if code:
        scene.end_job("users", code=code)
        scene.wait(6).settle()
    scene.put(secret(password="another-one")).wait(6).settle()
    assert stamps(scene)[CREDENTIALS] != before[CREDENTIALS]
    assert stamps(scene)[REVISION] == before[REVISION]


def test_roll_out_is_looked_at_again_soon_after_it_was_begun() -> None:
    """Nothing tells of Deployments; a rotation waits until this one has rolled out."""
    scene = Scene().put(project(workloads=WEB), alias("default"), secret(), deployment("web"))
    scene.settle().wait(6).settle()
    scene.put(secret(password="another")).wait(6)
    plan = scene.plan()
    assert [type(one) for one in plan.late] == [RestartWorkload]
    assert plan.wake_at == scene.now + LOOK_AGAIN
