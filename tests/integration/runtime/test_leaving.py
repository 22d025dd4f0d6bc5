"""Runs that leave by a way of their own: never taken for a success, and always explained."""

from __future__ import annotations

import shutil

import pytest

from integration.runtime.pod import IMAGE, Database, Pod, a_database
from localkube.databases import DatabaseServer

LEAVING = """
import sys
from django.core.management import CommandError
from django.db import migrations

def leave(apps, schema_editor):
    {code}

class Migration(migrations.Migration):
    dependencies = [("attic", "0001_initial")]
    operations = [migrations.RunPython(leave)]
"""


@pytest.fixture
def attic(pod: Pod, postgres: DatabaseServer) -> Database:
    """A database with the attic's first migration, in an image that has no other."""
    shutil.copytree(IMAGE / "attic", pod.image / "attic")
    for migration in (pod.image / "attic/migrations").glob("000[23]*"):
        migration.unlink()
    pod.env["SHOP_EXTRA_APPS"] = "attic"
    database = a_database(postgres)
    pod.publish([database.alias("default")], sources=database.sources("default"))
    pod.manage("migrate", "attic")
    return database


def add(pod: Pod, code: str, name: str = "0002_leave") -> None:
    """Put a migration into the image that runs this line."""
    file = pod.image / f"attic/migrations/{name}.py"
    file.write_text(LEAVING.format(code=code), "utf-8")


@pytest.mark.parametrize(
    ("code", "kind"),
    [("sys.exit(0)", "SystemExit"), ("raise CommandError('hunter2')", "CommandError")],
)
def test_migration_that_leaves_has_failed_whatever_its_exit_code_and_shows_no_value(
    attic: Database, pod: Pod, code: str, kind: str
) -> None:
    """What an error says may be the row that it broke on."""
    add(pod, code)

    outcome = pod.run("default", "--app=attic")

    assert outcome.code == 5
    said = f"attic.0002_leave failed ({kind}); it was rolled back: see the log"
    assert outcome.report["message"] == said


def test_settings_that_leave_are_settings_that_do_not_load(attic: Database, pod: Pod) -> None:
    """By every program; what they say is in the log."""
    settings = pod.image / "shop/settings.py"
    settings.write_text("import sys\nsys.exit('no SECRET_KEY')\n" + settings.read_text())

    ended = [
        pod.run("default"),
        pod.start("default", "--", "check", program="dbalias_manage.py").end(),
    ]

    for one in ended:
        assert (one.code, one.report["reason"]) == (2, "SettingsFailed")
        assert "does not load: SystemExit at" in one.report["message"]
    assert pod.start("", "--timeout=0", program="dbalias_wait.py").end().code == 2


@pytest.mark.parametrize("argument", ["--plan", "--help"])
def test_arguments_that_keep_migrate_from_its_work_are_no_success(
    attic: Database, pod: Pod, argument: str
) -> None:
    """Django ends well, and nothing was migrated."""
    add(pod, "pass")

    outcome = pod.run("default", "--app=attic", "--", argument)

    assert (outcome.code, outcome.report["appliedCount"]) == (5, 0)
    assert outcome.report["state"] == "failed"


def test_names_and_reports_that_cannot_be_written_end_no_run(attic: Database, pod: Pod) -> None:
    """A locale without the letters of a migration, and a node without room for its report."""
    add(pod, "pass", name="0002_größe")
    unwritten = pod.run("default", "--check", "--app=attic", DBALIAS_REPORT="/dev/full")
    escaped = pod.run("default", "--app=attic", PYTHONIOENCODING="ascii")

    assert unwritten.code == 0, unwritten.output
    assert "no report is written to /dev/full: No space left on device" in unwritten.output
    assert escaped.code == 0, escaped.output
    assert "applied attic.0002_gr\\xf6\\xdfe" in escaped.output
    assert escaped.report["applied"] == ["attic.0002_größe"]
