"""When a migrate Job runs, when it does not, and what survives its deletion."""

import itertools
import time

import pytest

from stage.objects import entry, policy, project, rule, secret
from stage.play import Shop, is_complete, is_finished

PUBLISHED = ("ConfigMap", "Secret")
PEOPLE = policy("people", rule(["customers", "orders"], write="users"))


def two_databases(shop: Shop) -> list[object]:
    """Return the guide's first example: default on PostgreSQL, users on MariaDB."""
    return [
        project(),
        entry("default", shop.postgres("app_data")),
        entry("users", shop.mariadb("user_data")),
        PEOPLE,
    ]


def test_changed_password_is_published_and_starts_no_job(shop: Shop) -> None:
    """A new password on the server and in the Secret: published within a poll, no run."""
    default = shop.postgres("app_data")
    shop.apply(project(), entry("default", default))
    shop.wait_ready()
    (before,) = shop.jobs()

    changed = default.with_password("rather-new")
    shop.apply(secret("default", changed))
    shop.eventually(
        lambda: shop.secret("shop-databases").get("default.password") == "rather-new",
        what="the new password to be published",
    )
    assert shop.run("python", "manage.py", "shop_report")
    assert [job["metadata"]["uid"] for job in shop.jobs()] == [before["metadata"]["uid"]]
    assert shop.attempts("default") == 1


def test_changed_resources_start_a_job_after_a_failure_but_not_after_a_success(
    shop: Shop,
) -> None:
    """What a pod may use is no part of what is migrated, yet a reason to try again."""
    shop.apply(
        project(env={"SHOP_EXTRA_APPS": "broken"}), entry("default", shop.postgres("app_data"))
    )
    shop.expect("Migrated", "False", reason="MigrationFailed", alias="default")
    assert shop.attempts("default") == 1

    more = {"resources": {"requests": {"memory": "64Mi"}}}
    shop.apply(project(env={"SHOP_EXTRA_APPS": "broken"}, pod=more))
    shop.eventually(lambda: shop.attempts("default") == 2, what="a second attempt")
    shop.eventually(lambda: all(map(is_finished, shop.jobs())), what="its end")
    shop.apply(project(pod=more))
    shop.wait_ready()
    assert shop.attempts("default") == 3

    shop.apply(project(pod={"resources": {"requests": {"memory": "32Mi"}}}))
    shop.wait_ready()
    time.sleep(8)  # the operator waits five seconds for inputs to settle before it starts a run
    assert shop.attempts("default") == 3


@pytest.mark.usefixtures("steady_operator")
def test_deleted_objects_are_restored_but_a_finished_job_is_not_run_again(shop: Shop) -> None:
    """ConfigMap and Secret are back soon; the Job's end is known without the Job."""
    shop.apply(*two_databases(shop))
    shop.wait_ready()
    before = {kind: shop.fetch(kind, "shop-databases") for kind in PUBLISHED}
    for job in shop.jobs():
        shop.delete("Job", job["metadata"]["name"])
    for kind in PUBLISHED:
        shop.delete(kind, "shop-databases")

    def is_restored(kind: str) -> bool:
        found = shop.get(kind, "shop-databases")
        return found is not None and found["metadata"]["uid"] != before[kind]["metadata"]["uid"]

    shop.eventually(lambda: all(map(is_restored, PUBLISHED)), what="ConfigMap and Secret back")
    for kind in PUBLISHED:
        assert shop.fetch(kind, "shop-databases")["data"] == before[kind]["data"]
    time.sleep(6)  # a run would start once everything has stood still for five seconds
    assert shop.jobs() == []
    assert [shop.attempts(name) for name in ("default", "users")] == [1, 1]
    assert shop.is_ready()
    shop.eventually(lambda: writes_nothing(shop), what="three seconds without a write")


def writes_nothing(shop: Shop) -> bool:
    """Watch for three seconds."""
    since = time.time()
    time.sleep(3)
    return not shop.writes(since)


def test_alias_deleted_while_its_job_runs_and_made_again_never_runs_twice_at_once(
    shop: Shop,
) -> None:
    """The first run goes on to its end, taken over or repeated after it; all ends Ready."""
    users = entry("users", shop.mariadb("user_data"))
    shop.apply(
        project(env={"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "3"}),
        entry("default", shop.postgres("app_data")),
        users,
        policy("people", rule(["customers", "orders", "slow"], write="users")),
    )
    most = len(shop.eventually(lambda: shop.running(alias="users"), what="the pod of users to run"))
    shop.delete("DatabaseAlias", "users")
    time.sleep(2)
    shop.apply(users)

    def ends() -> bool:
        nonlocal most
        most = max(most, len(shop.running(alias="users")))
        return shop.is_ready()

    shop.eventually(ends, what="everything to be Ready")
    assert most == 1
    runs = shop.jobs(alias="users")
    assert all(map(is_complete, runs))
    for first, second in itertools.pairwise(runs):
        assert first["status"]["completionTime"] <= second["status"]["startTime"]
