"""What went wrong with migration Jobs elsewhere, tried here on real pods: a test for each.

Shown where their subject is: pods that wait for a Job that waits for them (test_workloads), a
failed or running Job that counts as done for dependants (test_fleet), Jobs deleted and made again
(test_garbage), pods started twice (test_two_operators, tests/integration/runtime/test_lock).
"""

import json
import re
import shlex
import time
from datetime import UTC, datetime

import pytest

from stage.api import JSON, ApiServer
from stage.garbage import has_failure_target
from stage.held import Held, start_all
from stage.images import ROOT, SHOP_1_5
from stage.kill.steps import Step
from stage.objects import entry, policy, project, rule, secret
from stage.play import WITHIN, Shop, is_complete, is_finished
from stage.watching import History, most_pods

BROKEN = {"SHOP_EXTRA_APPS": "broken"}
PEOPLE = rule(["customers", "orders", "broken"], write="users")
SOMEBODYS_POD: JSON = {
    "tolerations": [{"key": "databases", "operator": "Exists", "effect": "NoSchedule"}],
    "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "256Mi"}},
    "imagePullSecrets": [{"name": "registry-login"}],
    "serviceAccountName": "migrator",
}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "migrator"}}


def moment(text: str) -> datetime:
    """Return a time as Kubernetes writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def documented_waits() -> list[list[str]]:
    """Return the arguments of each `kubectl wait` for Ready that a page tells people to run."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    told = "".join(page.read_text(encoding="utf-8") for page in pages)
    found = re.findall(r"kubectl -n \S+ (wait --for=condition=Ready [^&`\n]+)", told)
    assert len(found) >= 4
    return [shlex.split(words) for words in sorted(set(found))]


def record(shop: Shop, alias: str) -> JSON:
    """Return what is kept of an alias' migration."""
    return shop.fetch("DatabaseAlias", alias)["status"].get("migration", {})


def test_one_failed_run_freezes_nobody_else_and_is_not_silent(shop: Shop) -> None:
    """Users fails with every release: default takes each, and people are told of users."""
    shop.apply(
        project(env=BROKEN),
        entry("default", shop.postgres("app")),
        entry("users", shop.postgres("users")),
        policy("people", PEOPLE),
    )
    shop.expect("Migrated", "False", reason="MigrationFailed", alias="users")
    shop.apply(project(image=SHOP_1_5, env=BROKEN))
    shop.eventually(lambda: shop.attempts("users") == 2, what="users to be tried with 1.5")
    shop.expect("Migrated", "False", reason="MigrationFailed", alias="users")
    shop.expect("Ready", "True", alias="default")
    assert record(shop, "default")["completed"]["image"] == SHOP_1_5
    stalled = shop.expect("Stalled", "True")
    assert "users" in stalled["message"]
    shop.eventually(
        lambda: {one["involvedObject"]["name"] for one in failures(shop)} >= {"users", "shop"},
        what="events on both",
    )
    assert {one["type"] for one in failures(shop)} == {"Warning"}


def failures(shop: Shop) -> list[JSON]:
    """Return the events that tell of a migration that failed; each follows its status."""
    return [one for one in shop.objects("Event") if one["reason"] == "MigrationFailed"]


@pytest.mark.usefixtures("steady_operator")
def test_jobs_are_named_by_what_they_run_and_never_applied_over(shop: Shop, api: ApiServer) -> None:
    """A release makes another; the operator only creates and deletes, and stores the end first."""
    since, migrate = time.time(), {"historyLimit": 1}
    with History(api, ("Job", "DatabaseAlias")) as history:
        shop.apply(project(migrate=migrate), entry("default", shop.postgres("app")))
        shop.wait_ready()
        (first,) = shop.jobs()
        shop.apply(project(image=SHOP_1_5, migrate=migrate))
        shop.wait_ready()
        (second,) = shop.eventually(lambda: _only_one(shop.jobs()), what="the first Job to go")
        shop.eventually(
            lambda: _went_after_its_end_was_stored(history.seen(shop.namespace), first),
            what="its end to be seen stored before it went",
        )
        shop.eventually(lambda: len(_job_writes(shop, since)) >= 3, what="three writes in the log")
        seen = history.seen(shop.namespace)
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert {json.dumps(one["spec"]) for one in _of(first, seen)} == {json.dumps(first["spec"])}
    assert _job_writes(shop, since) == ["create", "create", "delete"]

    shop.change("Job", second["metadata"]["name"], spec={"ttlSecondsAfterFinished": 0})
    shop.eventually(lambda: not shop.jobs(), what="Kubernetes to clean up")
    time.sleep(6)  # a run would start once everything has stood still for five seconds
    assert shop.attempts("default") == 2
    assert shop.is_ready()


