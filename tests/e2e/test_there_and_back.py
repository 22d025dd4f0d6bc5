"""Images go back and forth, and databases change behind the operator's back."""

from __future__ import annotations

import time

from stage.api import JSON
from stage.images import SHOP_1_5
from stage.objects import Database, entry, policy, project, rule
from stage.play import NewShop, Shop, is_complete

PEOPLE = policy("people", rule(["customers", "orders"], write="users"))
EXPRESS = "orders.0003_express_shipping"
METHODS = "SELECT name FROM orders_shippingmethod ORDER BY id"
LAST = "SELECT COUNT(*) FROM django_migrations WHERE app = 'orders' AND name LIKE '0003%'"


def ask(shop: Shop, what: str) -> None:
    """Annotate the project as a person does who wants a run or a check now."""
    now = time.strftime("%FT%TZ", time.gmtime())
    shop.change("DjangoProject", "shop", metadata={"annotations": {f"dbalias.dev/{what}": now}})


def migrated(shop: Shop, status: str, reason: str, *, alias: str) -> JSON:
    """Wait for what is said of an alias' migrations; return the condition."""
    return shop.expect("Migrated", status, reason=reason, alias=alias)


def test_each_image_runs_once_there_and_back_and_there_again(shop: Shop) -> None:
    """1.4, 1.5, 1.4, a migration reversed by hand, 1.5: each time migrated, and said how it is."""
    users = shop.mariadb("user_data")
    shop.apply(
        project(), entry("default", shop.postgres("app_data")), entry("users", users), PEOPLE
    )
    shop.wait_ready()
    assert users.values(METHODS) == ["Standard"]

    shop.apply(project(image=SHOP_1_5))
    shop.wait_ready()
    assert [shop.attempts(name) for name in ("default", "users")] == [2, 2]
    assert users.values(METHODS) == ["Standard", "Express"]

    shop.apply(project())
    shop.wait_ready()
    assert [shop.attempts(name) for name in ("default", "users")] == [3, 3]
    assert [is_complete(job) for job in shop.jobs()] == [True] * 6
    assert EXPRESS in migrated(shop, "True", "DatabaseAhead", alias="users")["message"]
    assert users.values(METHODS) == ["Standard", "Express"]

    undo = ("python", "manage.py", "migrate", "orders", "0002", "--database=users", "--no-input")
    shop.run(*undo, image=SHOP_1_5)
    ask(shop, "check-requested-at")
    migrated(shop, "True", "Migrated", alias="users")
    assert shop.is_ready()
    assert users.values(LAST) == [0]

    shop.apply(project(image=SHOP_1_5))
    shop.wait_ready()
    assert [shop.attempts(name) for name in ("default", "users")] == [4, 4]
    # Its reversal does nothing, as the migration says, and so the row is added a second time.
    assert users.values(METHODS) == ["Standard", "Express", "Express"]
    assert users.values(LAST) == [1]


def made_again(database: Database) -> None:
    """Drop a database and make it again under the same name, as preview environments do."""
    database.server.drop_database(database.name)
    database.server.create_database(database.name, database.user, database.password)
    assert database.tables() == set()


def test_database_made_again_under_its_name_is_noticed_and_migrated_by_the_next_run(
    new_shop: NewShop,
) -> None:
    """A check says what is pending; a request, or the next image, migrates it from the start."""
    asked, released = new_shop("preview-request"), new_shop("preview-image")
    databases = {asked: asked.postgres("preview"), released: released.mariadb("preview")}
    for shop, database in databases.items():
        shop.apply(project(), entry("default", database))
    for shop, database in databases.items():
        shop.wait_ready()
        made_again(database)

    ask(asked, "check-requested-at")
    told = migrated(asked, "False", "Pending", alias="default")["message"]
    assert "pending: contenttypes.0001_initial" in told
    assert "dbalias.dev/migrate-requested-at" in told
    asked.expect("Ready", "False")
    assert asked.attempts("default") == 1

    ask(asked, "migrate-requested-at")
    released.apply(project(image=SHOP_1_5))
    for shop, database in databases.items():
        shop.wait_ready()
        assert shop.attempts("default") == 2
        assert "orders_order" in database.tables()
    assert databases[asked].values(METHODS) == ["Standard"]
    assert databases[released].values(METHODS) == ["Standard", "Express"]
