"""Plans on real servers: what a check tells of them, and what an approval is bound to.

The shop with `attic`, an app whose migrations hold one of everything that a plan has to tell.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from dbalias.api.policy import MigrateOn
from integration.runtime.pod import IMAGE, Database, Outcome, Pod, a_database
from localkube.databases import DatabaseServer
from unit.builders import a_policy, a_rule

TIDY_UP = Path("attic/migrations/0002_tidy_up.py")
NOWHERE = a_rule("default", "sessions", migrate_on=MigrateOn.NOWHERE)


@pytest.fixture
def attic(pod: Pod, server: DatabaseServer) -> Database:
    """A database in which the attic's first migration is applied and one box stands."""
    shutil.copytree(IMAGE / "attic", pod.image / "attic")
    pod.env["SHOP_EXTRA_APPS"] = "attic"
    database = a_database(server)
    publish(pod, database)
    pod.manage("migrate", "attic", "0001")
    database.server.admin_sql(
        "INSERT INTO attic_box (label, shelf, colour, junk) VALUES ('a', '1', 'grey', '')",
        database=database.name,
    )
    return database


def publish(pod: Pod, database: Database, **more: Any) -> None:
    """Publish the database as `default`."""
    pod.publish([database.alias("default")], sources=database.sources("default"), **more)


def the_plan(pod: Pod, *args: str, **env: str) -> dict[str, Any]:
    """Return the plan that a check of the attic reports."""
    outcome = pod.run("default", "--check", "--app=attic", *args, **env)
    assert outcome.code == 0, outcome.output
    plan: dict[str, Any] = outcome.report["plan"]
    return plan


def approved(pod: Pod, digest: str, *args: str) -> Outcome:
    """Return how a run ends that has this approval."""
    return pod.run("default", f"--approved={digest}", "--app=attic", *args)


def test_plan_marks_what_destroys_and_what_nobody_can_judge(attic: Database, pod: Pod) -> None:
    """By migration and object; and the log has every statement, or says why there is none."""
    outcome = pod.run("default", "--check", "--app=attic")

    plan = outcome.report["plan"]
    assert [one["name"] for one in plan["migrations"]] == ["attic.0002_tidy_up", "attic.0003_loose"]
    assert "atomic" not in plan["migrations"][0]
    assert plan["migrations"][1]["atomic"] is False
    assert plan["destructive"] == [
        f"attic.0002_tidy_up {what}"
        for what in (
            "narrows attic.Box.colour: longer values do not fit",
            "makes attic.Box.shelf NOT NULL: rows without a value are filled in, or make it fail",
            "renames the field attic.Box.label to name: older releases miss its column",
            "removes the field attic.Box.junk with its data",
            "deletes the model attic.Moth with its table attic_moth",
            "RunSQL destroys or renames: UPDATE attic_box SET colour = 'grey'",
        )
    ]
    assert [one.split(":")[0] for one in plan["unjudged"]] == [
        "attic.0002_tidy_up RunPython dust",
        "attic.0002_tidy_up RunPython dust",
        "attic.0002_tidy_up RunSQL",
        "attic.0003_loose Sweep",
    ]
    said = outcome.output.replace("`", '"')
    assert 'plan SQL: DROP TABLE "attic_moth"' in said
    assert "without SQL: Raw Python operation: code, which has no SQL before it runs" in said
    assert "without SQL: Sweep the attic: code, which has no SQL before it runs" in said
    assert "<django.utils.timezone.now()>" in outcome.output


def test_plan_writes_nothing_though_migrations_of_it_would(attic: Database, pod: Pod) -> None:
    """Not the rows of RunPython, nor those that an operation of the project's own deletes."""
    tables = attic.tables

    the_plan(pod)

    assert attic.rows("SELECT label, colour FROM attic_box") == [("a", "grey")]
    assert attic.tables == tables
    assert len(attic.rows("SELECT * FROM django_migrations WHERE app = 'attic'")) == 1


def test_plan_of_a_fresh_database_covers_what_cannot_be_collected_yet(
    pod: Pod, server: DatabaseServer
) -> None:
    """Changes of tables that the plan itself makes: said to be so, and part of the digest."""
    shutil.copytree(IMAGE / "attic", pod.image / "attic")
    pod.env["SHOP_EXTRA_APPS"] = "attic"
    database = a_database(server)
    publish(pod, database)
    before = the_plan(pod)
    source = (pod.image / TIDY_UP).read_text()
    (pod.image / TIDY_UP).write_text(source.replace("dust {", "more dust {"))
    assert the_plan(pod)["digest"] != before["digest"]
    (pod.image / TIDY_UP).write_text("# said otherwise\n" + source)

    assert the_plan(pod)["digest"] == before["digest"]
    assert before["count"] == 3
    assert database.tables == set()
    assert approved(pod, before["digest"]).code == 0
    assert len(database.rows("SELECT * FROM django_migrations WHERE app = 'attic'")) == 3


