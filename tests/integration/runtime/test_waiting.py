"""dbalias_wait: what it waits for, what it passes over, and that it always ends."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from dbalias.api.alias import AliasMigrate, DatabaseAlias
from dbalias.api.project import MigrateMode, Settings
from integration.runtime.killing import IMAGE_FILES, MIGRATIONS
from integration.runtime.pod import IMAGE, Database, Pod, a_database
from integration.runtime.test_lock import publish_default
from integration.runtime.waiting import LOOK, wait
from localkube.databases import DatabaseServer
from localkube.ports import reserve_port
from unit.builders import a_project, a_replica, an_alias

SQUASHED = '''
"""The three as one."""

import importlib

from django.db import migrations

parts = [importlib.import_module(f"steps.migrations.{{name}}").Migration for name in {names}]


class Migration(migrations.Migration):
    """Replaces them."""

    replaces = [("steps", name) for name in {names}]
    initial = True
    operations = [one for part in parts for one in part.operations]
'''


@pytest.fixture
def database(postgres: DatabaseServer) -> Database:
    """Return an empty database."""
    return a_database(postgres)


@pytest.fixture
def steps(pod: Pod, database: Database) -> Pod:
    """Return a pod of the project of three migrations, published."""
    for name in IMAGE_FILES:
        copy = shutil.copytree if (IMAGE / name).is_dir() else shutil.copy
        copy(IMAGE / name, pod.image / name)
    project = a_project(settings=Settings(module="gated_settings"))
    pod.publish([database.alias("default")], sources=database.sources("default"), project=project)
    return pod


def squash(pod: Pod) -> Path:
    """Put a migration into the image that replaces the three; return its file."""
    file = pod.image / "steps/migrations/0001_squashed.py"
    file.write_text(SQUASHED.format(names=list(MIGRATIONS)))
    return file


def test_aliases_that_are_not_ours_to_migrate_are_never_waited_for(
    pod: Pod, database: Database, tmp_path: Path
) -> None:
    """Replicas, foreign databases and local files, named or not; an unknown name is refused."""
    never = AliasMigrate(mode=MigrateMode.NEVER)
    aliases: list[DatabaseAlias] = [
        database.alias("default"),
        a_replica("copy", "default", host=database.server.host),
        database.alias("foreign", migrate=never),
        an_alias("local", engine="sqlite3", name=str(tmp_path / "local.sqlite3"), user=None),
    ]
    pod.publish(aliases, sources=database.sources("default") | database.sources("foreign"))
    others = wait(pod, "--database=copy", "--database=foreign", "--database=local")
    assert pod.run("default").code == 0
    everything = wait(pod)
    unknown = wait(pod, "--database=user")

    assert others.code == 0, others.output
    assert '"copy" is not ours to migrate (replica): not waited for' in others.output
    assert '"foreign" is not ours to migrate (not managed): not waited for' in others.output
    assert '"local" is not ours to migrate (not managed): not waited for' in others.output
    assert everything.code == 0, everything.output
    assert "migrated: default" in everything.output
    assert unknown.code == 2
    assert 'there is no alias "user"; there are copy, default, foreign, local' in unknown.output


def test_a_squashed_migration_counts_when_those_it_replaces_are_applied(steps: Pod) -> None:
    """And the other way round: an image of before the squash finds its own applied."""
    assert steps.run("default").code == 0
    file = squash(steps)
    newer = wait(steps)
    file.unlink()
    older = wait(steps)

    assert newer.code == 0, newer.output
    assert older.code == 0, older.output


def test_a_database_that_was_made_by_a_squashed_migration_passes_without_it(steps: Pod) -> None:
    """Django records what it replaces, too."""
    file = squash(steps)
    before = wait(steps, timeout=LOOK)
    assert steps.run("default").code == 0
    squashed = wait(steps)
    file.unlink()
    without = wait(steps)

    assert before.code == 1
    assert "lacks 1 migrations, first steps.0001_squashed" in before.output
    assert squashed.code == without.code == 0, squashed.output + without.output


def test_a_history_with_a_hole_is_waited_for_and_named(steps: Pod, database: Database) -> None:
    """Somebody took a record away: no run of migrate would go on, either."""
    assert steps.run("default").code == 0
    database.rows("DELETE FROM django_migrations WHERE name = '0001_atomic'")

    outcome = wait(steps, timeout=LOOK)

    assert outcome.code == 1
    assert "applied before its dependency steps.0001_atomic" in outcome.output
    assert "Traceback" not in outcome.output


def test_only_the_listed_apps_of_an_alias_and_what_they_need_are_waited_for(
    pod: Pod, database: Database
) -> None:
    """orders needs customers, which nobody lists; auth stays away."""
    listed = AliasMigrate(apps=("orders", "sessions"))
    pod.publish([database.alias("default", migrate=listed)], sources=database.sources("default"))
    before = wait(pod, timeout=LOOK)
    outcome = pod.run("default", "--app=orders", "--app=sessions")
    after = wait(pod)

    assert before.code == 1
    assert outcome.code == 0, outcome.output
    assert {"orders_order", "customers_customer"} <= database.tables
    assert "django_session" in database.tables
    assert "auth_user" not in database.tables
    assert after.code == 0, after.output


@pytest.mark.parametrize("time", ["nan", "inf", "-1", "soon"])
def test_a_time_that_never_comes_is_refused(time: str, pod: Pod, database: Database) -> None:
    """Exit 2, before anything is waited for."""
    pod.publish([database.alias("default")], sources=database.sources("default"))

    outcome = wait(pod, timeout=time)

    assert outcome.code == 2
    assert f"{time} is not a number of seconds, 0 or more" in outcome.output


def test_a_database_that_cannot_be_reached_is_named_when_the_time_is_over(
    pod: Pod, server: DatabaseServer
) -> None:
    """Exit 1 after the time given, not before."""
    port = reserve_port()
    database = publish_default(pod, server, port=port)
    outcome = wait(pod, timeout=1)
    wrong = dataclasses.replace(database, password="wrong")
    pod.publish([database.alias("default")], sources=wrong.sources("default"))
    refused = wait(pod, timeout=LOOK)

    assert outcome.code == refused.code == 1
    assert f"127.0.0.1:{port} refuses the connection" in outcome.output
    assert "not migrated after 1 s" in outcome.output
    assert f"refuses the login as {database.user}" in refused.output