def _only_one(jobs: list[JSON]) -> list[JSON]:
    return jobs if len(jobs) == 1 else []


def _of(job: JSON, seen: list[JSON]) -> list[JSON]:
    return [one for one in seen if one["metadata"].get("uid") == job["metadata"]["uid"]]


def _went_after_its_end_was_stored(seen: list[JSON], job: JSON) -> bool:
    """Return whether a Job that is gone was last seen, as deleted, after its end was stored."""
    stored = [one for one in seen if _completed_job(one) == job["metadata"]["name"]]
    return bool(stored) and _version(stored[0]) < _version(_of(job, seen)[-1])


def _job_writes(shop: Shop, since: float) -> list[str]:
    """Return what the operator did to Jobs."""
    return [write.split()[0] for write in shop.writes(since) if " jobs/" in write]


def _completed_job(one: JSON) -> str:
    migration = one["status"].get("migration", {})
    return str(migration.get("completed", {}).get("job", ""))


def _version(one: JSON) -> int:
    return int(one["metadata"]["resourceVersion"])


def test_pods_have_what_the_user_gave_and_no_gate_needs_the_job(shop: Shop) -> None:
    """Tolerations, resources, pull secrets, account; `kubectl wait`, `dbalias_wait` without it."""
    shop.apply(ACCOUNT, project(pod=SOMEBODYS_POD), entry("default", shop.postgres("app")))
    shop.wait_ready()
    (pod,) = shop.objects("Pod", labelSelector="dbalias.dev/purpose=migrate")
    assert SOMEBODYS_POD["tolerations"][0] in pod["spec"]["tolerations"]
    assert pod["spec"]["containers"][0]["resources"] == SOMEBODYS_POD["resources"]
    assert pod["spec"]["imagePullSecrets"] == SOMEBODYS_POD["imagePullSecrets"]
    assert pod["spec"]["serviceAccountName"] == "migrator"
    completed = record(shop, "default")["completed"]
    assert pod["status"]["containerStatuses"][0]["imageID"].endswith(completed["imageDigest"])
    assert completed["appliedCount"] > 20
    assert completed["last"]

    (job,) = shop.jobs()
    shop.delete("Job", job["metadata"]["name"])
    for words in documented_waits():
        waiting = shop.kubectl(*words)
        told, _ = waiting.communicate(timeout=WITHIN)
        assert waiting.returncode == 0, f"{words}: {told}"
    waited = shop.run("python", "/etc/dbalias/dbalias_wait.py", "--timeout=30")
    assert "migrated: default" in waited
    assert shop.jobs() == []


def test_deleted_job_does_not_bypass_the_back_off(shop: Shop) -> None:
    """A login that is refused is tried again at the time in status, though its Job is gone."""
    default = shop.postgres("app")
    wrong = secret("default", default)
    wrong["stringData"] = {"password": "wrong"}
    (_, alias) = entry("default", default)
    shop.apply(project(), wrong, alias)
    shop.expect("Migrated", "False", reason="LoginRefused", alias="default")
    again = moment(record(shop, "default")["retryAt"])
    (job,) = shop.jobs()
    shop.delete("Job", job["metadata"]["name"])
    (second,) = shop.eventually(shop.jobs, what="the next attempt")
    assert moment(second["metadata"]["creationTimestamp"]) >= again
    assert shop.attempts("default") == 2


def test_failure_target_is_not_failed(shop: Shop, api: ApiServer) -> None:
    """Past its deadline a Job shall fail, and its pod still stops: no second one meanwhile."""
    run = Held(shop, shop.postgres("app"), Step.SECOND)
    with History(api, ("Job", "Pod", "DatabaseAlias")) as history:
        start_all([run])
        (job,) = shop.jobs()
        name = job["metadata"]["name"]
        shop.change("Job", name, spec={"activeDeadlineSeconds": 1})
        shop.eventually(
            lambda: has_failure_target(shop.fetch("Job", name)), what="the Job to be about to fail"
        )
        time.sleep(2)
        run.open()
        shop.eventually(lambda: run.attempts == 2, what="another attempt")
        shop.wait_ready()
        seen = history.seen(shop.namespace)
    told = _of(shop.jobs()[0], seen)
    assert any(has_failure_target(one) and not is_finished(one) for one in told)
    assert most_pods(seen) == 1
    assert is_complete(shop.jobs()[-1])
