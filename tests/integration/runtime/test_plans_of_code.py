"""Plans with code and SQL that a migration has from elsewhere: not run, and part of the digest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dbalias.api.policy import MigrateOn
from integration.runtime.pod import IMAGE, Database, Outcome, Pod, a_database
from localkube.databases import DatabaseServer
from unit.builders import a_policy, a_rule

TIDY = """
from functools import partial
from pathlib import Path
from django.db import migrations
from attic.elsewhere import Sweep, count, dust

class Migration(migrations.Migration):
    dependencies = [("attic", "0001_initial")]
    operations = [
        migrations.RunSQL(Path(__file__).with_name("tidy.sql").read_text(), ""),
        migrations.SeparateDatabaseAndState([migrations.RunPython(dust)]),
        migrations.RunPython(partial(count)),
        Sweep(),
    ]
"""
ELSEWHERE = """
from django.db import migrations

class Sweep(migrations.operations.base.Operation):
    def state_forwards(self, app_label, state): pass
    def describe(self): return "Sweep"
    def database_forwards(self, app_label, schema_editor, *states):
        schema_editor.connection.cursor().execute("SELECT 1; DELETE FROM attic_box")
        schema_editor.connection.connection.cursor().execute("DELETE FROM attic_box")

def dust(apps, schema_editor): return "dust"
def count(apps, schema_editor): return "count"
"""
CHORES = """
from django.db import migrations

class Migration(migrations.Migration):
    operations = [migrations.RunPython(lambda apps, schema_editor: None)]
"""
SQL = "-- tidy up\nUPDATE attic_box SET label = shelf;\n"


@pytest.fixture
def attic(pod: Pod, server: DatabaseServer) -> Database:
    """A database with one box, and an image whose next migration has all of it from elsewhere."""
    shutil.copytree(IMAGE / "attic", pod.image / "attic")
    for migration in (pod.image / "attic/migrations").glob("000[23]*"):
        migration.unlink()
    pod.env["SHOP_EXTRA_APPS"] = "attic"
    database = a_database(server)
    pod.publish([database.alias("default")], sources=database.sources("default"))
    pod.manage("migrate", "attic")
    database.server.admin_sql(
        "INSERT INTO attic_box (label, shelf, colour, junk) VALUES ('a', '1', 'grey', '')",
        database=database.name,
    )
    write(pod, "migrations/0002_tidy.py", TIDY)
    write(pod, "migrations/tidy.sql", SQL)
    write(pod, "elsewhere.py", ELSEWHERE)
    return database


def write(pod: Pod, name: str, text: str) -> None:
    """Put a file of the attic into the image."""
    (pod.image / "attic" / name).write_text(text)


def check(pod: Pod, app: str = "attic") -> Outcome:
    """Return a check of an app that has found something."""
    outcome = pod.run("default", "--check", f"--app={app}")
    assert outcome.code == 0, outcome.output
    assert outcome.report["plan"], outcome.output
    return outcome


def test_check_runs_no_operation_of_the_project_and_shows_sql_behind_a_comment(
    attic: Database, pod: Pod
) -> None:
    """Not even one that would write past Django, or behind a statement that reads."""
    outcome = check(pod)

    assert attic.rows("SELECT label FROM attic_box") == [("a",)]
    assert "without SQL: Sweep: code" in outcome.output
    assert "UPDATE attic_box SET label = shelf;" in outcome.output
    assert outcome.report["plan"]["migrations"][0]["statements"] == 1


def test_digest_differs_with_code_and_sql_that_a_migration_has_from_elsewhere(
    attic: Database, pod: Pod
) -> None:
    """A file's statement, also with the same words; functions at any depth; operations."""
    digests = [check(pod).report["plan"]["digest"]]
    for file, text, was, becomes in (
        ("migrations/tidy.sql", SQL, "label = shelf", "shelf = label"),
        ("elsewhere.py", ELSEWHERE, '"dust"', '"more dust"'),
        ("elsewhere.py", ELSEWHERE, '"count"', '"another count"'),
        ("elsewhere.py", ELSEWHERE, '"DELETE FROM', '"TRUNCATE'),
    ):
        write(pod, file, text.replace(was, becomes))
        digests.append(check(pod).report["plan"]["digest"])
        write(pod, file, text)

    assert len(set(digests)) == 5
    assert check(pod).report["plan"]["digest"] == digests[0]


def test_digest_differs_when_routing_lets_code_of_an_app_without_models_run(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """Where it was kept away, nobody has seen it among what runs."""
    folder = Path(pod.image / "chores/migrations")
    folder.mkdir(parents=True)
    for file in (folder.parent / "__init__.py", folder / "__init__.py"):
        file.touch()
    (folder / "0001_once.py").write_text(CHORES)
    pod.env["SHOP_EXTRA_APPS"] = "chores"
    database = a_database(postgres)
    away = a_policy("away", a_rule("default", "chores", migrate_on=MigrateOn.NOWHERE))
    plans = []
    for policies in ([away], []):
        pod.publish([database.alias("default")], policies, sources=database.sources("default"))
        plans.append(check(pod, "chores").report["plan"])

    assert [plan["unjudgedCount"] for plan in plans] == [0, 1]
    assert plans[0]["digest"] != plans[1]["digest"]
