"""The operator is killed or not there, and namespaces vanish: the end is the same."""

import pytest

from stage.api import ApiServer
from stage.kill.gates import OwnLock
from stage.objects import alias, entry, policy, project, rule
from stage.operating import count_restarts, kill_operator, scale_operator
from stage.play import NewShop, Shop, is_complete

SLOW = {"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "3"}
PEOPLE = policy("people", rule(["customers", "orders"], write="users"))


@pytest.mark.usefixtures("operator_to_harm")
def test_killed_operator_starts_no_second_run(shop: Shop, api: ApiServer) -> None:
    """SIGKILL the moment a Job appears, and again while both run: one run each, all Ready."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    before = count_restarts(api)
    # Held, for the first may be over before an operator that was killed makes the second.
    with OwnLock(default), OwnLock(users):
        shop.apply(
            project(env=SLOW), entry("default", default), entry("users", users), PEOPLE
        )  # fmt: skip
        shop.eventually(shop.jobs, what="a Job")
        kill_operator(api)
        shop.eventually(lambda: len(shop.running()) == 2, what="both Jobs to run")
        kill_operator(api)

    shop.wait_ready()
    shop.eventually(lambda: count_restarts(api) >= before + 2, what="two restarts")
    assert [shop.attempts(name) for name in ("default", "users")] == [1, 1]
    assert [len(shop.jobs(alias=name)) for name in ("default", "users")] == [1, 1]
    assert all(map(is_complete, shop.jobs()))
    assert users.values("SELECT COUNT(*) FROM orders_shippingmethod") == [1]


@pytest.mark.usefixtures("operator_to_harm")
def test_waiting_for_ready_returns_when_all_is_migrated_and_not_before(
    shop: Shop, api: ApiServer
) -> None:
    """`kubectl wait` fails on fresh objects that no operator has seen, then waits to the end."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    everything = (
        "wait", "--for=condition=Ready", "djangoproject/shop", "databasealias/default",
        "databasealias/users",
    )  # fmt: skip
    scale_operator(api, 0)
    try:
        shop.apply(project(env=SLOW), entry("default", default), entry("users", users), PEOPLE)
        fresh = shop.kubectl(*everything, "--timeout=3s")
        told, _ = fresh.communicate()
        assert fresh.returncode != 0, told
        assert "condition met" not in told
    finally:
        waiting = shop.kubectl(*everything, "--timeout=300s")
        scale_operator(api, 1)
    told, _ = waiting.communicate()

    assert waiting.returncode == 0, told + shop.describe()
    assert told.count("condition met") == 3
    assert [is_complete(job) for job in shop.jobs()] == [True, True]
    assert shop.published() is not None
    assert "catalog_product" in default.tables()
    assert "orders_order" in users.tables()


def test_namespace_is_gone_soon_after_its_deletion_and_the_operator_goes_on(
    shop: Shop, new_shop: NewShop, api: ApiServer
) -> None:
    """Nothing of ours holds a namespace back: no finalizer, and Jobs end with their pods.

    The namespace controller first waits for pods, looks again within seconds, and then after
    half of their grace, which is five minutes for migrations.
    """
    shop.apply(
        project(env={**SLOW, "SHOP_SLOW_SECONDS": "1"}),
        entry("default", shop.postgres("app_data")),
        entry("users", shop.mariadb("user_data")),
        PEOPLE,
    )
    shop.eventually(shop.running, what="a Job to run")
    api.delete("Namespace", "", shop.namespace)
    shop.eventually(
        lambda: api.get("Namespace", "", shop.namespace) is None,
        what="the namespace to be gone",
        within=330,
    )

    other = new_shop("after-the-deletion")
    other.apply(project(image=None), alias("default", engine="sqlite3", name="/tmp/shop.sqlite3"))
    other.wait_ready()
