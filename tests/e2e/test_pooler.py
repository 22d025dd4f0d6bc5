"""PgBouncer between the application's pods and PostgreSQL, in transaction mode."""

from stage.images import SHOP_1_5
from stage.objects import entry, project
from stage.play import Shop
from stage.pooling import PgBouncer

USE = """
import django
django.setup()
from django.db import connection, transaction
from catalog.models import Category
with transaction.atomic():
    Category.objects.bulk_create(Category(name=f"c{n}") for n in range(500))
assert sum(1 for _ in Category.objects.iterator(chunk_size=50)) >= 500
print("through port", connection.settings_dict["PORT"])
"""


def test_a_pooler_is_refused_for_migrations_until_they_know_a_way_around_it(shop: Shop) -> None:
    """The condition says what to write; with that the application alone goes through it."""
    database = shop.postgres("pooled")
    with PgBouncer(database) as pooler:
        through = {"host": pooler.host, "port": pooler.port}
        shop.apply(project(image=SHOP_1_5), *entry("default", database, **through))
        told = shop.expect("Migrated", "False", reason="PoolerInTheWay", alias="default")
        assert "spec.migrate.connection" in told["message"]
        assert database.tables() == set()

        seen = pooler.transactions()
        direct = {"host": database.server.host, "port": database.server.port}
        remedy = {"pooler": "Transaction", "migrate": {"connection": direct}}
        shop.change("DatabaseAlias", "default", spec=remedy)
        shop.wait_ready()
        assert "catalog_category" in database.tables()
        assert pooler.transactions() == seen

        assert f"through port {pooler.port}" in shop.run("python", "-c", USE, image=SHOP_1_5)
        assert pooler.transactions() > seen
