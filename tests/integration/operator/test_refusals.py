"""What Kubernetes refuses, and names that somebody else has: said in a condition, then cured."""

from __future__ import annotations

import time

from integration.operator.objects import alias, project, secret
from integration.operator.operating import wait_until
from integration.operator.scenery import end_pod
from integration.operator.workbench import Body, Space


def test_a_quota_that_refuses_the_publication_is_named_and_its_end_cures_it(space: Space) -> None:
    """The API server's own words reach the condition; no restart, no edit is needed after."""
    space.apply(quota(configmaps=1))  # Kubernetes itself has one in each namespace
    wait_until(lambda: is_spent(space), what="the quota spent")
    space.apply(project(), alias("default"), secret())
    said = space.wait_for("djp", "shop", reason="WriteRefused")
    assert "shop-databases" in said["message"]
    assert "exceeded quota" in said["message"]
    assert space.condition("djp", "shop", "Stalled")["status"] == "False"
    assert space.published() is None
    space.delete("quota", "limit")
    space.wait_for("djp", "shop", reason="Ready", seconds=60)
    assert "shop-databases" in str(space.published())


def test_a_refused_secret_makes_no_stir(space: Space) -> None:
    """It is tried again every twenty seconds, and nothing else is written meanwhile."""
    space.apply(secret(), quota(secrets=1))
    wait_until(lambda: is_spent(space), what="the quota spent")
    space.apply(project(), alias("default"))
    space.wait_for("djp", "shop", reason="WriteRefused")
    time.sleep(3)
    mark = space.bench.mark()
    time.sleep(25)
    here = [one for one in space.bench.writes(since=mark) if one.namespace == space.name]
    assert [(one.verb, one.resource, one.code) for one in here if one.code < 300] == []
    assert 1 <= len(here) <= 2
    assert {one.resource for one in here} == {"secrets"}


def test_a_foreign_job_with_the_name_of_an_attempt_is_left_alone(space: Space) -> None:
    """NameTaken, not adoption: and once it is gone the attempt is made by itself."""
    space.apply(project(image="shop:1"), alias("default", host="foreign.example"), secret())
    name = only_job(space)["metadata"]["name"]
    space.delete("djp", "shop")
    space.delete("dba", "shop-default")
    wait_until(lambda: not space.all("jobs"), what="the Job collected")
    space.apply(foreign_job(name))
    space.apply(project(image="shop:1"), alias("default", host="foreign.example"))
    said = space.wait_for("dba", "shop-default", reason="NameTaken")
    assert name in said["message"]
    assert space.condition("djp", "shop", "Stalled")["status"] == "True"
    assert "ownerReferences" not in only_job(space)["metadata"]
    space.delete("job", name)
    end_pod(space, project="shop")
    space.wait_for("djp", "shop", reason="Ready", seconds=60)
    assert only_job(space)["metadata"]["labels"]["dbalias.dev/project"] == "shop"


def test_a_foreign_secret_is_not_seized(space: Space) -> None:
    """Its data stays, nothing is published, and the project goes on by itself once it is gone."""
    space.apply(secret("shop-databases", theirs="untouched"), secret())
    space.apply(project(), alias("default"))
    said = space.wait_for("djp", "shop", reason="NameTaken")
    assert "Secret/shop-databases" in said["message"]
    assert list((space.get("secret", "shop-databases") or {})["data"]) == ["theirs"]
    assert space.published() is None
    space.delete("secret", "shop-databases")
    space.wait_for("djp", "shop", reason="Ready", seconds=60)
    assert "default.password" in (space.get("secret", "shop-databases") or {})["data"]


def test_a_secret_of_a_name_that_is_not_needed_is_nobodys_trouble(space: Space) -> None:
    """Without migration-only credentials nothing of ours is called <project>-migrate."""
    space.apply(secret("shop-migrate", theirs="untouched"), secret())
    space.apply(project(), alias("default"))
    space.wait_for("djp", "shop", reason="Ready")
    assert list((space.get("secret", "shop-migrate") or {})["data"]) == ["theirs"]


def test_a_job_starts_after_the_settings_have_settled_and_is_stored_before(space: Space) -> None:
    """Its record names it; without a node it says why its pod waits."""
    space.apply(project(image="shop:1"), alias("default", host="settled.example"), secret())
    job = only_job(space)
    created = job["metadata"]["creationTimestamp"]
    alias_body = space.get("dba", "shop-default") or {}
    assert alias_body["status"]["migration"]["job"] == job["metadata"]["name"]
    assert alias_body["metadata"]["creationTimestamp"] < created
    space.wait_for("dba", "shop-default", reason="PodUnschedulable", seconds=60)
    assert space.published() is None
    end_pod(space, project="shop", appliedCount=3, last="shop.0003_z")
    space.wait_for("djp", "shop", reason="Ready", seconds=60)
    said = space.condition("dba", "shop-default", "Migrated")
    assert "3 migration(s) applied; the last is shop.0003_z" in said["message"]
    assert "default" in space.document()["databases"]


def only_job(space: Space) -> Body:
    """Wait until there is a Job, and return it."""
    (job,) = wait_until(lambda: space.all("jobs"), seconds=60, what="a Job")
    return dict(job)


def quota(**counts: int) -> Body:
    """Return a ResourceQuota that allows so many objects of each kind."""
    hard = {f"count/{plural}": str(count) for plural, count in counts.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limit"},
            "spec": {"hard": hard}}  # fmt: skip


def is_spent(space: Space) -> bool:
    """Tell whether the quota is in force, and has counted as much as it allows.

    What Kubernetes itself makes in a namespace may come after the first count.
    """
    status = (space.get("quota", "limit") or {}).get("status", {})
    return bool(status.get("used")) and status["used"] == status["hard"]


def foreign_job(name: str) -> Body:
    """Return somebody's suspended Job."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "theirs", "image": "theirs:1"}]}
    spec = {"suspend": True, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
