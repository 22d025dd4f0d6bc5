"""Pods are remembered as they were seen last, a bounded number for each project."""

from __future__ import annotations

import asyncio

from dbalias.api.meta import Key
from dbalias.migrations.observed import parse_pod
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.last_words import KEPT, LastWords
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.reconciler import Reconciler
from integration.operator.objects import alias, project, secret
from unit.migrations.builders import a_pod
from unit.reconcile.scene import SPACE, Scene

SHOP, OTHER = Key("space", "shop"), Key("space", "other")


def test_pods_are_remembered_by_project_until_it_is_forgotten() -> None:
    """No project hears of another's."""
    words = LastWords()
    words.note(SHOP, a_pod(uid="1"))
    assert [pod.uid for pod in words.of(SHOP)] == ["1"]
    assert words.of(OTHER) == ()
    words.forget(SHOP)
    assert words.of(SHOP) == ()


def test_oldest_pods_are_forgotten_first() -> None:
    """However many Jobs come and go, memory stays bounded."""
    words = LastWords()
    for number in range(KEPT + 3):
        words.note(SHOP, a_pod(uid=str(number)))
    assert [pod.uid for pod in words.of(SHOP)] == [str(n) for n in range(3, KEPT + 3)]


def test_run_that_is_gone_is_judged_only_after_the_watch_had_time_to_tell_of_its_end() -> None:
    """A listing may be ahead of the watch; what ended well is not run a second time."""
    scene = Scene().put(project(image="shop:1"), alias("default"), secret()).settle()
    scene.end_job("default", state="done")
    (pod,) = scene.all("Pod")
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"] = (
        "2026-01-01T00:00:06Z"
    )
    scene.drop("Job", scene.job("default")["metadata"]["name"])
    scene.drop("Pod", pod["metadata"]["name"])
    secrets = BindingSecrets(scene.cluster)
    reconciler = Reconciler(scene.cluster, secrets, Metrics(), clock=lambda: scene.now, listen=0.1)
    key = Key(SPACE, "shop")

    async def a_pass() -> None:
        running = asyncio.create_task(reconciler.reconcile(key))
        await asyncio.sleep(0.05)
        reconciler.last_words.note(key, parse_pod(pod))
        await running

    asyncio.run(a_pass())
    migration = scene.get("DatabaseAlias", "shop-default")["status"]["migration"]
    assert (migration["outcome"], migration["attempt"]) == ("Succeeded", 1)
