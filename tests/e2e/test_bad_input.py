"""Bad input meets a condition that names the object and the remedy, never the secret."""

from dataclasses import replace

from localkube.images import BASE_IMAGE
from stage.api import JSON
from stage.objects import alias, entry, policy, project, rule, secret
from stage.play import Shop, is_complete

HARD = ' it\'s "so" \\back\\slash 100% %s {{ braces }} {x} $HOME $(id) `ls` #;&\nnext line \n'
HARD_UNICODE = "pässwörd – 密码 🗝 " + HARD


def refused(shop: Shop, reason: str, *words: str, alias: str = "default") -> str:
    """Wait for an alias' Migrated=False of this reason; its message, which has all these words."""
    told = str(shop.expect("Migrated", "False", reason=reason, alias=alias)["message"])
    missing = [word for word in (f"Alias {alias}", *words) if word not in told]
    assert not missing, f"{missing} not in: {told}"
    ready = shop.expect("Ready", "False", reason=reason, alias=alias)
    assert ready["message"]
    shop.expect("Ready", "False", reason=reason)
    return told


def is_stalled(shop: Shop) -> bool:
    """Return whether the alias `default` waits for an edit."""
    return bool(shop.condition("Stalled", alias="default").get("status") == "True")


def test_wrong_password_is_told_apart_and_mended_in_the_secret(shop: Shop) -> None:
    """LoginRefused names user and Secret; the right password is tried without a restart."""
    default = shop.postgres("app_data", password="right-one-5f2")
    shop.apply(project(), entry("default", replace(default, password="wrong-one-5f2")))
    refused(shop, "LoginRefused", "credentials Secret")
    assert shop.condition("Connected", alias="default")["reason"] == "LoginRefused"
    assert "wrong-one-5f2" not in shop.describe()

    shop.apply(secret("default", default))
    shop.wait_ready()
    assert "right-one-5f2" not in shop.describe()


def test_host_that_does_not_resolve_is_unreachable_until_it_is_corrected(shop: Shop) -> None:
    """DatabaseUnreachable, tried again by itself; the right host is tried at once."""
    default = shop.postgres("app_data")
    shop.apply(project(), entry("default", default, host="db.nowhere.invalid"))
    refused(shop, "DatabaseUnreachable", "host", "Next attempt at")
    assert not is_stalled(shop)

    shop.apply(entry("default", default))
    shop.wait_ready()


def test_image_that_cannot_be_pulled_is_named(shop: Shop) -> None:
    """ImageNotPulled while the pod waits; another image replaces the Job that never began."""
    shop.apply(project(image="localhost/shop:missing"), entry("default", shop.postgres("app_data")))
    refused(shop, "ImageNotPulled", "localhost/shop:missing")
    assert not is_stalled(shop)

    shop.apply(project())
    shop.wait_ready()


def test_pod_refused_by_a_quota_says_so_in_the_servers_words(shop: Shop) -> None:
    """PodNotCreated with the quota's name; without the quota the same Job gets its pod."""
    shop.limit_pods(0)
    shop.apply(project(), entry("default", shop.postgres("app_data")))
    refused(shop, "PodNotCreated", "exceeded quota", "pods")

    shop.delete("ResourceQuota", "pods")
    shop.wait_ready()
    assert shop.attempts("default") == 1


def test_image_whose_user_is_root_cannot_start(shop: Shop) -> None:
    """PodCannotStart instead of a Job that hangs for ever; an ordinary image replaces it."""
    shop.apply(project(image=BASE_IMAGE), entry("default", shop.postgres("app_data")))
    refused(shop, "PodCannotStart", "root")

    shop.apply(project())
    shop.wait_ready()


def test_settings_module_that_does_not_import_is_named(shop: Shop) -> None:
    """SettingsFailed is Stalled, for only an edit helps; the edit is tried at once."""
    settings = {"module": "shop.no_such_settings"}
    shop.apply(project(settings=settings), entry("default", shop.postgres("app_data")))
    refused(shop, "SettingsFailed", "shop.no_such_settings")
    assert is_stalled(shop)
    shop.expect("Stalled", "True")

    shop.apply(project())
    shop.wait_ready()


def test_migration_that_fails_half_way_on_mariadb_is_named_and_not_repeated(shop: Shop) -> None:
    """MariaDB keeps the first table: Stalled until somebody has looked, then it goes on."""
    default = shop.mariadb("app_data")
    shop.apply(project(env={"SHOP_EXTRA_APPS": "broken"}), entry("default", default))
    refused(shop, "MigrationFailed", "broken.0001_initial", "Repair the database")
    assert is_stalled(shop)
    assert "broken_half" in default.tables()
    assert default.values("SELECT COUNT(*) FROM django_migrations WHERE app = 'broken'") == [0]
    assert shop.attempts("default") == 1

    shop.apply(project())
    shop.wait_ready()


def test_passwords_of_any_characters_log_in(shop: Shop) -> None:
    """Quotes, backslashes, %, {{, $, newlines and unicode reach both servers as they are."""
    default = shop.postgres("app_data", password=HARD_UNICODE)
    users = shop.mariadb("user_data", password=HARD_UNICODE)
    shop.apply(
        project(),
        entry("default", default),
        entry("users", users),
        entry("plain", shop.mariadb("plain", password=HARD)),
        policy("people", rule(["customers", "orders"], write="users")),
    )
    shop.wait_ready()

    assert shop.secret("shop-databases")["users.password"] == HARD_UNICODE
    shop.run("python", "manage.py", "shop_report")
    assert "back\\slash" not in shop.describe()


def test_one_of_five_aliases_without_its_secret_leaves_the_others_alone(shop: Shop) -> None:
    """Four flow, the project names the fifth, new pods start; the Secret comes and all is Ready."""
    databases = {name: shop.postgres(name) for name in ("default", "b", "c", "d", "e")}
    entries = {name: entry(name, database) for name, database in databases.items()}
    (awaited, fifth), others = entries.pop("e"), list(entries.values())
    shop.apply(project(migrate={"maxParallel": 5}), *others, fifth)

    for name in entries:
        shop.expect("Ready", "True", alias=name)
    lacking = shop.expect("Ready", "False", reason="SecretNotFound", alias="e")
    assert "e-login" in lacking["message"]
    of_project = shop.expect("Ready", "False", reason="SecretNotFound")
    assert "DatabaseAlias/e" in of_project["message"]
    assert shop.condition("Stalled").get("status") != "True"
    assert shop.jobs(alias="e") == []
    shop.run("python", "manage.py", "shop_report")

    shop.apply(awaited)
    shop.wait_ready()
    assert {name: shop.attempts(name) for name in databases} == dict.fromkeys(databases, 1)
    assert all(map(is_complete, shop.jobs()))
    shop.run("python", "manage.py", "shop_report")


def test_alias_that_inherits_from_nobody_yet_waits_for_it(shop: Shop) -> None:
    """What another object may cure is no failure: the parent comes, and all is Ready."""
    default = shop.postgres("app_data")
    child: JSON = alias("reports", inheritFrom="default", migrate={"mode": "Never"})
    shop.apply(project(), child)
    shop.expect("Ready", "False", alias="reports")
    shop.expect("Reconciling", "True", alias="reports")

    shop.apply(entry("default", default))
    shop.wait_ready()
