"""Other management commands: when they run, what waits for them, and what statuses say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.conditions import timestamp
from dbalias.api.meta import Kind
from dbalias.reconcile.actions import CreateJob, WriteStatus
from dbalias.reconcile.execute import execute
from integration.operator.objects import alias, project, secret
from unit.reconcile.commanding import (
    CACHE,
    HISTORY,
    LAST,
    LOOK,
    TIDY,
    a_scene,
    ask,
    condition,
    edit,
    end,
    runs,
    started,
)
from unit.reconcile.fake import CREATED
from unit.reconcile.scene import Scene, actions


def test_command_after_migrate_runs_when_its_alias_is_migrated() -> None:
    """On the databases it names alone, and not before."""
    scene = a_scene(CACHE)
    assert started(scene) == ["default", "users"]
    end(scene, "users")
    assert started(scene) == ["default"]
    end(scene, "default")
    assert started(scene) == ["cache on default"]
    assert condition(scene, "shop-default") == ("False", "RunningCommand")
    assert condition(scene, "shop-users") == ("True", "NotRequired")
    end(scene, "cache on default")
    assert started(scene) == []
    assert condition(scene, "shop-default") == ("True", "CommandsCompleted")
    assert condition(scene) == ("True", "CommandsCompleted")
    assert condition(scene, kind="Ready")[0] == "True"


def test_command_without_databases_runs_on_every_alias_that_is_ours_to_migrate() -> None:
    """Not on a foreign one, nor on what has no database of its own."""
    foreign = alias("legacy", migrate={"mode": "Never"})
    replica = alias("r1", inheritFrom="users", role="Replica", host="r1.example")
    scene = a_scene(TIDY, others=(foreign, replica))
    for name in ("default", "users"):
        end(scene, name)
    assert started(scene) == ["tidy on default", "tidy on users"]
    assert condition(scene, "shop-legacy") == ("True", "NotRequired")


def test_command_that_names_a_foreign_database_runs_there() -> None:
    """Naming it is asking for it."""
    foreign = alias("legacy", migrate={"mode": "Never"})
    scene = a_scene({**TIDY, "databases": ["legacy"]}, others=(foreign,))
    assert "tidy on legacy" in started(scene)


@pytest.mark.parametrize(
    ("named", "reason", "stalled"),
    [("default", "InvalidConfiguration", "True"), ("orders", "AliasNotFound", "False")],
    ids=["an empty default", "no alias"],
)
def test_command_that_names_what_has_no_database_is_told_so(
    named: str, reason: str, stalled: str
) -> None:
    """What may still appear is waited for; nothing else waits for it."""
    command = {**TIDY, "databases": [named, "users"]}
    declared = project(image="shop:1", commands=[command])
    scene = Scene().put(declared, alias("default", empty=True), alias("users"), secret()).settle()
    end(scene, "users")
    end(scene, "tidy on users")
    assert condition(scene) == ("False", reason)
    assert condition(scene, kind="Stalled")[0] == stalled
    assert "spec.commands[0].databases" in scene.condition(Kind.PROJECT, "shop")["message"]
    assert condition(scene, kind="SettingsPublished")[0] == "True"


def test_command_before_migrate_holds_back_the_migration_of_its_alias() -> None:
    """The condition says for which command; each alias goes on by itself."""
    scene = a_scene(LOOK)
    assert started(scene) == ["look on default", "look on users"]
    assert condition(scene, "shop-users", "Migrated") == ("False", "CommandNotCompleted")
    assert "look" in scene.condition(Kind.ALIAS, "shop-users", "Migrated")["message"]
    end(scene, "look on users")
    assert started(scene) == ["look on default", "users"]


def test_failed_command_before_migrate_blocks_its_alias_alone_and_says_what_to_do() -> None:
    """Stalled until somebody mends it: another image is another attempt."""
    scene = a_scene(LOOK)
    end(scene, "look on users", 10, message="check ended with exit code 1: see the log")
    end(scene, "look on default")
    assert started(scene) == ["default"]
    assert condition(scene, "shop-users", "Migrated") == ("False", "CommandNotCompleted")
    assert condition(scene, "shop-users") == ("False", "CommandFailed")
    assert condition(scene, kind="Stalled") == ("True", "CommandFailed")
    message = scene.condition(Kind.ALIAS, "shop-users", "CommandsCompleted")["message"]
    assert "Command look on alias users" in message
    assert "exit code 1" in message
    assert "migrate-requested-at" in message
    end(scene, "default")
    edit(scene, image="shop:2")
    assert "look on users" in started(scene)


def test_command_under_warn_lets_migrations_go_on_once_it_was_tried() -> None:
    """The failure is told, and Ready is not held up by it."""
    scene = a_scene({**HISTORY, "onFailure": "Warn"})
    assert started(scene) == ["history"]
    end(scene, "history", 10, message="makemigrations ended with exit code 1: see the log")
    assert started(scene) == ["default", "users"]
    end(scene, "default")
    end(scene, "users")
    assert condition(scene) == ("False", "CommandFailed")
    assert condition(scene, kind="Ready")[0] == "True"
    assert condition(scene, kind="Stalled")[0] == "False"
    assert scene.get("DjangoProject", "shop")["status"]["commands"][0]["outcome"] == "Failed"


def test_command_of_the_project_takes_no_database_and_blocks_every_migration() -> None:
    """As makemigrations, which reads the history of all of them."""
    scene = a_scene(HISTORY)
    assert started(scene) == ["history"]
    (job,) = scene.all("Job")
    words = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert not [word for word in words if word.startswith("--database")]
    assert words[-4:] == ["--", "makemigrations", "--check", "--dry-run"]
    assert "dbalias.dev/alias" not in job["metadata"]["labels"]
    end(scene, "history", 10)
    assert started(scene) == []
    assert condition(scene) == ("False", "CommandFailed")
    assert condition(scene, kind="Stalled") == ("True", "CommandFailed")


def test_command_of_the_project_after_migrate_waits_for_all_and_holds_publishing() -> None:
    """Settings come when it has ended well."""
    scene = a_scene(LAST)
    end(scene, "default")
    assert started(scene) == ["users"]
    assert condition(scene) == ("False", "AliasesNotReady")
    end(scene, "users")
    assert started(scene) == ["last"]
    assert scene.document() is None
    end(scene, "last")
    assert sorted(scene.document()["databases"]) == ["default", "users"]


def test_failed_command_after_migrate_keeps_its_alias_from_being_published() -> None:
    """The others are; Warn would publish it as well."""
    scene = a_scene({**CACHE, "databases": ["users"]})
    for name in ("default", "users"):
        end(scene, name)
    end(scene, "cache on users", 10)
    assert sorted(scene.document()["databases"]) == ["default"]
    assert condition(scene, "shop-users", "Ready") == ("False", "CommandFailed")
    edit(scene, commands=[{**CACHE, "databases": ["users"], "onFailure": "Warn"}])
    assert sorted(scene.document()["databases"]) == ["default", "users"]
    assert condition(scene, "shop-users", "Ready")[0] == "True"


def test_command_that_has_run_is_not_run_again_until_something_changes() -> None:
    """Image, arguments or a request; suspended projects start nothing."""
    scene = a_scene(CACHE)
    for what in ("default", "users", "cache on default"):
        end(scene, what)
    assert actions(scene.wait(3600).plan()) == ()
    edit(scene, commands=[{**CACHE, "args": ["createcachetable", "--dry-run"]}])
    assert started(scene) == ["cache on default"]
    end(scene, "cache on default")
    ask(scene, "DatabaseAlias", "shop-default", "2026-02-01T00:00:00Z")
    assert started(scene) == ["default"]
    end(scene, "default")
    assert started(scene) == ["cache on default"]
    end(scene, "cache on default")
    assert actions(scene.wait(3600).plan()) == ()


def test_lost_lock_or_network_is_tried_again_by_itself() -> None:
    """As migrations are, at the time that the status says."""
    scene = a_scene({**CACHE, "databases": ["users"]})
    for name in ("default", "users"):
        end(scene, name)
    end(scene, "cache on users", 4, message="the server does not answer")
    record = scene.get("DatabaseAlias", "shop-users")["status"]["commands"][0]
    assert (record["name"], record["failures"]) == ("cache", 1)
    assert record["retryAt"]
    assert condition(scene, kind="Stalled")[0] == "False"
    scene.wait(30).settle()
    assert started(scene) == ["cache on users"]
    assert condition(scene, "shop-users") == ("False", "DatabaseUnreachable")


def test_command_that_was_stopped_halfway_waits_for_a_person_unless_it_only_reads() -> None:
    """Nobody knows whether it may run twice."""
    scene = a_scene({**CACHE, "databases": ["users"]}, {**LOOK, "when": "AfterMigrate"})
    for name in ("default", "users"):
        end(scene, name)
    end(scene, "cache on users", 7, state="stopped", current="command: createcachetable")
    end(scene, "look on default", 137, state="running", current=None)
    assert condition(scene, "shop-users") == ("False", "CommandInterrupted")
    assert condition(scene, "shop-default") == ("False", "Interrupted")
    assert condition(scene, kind="Stalled")[0] == "True"


def test_command_taken_out_of_the_spec_leaves_nothing_behind() -> None:
    """Neither its Jobs nor what the status said of it."""
    scene = a_scene(CACHE)
    for what in ("default", "users", "cache on default"):
        end(scene, what)
    assert scene.jobs("default", "command", "cache")
    edit(scene, commands=[])
    assert scene.jobs("default", "command", "cache") == []
    assert "commands" not in scene.get("DatabaseAlias", "shop-default")["status"]
    assert condition(scene, "shop-default") == ("True", "NotRequired")


def test_command_taken_out_while_it_runs_is_left_to_run_and_then_cleared_away() -> None:
    """Its database is not free before."""
    scene = a_scene(CACHE)
    for name in ("default", "users"):
        end(scene, name)
    runs(scene, scene.job("default", "command", "cache"))
    edit(scene, commands=[])
    assert started(scene) == ["cache on default"]
    edit(scene, image="shop:2")
    assert started(scene) == ["cache on default", "users"]
    end(scene, "cache on default")
    assert started(scene) == ["default", "users"]
    assert scene.jobs("default", "command", "cache") == []


def test_commands_of_one_alias_run_one_after_the_other_as_they_are_listed() -> None:
    """The database is one."""
    scene = a_scene({**TIDY, "databases": ["users"]}, {**CACHE, "databases": ["users"]})
    for name in ("default", "users"):
        end(scene, name)
    assert started(scene) == ["tidy on users"]
    end(scene, "tidy on users")
    assert started(scene) == ["cache on users"]


def test_mode_check_runs_what_reads_and_nothing_that_may_write() -> None:
    """And says so."""
    scene = a_scene({**CACHE, "when": "BeforeMigrate"}, LOOK, migrate={"mode": "Check"})
    assert [job for job in started(scene) if " on " in job] == ["look on default", "look on users"]
    end(scene, "look on default")
    end(scene, "look on users")
    assert condition(scene, "shop-default") == ("True", "CommandsCompleted")
    edit(scene, commands=[CACHE])
    assert condition(scene, "shop-default") == ("True", "NotManaged")
    message = scene.condition(Kind.ALIAS, "shop-default", "CommandsCompleted")["message"]
    assert "migrate.mode is Check" in message


def test_mode_approve_writes_nothing_before_a_migration_is_approved() -> None:
    """Reading is no writing."""
    scene = a_scene({**CACHE, "when": "BeforeMigrate"}, LOOK, migrate={"mode": "Approve"})
    assert [job for job in started(scene) if " on " in job] == ["look on default", "look on users"]
    end(scene, "look on default")
    assert condition(scene, "shop-default") == ("False", "AwaitingApproval")


def test_command_that_may_write_runs_between_approval_and_migration() -> None:
    """The plan was approved, and the command comes first."""
    scene = a_scene({**CACHE, "when": "BeforeMigrate"}, migrate={"mode": "Approve"})
    plan = {"digest": "a" * 32, "database": "db", "count": 1, "migrations": [{"name": "shop.1"}]}
    report: dict[str, Any] = {
        "state": "done",
        "pending": ["shop.1"],
        "pendingCount": 1,
        "plan": plan,
    }
    for name in ("default", "users"):
        scene.end_job(name, purpose="check", **report)
    scene.settle()
    assert started(scene) == []
    body = scene.get("DjangoProject", "shop")
    approved = {"dbalias.dev/approve": body["status"]["plan"]["digest"]}
    scene.put({**body, "metadata": {**body["metadata"], "annotations": approved}}).settle()
    assert started(scene) == ["cache on default", "users"]
    end(scene, "cache on default")
    assert started(scene) == ["default", "users"]


def test_project_without_an_image_runs_no_command() -> None:
    """Settings are published all the same."""
    scene = (
        Scene()
        .put(project(commands=[TIDY, HISTORY]), alias("default"), alias("users"), secret())
        .settle()
    )
    assert scene.all("Job") == []
    assert scene.document() is not None
    assert condition(scene) == ("True", "NotManaged")


def test_suspended_project_starts_no_command() -> None:
    """What runs goes on."""
    scene = a_scene(HISTORY, suspend=True)
    assert scene.all("Job") == []
    assert condition(scene) == ("False", "Suspended")


def test_crash_at_any_write_and_a_restart_end_the_same() -> None:
    """The record is stored before the Job is made, whoever dies in between."""
    undisturbed = lives(a_scene(HISTORY, LOOK, CACHE, LAST), dies_after=None)
    for writes in range(12):
        assert lives(a_scene(HISTORY, LOOK, CACHE, LAST), dies_after=writes) == undisturbed


def lives(scene: Scene, *, dies_after: int | None) -> list[str]:
    """Bring a project from nothing to rest; the names of all Jobs that were ever made.

    An operator that dies after so many writes has done a part of its pass; another follows.
    """
    for _ in range(12):
        for what in started(scene):
            command, _, name = what.rpartition(" on ")
            of_project = not command and what in {"history", "last"}
            scene.end_job(
                "" if of_project else name,
                purpose="command" if command or of_project else "migrate",
                command=what if of_project else command,
            )
        if dies_after is not None:
            die_after(scene, dies_after)
        scene.settle()
    assert condition(scene, kind="Ready")[0] == "True"
    assert actions(scene.wait(3600).plan()) == ()
    return sorted(job["metadata"]["name"] for job in scene.all("Job"))


def die_after(scene: Scene, writes: int) -> None:
    """Let a pass end after so many of its writes."""
    planned = scene.plan()
    late = planned.late[: max(0, writes - len(planned.early))]
    scene.cluster.created = timestamp(scene.now)
    asyncio.run(execute(scene.cluster, replace(planned, early=planned.early[:writes], late=late)))
    scene.cluster.created = CREATED


def test_job_of_a_command_is_made_after_its_record_is_stored() -> None:
    """Under the name that the status holds."""
    scene = Scene().put(project(image="shop:1", commands=[HISTORY]), alias("default"), secret())
    planned = scene.plan()
    (made,) = [action for action in planned.late if isinstance(action, CreateJob)]
    (told,) = [
        action.status["commands"][0]["job"]
        for action in planned.early
        if isinstance(action, WriteStatus) and action.kind is Kind.PROJECT
    ]
    assert made.body["metadata"]["name"] == told
