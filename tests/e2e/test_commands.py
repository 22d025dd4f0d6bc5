"""Other management commands on real pods: when they run, what they leave, what waits for them."""

from __future__ import annotations

from datetime import UTC, datetime

from stage.api import JSON
from stage.images import SHOP_1_5
from stage.objects import PROJECT, Database, entry, policy, project, rule
from stage.play import Shop, is_complete

CACHE = {"name": "cache", "args": ["createcachetable"], "databases": ["default"]}
LOOK = {"name": "look", "args": ["check"], "databases": ["users"], "when": "BeforeMigrate"}
TIDY = {
    "name": "tidy",
    "args": ["remove_stale_contenttypes", "--no-input"],
    "databases": ["default"],
}
HISTORY = {
    "name": "history",
    "args": ["makemigrations", "--check", "--dry-run"],
    "scope": "Project",
    "when": "BeforeMigrate",
}
PEOPLE = policy("people", rule(["catalog", "customers", "orders"], write="users"))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kept_answers",
    }
}
OTHER_KEYS = {"name": "DEFAULT_AUTO_FIELD", "value": "django.db.models.AutoField"}
"""A setting under which the sample's models are no longer what its migrations say."""


def runs(shop: Shop, command: str) -> list[JSON]:
    """Return the Jobs of a command, the oldest first."""
    found = shop.objects("Job", labelSelector=f"dbalias.dev/command={command}")
    return sorted(found, key=lambda job: job["metadata"]["creationTimestamp"])


def began(jobs: list[JSON]) -> str:
    """Return when the first of these Jobs was made."""
    return str(min(job["metadata"]["creationTimestamp"] for job in jobs))


def ended(jobs: list[JSON]) -> str:
    """Return when the last of these Jobs, all of which completed, had ended."""
    assert all(map(is_complete, jobs))
    return str(max(job["status"]["completionTime"] for job in jobs))


def log_of(shop: Shop, job: JSON) -> str:
    """Return what a Job's pod said."""
    (pod,) = shop.objects("Pod", labelSelector=f"job-name={job['metadata']['name']}")
    return shop.api.log(shop.namespace, pod["metadata"]["name"])


def ask(shop: Shop, kind: str, name: str) -> None:
    """Ask for a run."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shop.change(kind, name, metadata={"annotations": {"dbalias.dev/migrate-requested-at": now}})


def run_on(database: Database, statement: str) -> None:
    """Do by hand what nobody should."""
    database.server.admin_sql(statement, database=database.name)


def test_commands_before_and_after_migrations_leave_what_they_are_for(shop: Shop) -> None:
    """Checks first, then the tables, then a cache table and no stale content types."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    warned = {**HISTORY, "onFailure": "Warn"}
    extra = [{"name": "CACHES", "value": CACHES}, OTHER_KEYS]
    settings = {"module": "shop.settings", "extra": extra}
    shop.apply(
        project(settings=settings, commands=[warned, LOOK, CACHE, TIDY]),
        entry("default", default),
        entry("users", users),
        PEOPLE,
    )
    shop.wait_ready(within=300)

    (history,) = runs(shop, "history")
    assert not is_complete(history)
    told = shop.expect("CommandsCompleted", "False", reason="CommandFailed")
    assert "Command history, Job" in told["message"]
    assert "makemigrations ended with exit code 1" in told["message"]
    assert "Migrations for" in log_of(shop, history)

    looked, kept, tidied = (runs(shop, name) for name in ("look", "cache", "tidy"))
    assert [len(jobs) for jobs in (looked, kept, tidied)] == [1, 1, 1]
    assert began(looked) >= history["metadata"]["creationTimestamp"]
    assert ended(looked) <= began(shop.jobs(alias="users"))
    assert ended(shop.jobs(alias="default")) <= began(kept)
    assert ended(kept) <= began(tidied)
    assert "kept_answers" in default.tables()
    assert "kept_answers" not in users.tables()
    for alias in ("default", "users"):
        shop.expect("CommandsCompleted", "True", reason="CommandsCompleted", alias=alias)

    shop.apply(project(settings={**settings, "extra": extra[:1]}, commands=[HISTORY, CACHE]))
    shop.expect("CommandsCompleted", "True", reason="CommandsCompleted")
    shop.wait_ready()
    assert is_complete(runs(shop, "history")[-1])
    shop.eventually(lambda: not runs(shop, "look"), what="Jobs of commands that are no more to go")
    names = [one["name"] for one in shop.fetch("DatabaseAlias", "default")["status"]["commands"]]
    assert names == ["cache"]


def test_history_of_any_alias_that_is_inconsistent_keeps_every_migration_back(shop: Shop) -> None:
    """Until it is repaired and a run is asked for, as the condition says."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    shop.apply(
        project(commands=[HISTORY]), entry("default", default), entry("users", users), PEOPLE
    )
    shop.wait_ready()
    run_on(users, "DELETE FROM django_migrations WHERE app='catalog' AND name='0001_initial'")

    shop.apply(project(image=SHOP_1_5, commands=[HISTORY]))
    told = shop.expect("Stalled", "True", reason="CommandFailed")
    assert "migrate-requested-at" in told["message"]
    shop.expect("Migrated", "False", reason="CommandNotCompleted", alias="default")
    shop.expect("Migrated", "False", reason="CommandNotCompleted", alias="users")
    assert "InconsistentMigrationHistory" in log_of(shop, runs(shop, "history")[-1])
    assert len(shop.jobs()) == 2

    run_on(
        users,
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('catalog', '0001_initial', now())",
    )
    ask(shop, "DjangoProject", PROJECT)
    shop.wait_ready()
    assert users.values("SELECT count(*) FROM django_migrations WHERE app = 'orders'") == [3]
