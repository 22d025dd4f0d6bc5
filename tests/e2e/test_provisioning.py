"""Databases that are made for their aliases, on both servers, up to the tables in them."""

from __future__ import annotations

import json
from pathlib import Path

from stage.objects import project
from stage.person import Person
from stage.play import Shop
from stage.provisioning import Login, a_server, login_of, neighbours, provisioned

ALIASES = ["default", *(f"a{number:02}" for number in range(1, 20))]
TABLES = {"catalog_category", "catalog_product", "django_migrations"}
CATALOG = {"apps": ["catalog"]}


def test_twenty_aliases_get_databases_tables_and_logins_that_are_theirs_alone(shop: Shop) -> None:
    """From two empty servers to Ready; what a login may do elsewhere is tried, not assumed."""
    servers = [a_server(shop, one) for one in (shop.setting.postgres, shop.setting.mariadb)]
    shop.apply(project(migrate={"maxParallel": 6}))
    for at, name in enumerate(ALIASES):
        shop.apply(provisioned(name, servers[at % 2], migrate=CATALOG))
    shop.wait_ready(within=300)
    logins = [login_of(shop, name) for name in ALIASES]
    for login in logins:
        assert set(login.values("SELECT table_name FROM information_schema.tables")) >= TABLES
        assert login.values("SELECT name FROM catalog_category") != []
        login.values("CREATE TABLE tried (id integer)")
        login.values("DROP TABLE tried")
        assert_kept_to_its_own(login, neighbours(login, logins))
    assert len({login.password for login in logins}) == len(logins)


def assert_kept_to_its_own(login: Login, others: list[Login]) -> None:
    """Try what a curious tenant would."""
    assert others
    for other in others:
        assert login.refused(database=other.database), f"{login.user} enters {other.database}"
    assert login.refused("CREATE DATABASE taken")
    if login.engine == "postgresql":
        assert login.refused(f'SET ROLE "{others[0].user}"')
        assert login.refused(f'ALTER ROLE "{others[0].user}" LOGIN')
        assert login.refused("CREATE ROLE taken")
    else:
        assert login.refused(f"SELECT * FROM `{others[0].database}`.catalog_product")
        assert login.refused("CREATE USER taken")


def test_a_database_goes_with_its_alias_or_waits_to_be_taken_back(
    shop: Shop, tmp_path: Path
) -> None:
    """As `deletionPolicy` says; who applies a retained one again finds rows and login as before."""
    server = a_server(shop, shop.setting.postgres)
    kept = provisioned("default", server, migrate=CATALOG)
    gone = provisioned("gone", server, provision={"deletionPolicy": "Delete"}, migrate=CATALOG)
    shop.apply(project(), kept, gone)
    shop.wait_ready()
    ours, theirs = login_of(shop, "default"), login_of(shop, "gone")
    ours.values("INSERT INTO catalog_category (name) VALUES ('kept')")

    shop.delete("DatabaseAlias", "gone")
    shop.eventually(lambda: shop.get("DatabaseAlias", "gone") is None, what="the alias to be gone")
    assert not shop.get("Secret", "gone-binding")
    assert not shop.setting.postgres.admin_sql(
        "SELECT datname FROM pg_database WHERE datname = %s"
        " UNION SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)",
        [theirs.database, theirs.database],
    )

    shop.delete("DatabaseAlias", "default")
    shop.eventually(lambda: ours.database in orphans(shop, server), what="an orphan")
    told = Person(shop, tmp_path, role="view").run(
        "orphans", f"--namespace={shop.namespace}", "--output=json"
    )
    assert told.code == 0, told.err
    (listed,) = json.loads(told.out)
    assert ours.database in {one["database"] for one in listed["databases"]}

    shop.apply(kept)
    shop.wait_ready()
    assert login_of(shop, "default") == ours
    assert "kept" in ours.values("SELECT name FROM catalog_category")
    shop.eventually(lambda: ours.database not in orphans(shop, server), what="it to be claimed")


def orphans(shop: Shop, server: str) -> set[str]:
    """Return databases that nobody claims, as the server's status tells; other tests' as well."""
    told = shop.fetch("DatabaseServer", server)["status"]["orphans"]
    return {one["name"] for one in told["databases"]}
