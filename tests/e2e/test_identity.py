"""A login for migrations alone: it may make tables, the application may not and never sees it."""

import json
from dataclasses import replace

from stage.api import JSON
from stage.images import SHOP_1_5
from stage.objects import Database, entry, project, secret
from stage.play import Shop

MIGRATOR = "default-migrator-login"
FIND = """
import os, pathlib, sys
mark, seen = sys.argv[1][::-1], 0
for folder in ("/etc/dbalias", "/var/run/secrets", "/run/secrets"):
    for file in pathlib.Path(folder).rglob("*"):
        if file.is_file():
            seen += 1
            assert mark not in file.read_text(errors="replace"), file
assert mark not in repr(dict(os.environ))
import django
from django.conf import settings
django.setup()
assert mark not in repr(settings.DATABASES)
print("looked through", seen, "files")
"""
MAKE_A_TABLE = """
import django
from django.db import ProgrammingError, connection
django.setup()
from catalog.models import Category
Category.objects.create(name="written")
try:
    connection.cursor().execute("CREATE TABLE sneaky (id int)")
except ProgrammingError as error:
    print("refused:", error)
else:
    raise SystemExit("the application has made a table")
"""


def two_logins(shop: Shop) -> tuple[Database, Database]:
    """Return a database as the application knows it, and as its owner does."""
    owner = shop.postgres("app", password="only-for-migrations")
    server = owner.server
    login = replace(owner, user=f"{owner.user[:50]}_web", password="for-the-application")
    server.admin_sql(f"CREATE ROLE {login.user} LOGIN PASSWORD '{login.password}'")
    rights = {"TABLES": "SELECT, INSERT, UPDATE, DELETE", "SEQUENCES": "USAGE, SELECT"}
    for what, given in rights.items():
        server.admin_sql(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner.user} GRANT {given} ON {what} "
            f"TO {login.user}",
            database=owner.name,
        )
    return login, owner


def declared(login: Database, owner: Database) -> list[JSON]:
    """Return the alias with both logins."""
    connection = {"user": owner.user, "credentials": {"secretRef": {"name": MIGRATOR}}}
    return [*entry("default", login, migrate={"connection": connection}), migrator(owner)]


def migrator(owner: Database) -> JSON:
    """Return the Secret that Jobs alone get."""
    body = secret("default", owner)
    return {**body, "metadata": {"name": MIGRATOR}}


def volumes(pod: JSON) -> set[str]:
    """Return the names of the Secrets that a pod mounts."""
    return {
        source["secret"]["name"]
        for volume in pod["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
        if "secret" in source
    }


def test_application_can_neither_make_tables_nor_find_the_login_that_may(shop: Shop) -> None:
    """That login changes without a run or a restart, and a run that it failed follows at once."""
    login, owner = two_logins(shop)
    shop.apply(project(), declared(login, owner))
    shop.wait_ready()
    check_pods(shop, owner)
    check_objects(shop, owner)
    owner = check_change(shop, owner)
    check_retry(shop, owner)
    assert owner.values("SELECT count(*) FROM orders_shippingmethod") == [2]


def check_pods(shop: Shop, owner: Database) -> None:
    """Look for the password in the application's files, environment and settings; make a table."""
    backwards = owner.password[::-1]  # or the pod that looks for it would hold it
    assert "looked through" in shop.run("python", "-c", FIND, backwards)
    assert "refused: permission denied" in shop.run("python", "-c", MAKE_A_TABLE)


def check_objects(shop: Shop, owner: Database) -> None:
    """Look for it in what is published, and at who mounts what."""
    for kind in ("ConfigMap", "Pod", "Job", "DatabaseAlias", "DjangoProject"):
        assert owner.password not in json.dumps(shop.objects(kind)), kind
    assert owner.password not in shop.secret("shop-databases").values()
    assert owner.password in shop.secret("shop-migrate").values()
    mounts = {pod["metadata"]["name"][:4]: volumes(pod) for pod in shop.objects("Pod")}
    assert mounts == {"web-": {"shop-databases"}, "shop": {"shop-databases", "shop-migrate"}}


def check_change(shop: Shop, owner: Database) -> Database:
    """Change the password while all is migrated: Jobs will have it, and nothing starts."""
    before = shop.fetch("DjangoProject", "shop")["status"]["credentialsRevision"]
    changed = owner.with_password("newer-for-migrations")
    shop.apply(migrator(changed))
    shop.eventually(
        lambda: changed.password in shop.secret("shop-migrate").values(), what="the new password"
    )
    assert shop.fetch("DjangoProject", "shop")["status"]["credentialsRevision"] == before
    return changed


def check_retry(shop: Shop, owner: Database) -> None:
    """Release with a password that is wrong meanwhile, then put the right one into the Secret."""
    newest = owner.with_password("newest-for-migrations")
    shop.apply(project(image=SHOP_1_5))
    shop.expect("Migrated", "False", reason="LoginRefused", alias="default")
    assert shop.attempts("default") == 2
    shop.apply(migrator(newest))
    shop.wait_ready()
