"""What Kubernetes refuses, and names that somebody else has: said in a condition, then cured."""

from __future__ import annotations

import itertools
from datetime import timedelta

from integration.operator.objects import alias, project, secret
from integration.operator.operating import wait_until
from integration.operator.scenery import end_pod
from integration.operator.workbench import Body, Request, Space


def test_a_quota_that_refuses_the_publication_is_named_and_its_end_cures_it(space: Space) -> None:
    """The API server's own words reach the condition; no restart, no edit is needed after."""
    space.apply(quota(configmaps=0))
    wait_until(lambda: is_in_force(space), what="the quota in force")
    space.apply(project(), alias("default"), secret())
    said = space.wait_for("djp", "shop", reason="WriteRefused")
    assert "shop-databases" in said["message"]
    assert "exceeded quota" in said["message"]
    assert space.condition("djp", "shop", "Stalled")["status"] == "False"
    assert space.published() is None
    space.delete("quota", "limit")
    space.wait_for("djp", "shop", reason="Ready")
    assert "shop-databases" in str(space.published())


def test_a_refused_secret_makes_no_stir(space: Space) -> None:
    """It is tried again every twenty seconds, and nothing else is written meanwhile."""
    space.apply(secret(), quota(secrets=0))
    wait_until(lambda: is_in_force(space), what="the quota in force")
    space.apply(project(), alias("default"))
    space.wait_for("djp", "shop", reason="WriteRefused")
    wait_until(space.bench.is_quiet, what="the first pass over")
    mark = space.bench.mark()

    def writes() -> list[Request]:
        return [one for one in space.bench.writes(since=mark) if one.namespace == space.name]

    wait_until(lambda: len(writes()) >= 2, what="two tries more")
    assert {(one.resource, one.code) for one in writes()} == {("secrets", 403)}
    for earlier, later in itertools.pairwise(writes()):
        assert later.at - earlier.at >= timedelta(seconds=19)


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
    wait_until(
        lambda: space.condition("djp", "shop", "Stalled").get("status") == "True",
        what="the project stalled",
    )
    assert "ownerReferences" not in only_job(space)["metadata"]
    space.delete("job", name)
    end_pod(space, project="shop")
    space.wait_for("djp", "shop", reason="Ready")
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
    space.wait_for("djp", "shop", reason="Ready")
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
    space.wait_for("dba", "shop-default", reason="PodUnschedulable")
    assert space.published() is None
    end_pod(space, project="shop", appliedCount=3, last="shop.0003_z")
    space.wait_for("djp", "shop", reason="Ready")
    told = "3 migration(s) applied; the last is shop.0003_z"
    wait_until(
        lambda: told in space.condition("dba", "shop-default", "Migrated")["message"], what=told
    )
    assert "default" in space.document()["databases"]


def only_job(space: Space) -> Body:
    """Wait until there is a Job, and return it."""
    (job,) = wait_until(lambda: space.all("jobs"), what="a Job")
    return dict(job)


def quota(**counts: int) -> Body:
    """Return a ResourceQuota that allows so many objects of each kind."""
    hard = {f"count/{plural}": str(count) for plural, count in counts.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limit"},
            "spec": {"hard": hard}}  # fmt: skip


def is_in_force(space: Space) -> bool:
    """Tell whether the quota has been counted: only then does the server refuse by it.

    What it counts may lag behind by minutes, so that a quota of none is the one that is spent.
    """
    status = (space.get("quota", "limit") or {}).get("status", {})
    return bool(status.get("used"))


def foreign_job(name: str) -> Body:
    """Return somebody's suspended Job."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "theirs", "image": "theirs:1"}]}
    spec = {"suspend": True, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
