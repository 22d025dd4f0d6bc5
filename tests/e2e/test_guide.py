"""The examples of Django's guide to multiple databases, in real pods on real servers."""

import json

import pytest

from stage.images import SHOP_1_4
from stage.objects import alias, empty_default, entry, policy, project, rule
from stage.play import Shop, is_complete

RECORDED = {"django_migrations"}
CATALOG = {"catalog_category", "catalog_tag", "catalog_product", "catalog_product_tags"}
CUSTOMERS = {"customers_customer"}
ORDERS = {"orders_shippingmethod", "orders_order", "orders_orderline"}
AUTH = {
    "auth_user", "auth_group", "auth_permission", "auth_user_groups", "auth_group_permissions",
    "auth_user_user_permissions", "django_content_type",
}  # fmt: skip
ADMIN = {"django_admin_log"}
SESSIONS = {"django_session"}

REPORT = ("python", "manage.py", "shop_report", "--json")


def report(shop: Shop) -> dict[str, dict[str, object]]:
    """Let a pod of the application write and read every model; return its report by model."""
    rows = json.loads(shop.run(*REPORT).splitlines()[-1])
    return {row["model"]: row for row in rows}


def test_first_example_of_the_guide_is_published_and_migrated(shop: Shop) -> None:
    """PostgreSQL as default, MariaDB as users: two Jobs, each its tables, both read and written."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    shop.apply(
        project(),
        entry("default", default),
        entry("users", users),
        policy("people", rule(["customers", "orders"], write="users")),
    )
    shop.wait_ready()

    assert [len(shop.jobs(alias=name)) for name in ("default", "users")] == [1, 1]
    assert all(is_complete(job) for job in shop.jobs())
    assert default.tables() == RECORDED | CATALOG | AUTH | ADMIN | SESSIONS
    assert users.tables() == RECORDED | CUSTOMERS | ORDERS

    databases = shop.published()["databases"]
    assert databases["default"]["settings"]["ENGINE"] == "django.db.backends.postgresql"
    assert databases["users"]["settings"]["ENGINE"] == "django.db.backends.mysql"
    assert default.password not in json.dumps(shop.fetch("ConfigMap", "shop-databases"))

    rows = report(shop)
    assert rows["catalog.Product"]["written"] == rows["auth.User"]["read"] == "default"
    assert rows["orders.Order"]["written"] == rows["customers.Customer"]["read"] == "users"
    assert users.values("SELECT email FROM customers_customer") == ["ada@example.org"]


def test_second_example_of_the_guide_never_touches_its_empty_default(shop: Shop) -> None:
    """Two databases on MariaDB and `default` empty: no Job for it, and nothing reaches it."""
    users, customers = shop.mariadb("user_data"), shop.mariadb("customer_data")
    shop.apply(
        project(),
        empty_default(),
        entry("users", users),
        entry("customers", customers),
        policy(
            "everything",
            rule(["auth", "contenttypes", "admin", "sessions"], write="users"),
            rule(["catalog", "customers", "orders"], write="customers"),
        ),
    )
    shop.wait_ready()

    assert shop.jobs(alias="default") == []
    assert shop.condition("Migrated", alias="default")["reason"] == "EmptyDefault"
    assert [len(shop.jobs(alias=name)) for name in ("users", "customers")] == [1, 1]
    assert users.tables() == RECORDED | AUTH | ADMIN | SESSIONS
    assert customers.tables() == RECORDED | CATALOG | CUSTOMERS | ORDERS
    assert shop.published()["databases"]["default"]["settings"] == {}
    assert {row["written"] for row in report(shop).values()} == {"users", "customers"}
    assert shop.condition("RoutesValid")["status"] == "True"


def test_model_that_would_reach_an_empty_default_is_named_before_any_table_is_made(
    shop: Shop,
) -> None:
    """A policy that forgets the catalogue: RoutesValid=False with its models, nothing migrated."""
    users, customers = shop.mariadb("user_data"), shop.mariadb("customer_data")
    shop.apply(
        project(),
        empty_default(),
        entry("users", users),
        entry("customers", customers),
        policy(
            "most",
            rule(["auth", "contenttypes", "admin", "sessions"], write="users"),
            rule(["customers", "orders"], write="customers"),
        ),
    )
    refused = shop.expect("RoutesValid", "False", reason="AuditRefused")

    for model in ("catalog.Category", "catalog.Tag", "catalog.Product"):
        assert model in refused["message"]
    stalled = shop.expect("Stalled", "True")
    assert stalled["reason"] == "AuditRefused"
    for name in ("users", "customers"):
        shop.expect("Migrated", "False", reason="AuditRefused", alias=name)
    assert users.tables() == customers.tables() == set()
    assert shop.published() is None

    shop.apply(policy("rest", rule(["catalog"], write="customers")))
    shop.wait_ready()
    assert customers.tables() >= CATALOG


@pytest.mark.usefixtures("steady_operator")
def test_auth_and_primary_replica_routers_of_the_guide_work_as_policies(shop: Shop) -> None:
    """The login's apps on one database, all else on a primary whose replicas are only read."""
    auth_db, primary = shop.postgres("auth"), shop.postgres("primary")
    read_only = {"options": {"options": "-c default_transaction_read_only=on"}}
    replica = {"inheritFrom": "primary", "role": "Replica", **read_only}
    shop.apply(
        project(),
        empty_default(),
        entry("auth_db", auth_db),
        entry("primary", primary),
        alias("replica1", **replica),
        alias("replica2", **replica),
        policy("auth", rule(["auth", "contenttypes", "admin"], write="auth_db"), order=1),
        policy(
            "primary-replica",
            rule(["*"], write="primary", read=["replica1", "replica2"]),
            order=2,
        ),
    )
    shop.wait_ready()

    assert auth_db.tables() == RECORDED | AUTH | ADMIN
    assert primary.tables() == RECORDED | CATALOG | CUSTOMERS | ORDERS | SESSIONS
    for name in ("replica1", "replica2"):
        assert shop.jobs(alias=name) == []
        assert shop.condition("Migrated", alias=name)["reason"] == "Replica"
    rows = report(shop)
    assert rows["auth.User"]["written"] == rows["auth.User"]["read"] == "auth_db"
    assert rows["orders.Order"]["written"] == "primary"
    assert str(rows["orders.Order"]["read"]).startswith("replica")


def test_image_of_the_shop_runs_without_the_operator_too(shop: Shop) -> None:
    """What the tests run is an ordinary Django project: nothing of ours is in its image."""
    shop.apply(project(image=None), entry("default", shop.postgres("app_data")))
    shop.wait_ready()
    assert shop.jobs() == []
    assert shop.condition("Migrated")["reason"] == "NotManaged"
    listing = shop.run("python", "-c", "import os; print(os.listdir('/app'))", image=SHOP_1_4)
    assert "dbalias" not in listing
