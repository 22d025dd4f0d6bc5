"""Commands beside what else may go wrong: no gate is passed, and what waits says on what."""

from __future__ import annotations

from typing import Any

from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, project, secret
from unit.reconcile.commanding import (
    CACHE,
    HISTORY,
    LAST,
    LOOK,
    TIDY,
    a_scene,
    condition,
    edit,
    end,
    runs,
    started,
)
from unit.reconcile.scene import Scene

PREPARE = {"name": "prepare", "args": ["prepare"], "scope": "Project", "when": "BeforeMigrate"}


def published(*commands: JSON) -> Scene:
    """A project at rest, of whose two aliases ``users`` has a Secret of its own."""
    declared = project(image="shop:1", commands=list(commands))
    objects = (alias("default"), alias("users", secret="users"), secret(), secret("users"))
    scene = Scene().put(declared, *objects).settle()
    end(scene, "history")
    for name in ("default", "users"):
        end(scene, name)
    return scene


def finds_pending(scene: Scene, name: str) -> None:
    """Let the check of an alias tell of one migration."""
    plan = {"digest": "a" * 32, "database": "db", "count": 1, "migrations": [{"name": "shop.1"}]}
    told: dict[str, Any] = {"pending": ["shop.1"], "pendingCount": 1, "plan": plan}
    scene.end_job(name, purpose="check", state="done", **told)


def test_new_image_passes_the_command_before_it_though_an_alias_cannot_be_resolved() -> None:
    """What the last image was found to be says nothing of this one."""
    scene = published(HISTORY)
    scene.drop("Secret", "users")
    assert started(scene.wait(30).settle()) == []
    edit(scene, image="shop:2")
    assert started(scene) == ["history"]
    end(scene, "history", 10)
    assert started(scene) == []


def test_command_of_the_project_that_ends_while_an_alias_is_unresolved_is_not_repeated() -> None:
    """It began when all were known; nothing but the Secret is missing since."""
    scene = published(HISTORY)
    body = scene.get("DatabaseAlias", "shop-users")
    scene.put({**body, "spec": {**body["spec"], "host": "other.example"}}).settle()
    assert started(scene.wait(30).settle()) == ["history"]
    scene.drop("Secret", "users")
    end(scene.wait(30).settle(), "history")
    assert started(scene) == []
    scene.put(secret("users")).settle()
    assert started(scene.wait(30).settle()) == ["users"]


def test_renamed_command_of_the_project_waits_for_the_run_of_its_old_name() -> None:
    """It is the same program, perhaps."""
    scene = a_scene(LAST)
    for name in ("default", "users"):
        end(scene, name)
    runs(scene, scene.job("", "command", "last"))
    edit(scene, commands=[{**LAST, "name": "final"}])
    assert started(scene) == ["last"]
    assert "last" in scene.condition(Kind.PROJECT, "shop", "CommandsCompleted")["message"]
    scene.end_job("", purpose="command", command="last")
    assert started(scene.settle()) == ["final"]


def test_run_of_a_command_that_was_taken_out_keeps_its_turn_until_it_ends() -> None:
    """What runs, runs: ``maxParallel`` counts it."""
    scene = a_scene(TIDY, migrate={"maxParallel": 1})
    for name in ("default", "users"):
        end(scene, name)
    edit(scene, commands=[{**CACHE, "databases": ["users"]}])
    assert started(scene) == ["tidy on default"]
    assert condition(scene, "shop-users") == ("False", "Queued")
    end(scene, "tidy on default")
    assert started(scene) == ["cache on users"]


def test_alias_whose_own_command_failed_before_its_migration_is_stalled() -> None:
    """Its migration waits for nothing that passes by itself."""
    scene = a_scene(LOOK)
    end(scene, "look on users", 10)
    assert condition(scene, "shop-users", "Stalled") == ("True", "CommandFailed")
    assert condition(scene, "shop-users", "Migrated") == ("False", "CommandNotCompleted")


def test_command_that_mode_check_leaves_out_is_not_said_to_have_ended_well() -> None:
    """Only what ran is."""
    scene = a_scene({**TIDY, "when": "BeforeMigrate"}, LOOK, migrate={"mode": "Check"})
    end(scene, "look on users")
    message = scene.condition(Kind.ALIAS, "shop-users", "CommandsCompleted")["message"]
    assert message.startswith("look: ended well. Command tidy on alias users is not run")


def test_command_of_the_project_waits_for_the_approval_of_those_that_need_one() -> None:
    """An alias that is only checked is never approved, and holds nobody up."""
    aliases = (alias("default", migrate={"mode": "Check"}), alias("users"))
    declared = project(image="shop:1", migrate={"mode": "Approve"}, commands=[PREPARE])
    scene = Scene().put(declared, *aliases, secret()).settle()
    for name in ("default", "users"):
        finds_pending(scene, name)
    assert started(scene.settle()) == []
    assert "alias users" in scene.condition(Kind.PROJECT, "shop", "CommandsCompleted")["message"]
    body = scene.get("DjangoProject", "shop")
    body["metadata"]["annotations"] = {"dbalias.dev/approve": body["status"]["plan"]["digest"]}
    assert started(scene.put(body).settle()) == ["prepare"]
    scene.end_job("", purpose="command", command="prepare")
    assert started(scene.settle()) == ["users"]


def test_look_after_a_killed_run_that_may_not_start_says_why() -> None:
    """A project that is suspended looks at nothing."""
    scene = edit(a_scene(), suspend=True)
    report = {"state": "running", "current": "shop.0002", "current_atomic": False}
    end(scene, "users", 137, transactional_ddl=False, **report)
    assert condition(scene, "shop-users", "Migrated") == ("False", "Suspended")
    message = scene.condition(Kind.ALIAS, "shop-users", "Migrated")["message"]
    assert "A check looks how far it was" in message
    assert "spec.suspend is set" in message


def test_look_that_cannot_reach_the_database_is_still_on_its_way() -> None:
    """Nothing that comes and goes: the alias says all the time what it waits for."""
    scene = a_scene()
    report = {"state": "running", "current": "shop.0002", "current_atomic": False}
    end(scene, "users", 137, transactional_ddl=False, **report)
    scene.end_job("users", purpose="check", code=4, message="no route to host")
    scene.settle()
    assert condition(scene, "shop-users", "Migrated") == ("False", "Checking")
    assert "no route to host" in scene.condition(Kind.ALIAS, "shop-users", "Migrated")["message"]
    scene.wait(30).settle()
    assert condition(scene, "shop-users", "Migrated") == ("False", "Checking")


def test_runs_that_keep_failing_keep_nobody_from_a_turn() -> None:
    """Though others wait for the command that fails."""
    backup = {"name": "backup", "args": ["backup"], "when": "BeforeMigrate"}
    command = {**backup, "databases": ["default"]}
    scene = a_scene(command, others=(alias("orders"),), migrate={"maxParallel": 1})
    end(scene, "backup on default", 3)
    assert started(scene) == ["orders"]
    assert started(end(scene.wait(400), "orders")) == ["users"]
    assert started(end(scene, "users")) == ["backup on default"]