def test_digest_is_the_same_in_every_process_whatever_its_hash_seed(
    attic: Database, pod: Pod
) -> None:
    """Though Django puts out sets of names, the time, and members of `__in` in any order."""
    seeds = ("1", "2", "3")
    plans = [the_plan(pod, PYTHONHASHSEED=seed) for seed in seeds]

    assert len({plan["digest"] for plan in plans}) == 1
    assert re.fullmatch("[0-9a-f]{32}", plans[0]["digest"])
    assert approved(pod, plans[0]["digest"]).code == 0


def test_digest_differs_with_everything_that_an_approval_is_bound_to(
    attic: Database, pod: Pod, server: DatabaseServer
) -> None:
    """Arguments, the command's words, routing, what is applied, a migration, the database."""
    first = the_plan(pod)["digest"]
    others = [
        the_plan(pod, "--", "--fake-initial")["digest"],
        the_plan(pod, "--command=./manage.py", "--command=migrate")["digest"],
        the_plan(pod, "--command=./manage.py", "--command=migrate_all")["digest"],
    ]
    publish(pod, attic, policies=[a_policy("nothing", NOWHERE)])
    others.append(the_plan(pod)["digest"])
    publish(pod, attic)
    other = a_database(server)
    publish(pod, other)
    pod.manage("migrate", "attic", "0001")
    others.append(the_plan(pod)["digest"])
    publish(pod, attic)
    text = (pod.image / TIDY_UP).read_text()
    (pod.image / TIDY_UP).write_text(text.replace("max_length=10", "max_length=11"))
    others.append(the_plan(pod)["digest"])
    (pod.image / TIDY_UP).write_text(text)
    (pod.image / "attic/migrations/0003_loose.py").unlink()
    others.append(the_plan(pod)["digest"])

    assert len({first, *others}) == 1 + len(others)


def test_run_with_another_approval_migrates_nothing_and_says_which_plan_is_pending(
    attic: Database, pod: Pod
) -> None:
    """Exit code 11, and the digest of what is pending now."""
    plan = the_plan(pod)

    for alien in (plan["digest"][:16], ""):
        outcome = approved(pod, alien)
        assert (outcome.code, outcome.report["reason"]) == (11, "PlanSuperseded")
        assert f"the plan {plan['digest']} of 2 migrations" in outcome.report["message"]

    assert attic.rows("SELECT label, colour FROM attic_box") == [("a", "grey")]
    assert approved(pod, plan["digest"]).code == 0
    assert attic.rows("SELECT count(*) FROM attic_box") == [(0,)]


def test_approval_is_void_once_a_person_has_migrated_by_hand(attic: Database, pod: Pod) -> None:
    """The same history is not the same plan; and with nothing pending there is none at all."""
    digest = the_plan(pod)["digest"]
    pod.manage("migrate", "attic")

    outcome = approved(pod, digest)

    assert outcome.code == 11
    assert "of 0 migrations" in outcome.report["message"]
    assert pod.run("default", "--check", "--app=attic").report["plan"] is None


def test_approved_command_runs_in_place_of_migrate(attic: Database, pod: Pod) -> None:
    """Its plan is that of Django's graph, its approval covers its words."""
    words = [f"--command={word}" for word in (str(pod.python), "manage.py", "migrate")]
    digest = the_plan(pod, *words)["digest"]

    assert approved(pod, digest, words[0], words[1], "--command=showmigrations").code == 11
    outcome = approved(pod, digest, *words)

    assert outcome.code == 0, outcome.output
    assert len(attic.rows("SELECT * FROM django_migrations WHERE app = 'attic'")) == 3


def test_report_with_a_long_plan_keeps_digest_and_counts(attic: Database, pod: Pod) -> None:
    """Valid JSON of 4,096 bytes at most; all of the SQL is in the log."""
    folder = pod.image / "attic" / "migrations"
    for number in range(4, 64):
        before = sorted(path.stem for path in folder.glob("0*.py"))[-1]
        (folder / f"{number:04}_rather_a_long_name_for_a_migration.py").write_text(
            "from django.db import migrations\n"
            "class Migration(migrations.Migration):\n"
            f"    dependencies = [('attic', '{before}')]\n"
            f"    operations = [migrations.RunSQL('DELETE FROM attic_box -- {number}', '')]\n"
        )

    outcome = pod.run("default", "--check", "--app=attic")

    assert len(json.dumps(outcome.report, ensure_ascii=False, separators=(",", ":"))) <= 4096
    plan = outcome.report["plan"]
    assert (plan["count"], plan["destructiveCount"], len(plan["digest"])) == (62, 66, 32)
    assert plan["destructive"][0].startswith("attic.0002_tidy_up")
    assert "DELETE FROM attic_box -- 63" in outcome.output
