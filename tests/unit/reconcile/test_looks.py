"""A run on MariaDB is killed and nobody saw how far it was: the operator looks before it speaks."""

from __future__ import annotations

import pytest

from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene

FIRST = "shop.0002_split"


def a_killed_run(**migrate: JSON) -> Scene:
    """Return a project whose Job vanished, with its pod, while it ran."""
    declared = project(image="shop:1", migrate=migrate)
    scene = Scene().put(declared, alias("default", engine="mariadb"), secret()).settle()
    scene.drop("Job", scene.job("default")["metadata"]["name"])
    return scene.wait(1).settle()


def condition(scene: Scene, wanted: str) -> JSON:
    """Return a condition of the alias."""
    return scene.condition(Kind.ALIAS, "shop-default", wanted)


def look(scene: Scene, *, pending: list[str]) -> Scene:
    """Let the look find this, a second after it began."""
    scene.wait(1)
    scene.end_job(
        "default", purpose="check", state="done", pending=pending, pendingCount=len(pending)
    )
    return scene.settle()


def test_killed_run_is_looked_after_before_a_person_is_called() -> None:
    """What it left is not known yet, so it is not said that only a person can help."""
    scene = a_killed_run()
    assert len(scene.jobs("default", "check")) == 1
    assert condition(scene, "Stalled")["status"] == "False"
    assert condition(scene, "Migrated")["reason"] == "Checking"
    assert "the run was killed" in condition(scene, "Migrated")["message"]
    assert "A check looks how far it was." in condition(scene, "Migrated")["message"]


def test_look_names_what_a_person_has_to_look_at() -> None:
    """Also where the report of the run was lost with its node."""
    scene = look(a_killed_run(), pending=[FIRST, "shop.0003_join"])
    assert condition(scene, "Stalled")["status"] == "True"
    assert condition(scene, "Stalled")["reason"] == "MigrationInterrupted"
    assert f"the first to look at: {FIRST}, shop.0003_join" in condition(scene, "Ready")["message"]
    assert scene.jobs("default") == []
    assert len(scene.jobs("default", "check")) == 1


def test_run_is_repeated_where_the_look_finds_that_nothing_is_missing() -> None:
    """Whatever was done was done whole, so another run does no harm; it then tells all is well."""
    scene = look(a_killed_run(), pending=[])
    (again,) = scene.jobs("default")
    assert again["metadata"]["labels"]["dbalias.dev/attempt"] == "2"
    scene.end_job("default", state="done")
    scene.settle()
    assert condition(scene, "Ready")["status"] == "True"
    assert len(scene.jobs("default", "check")) == 1


def test_run_of_an_own_command_is_never_cleared_by_a_look() -> None:
    """It may have been killed outside of what Django's history tells."""
    scene = look(a_killed_run(command=["./manage.py", "migrate_schemas"]), pending=[])
    assert scene.jobs("default") == []
    assert condition(scene, "Stalled")["status"] == "True"


@pytest.mark.parametrize("mode", ["Check", "Approve"])
def test_nothing_is_looked_after_where_a_person_decides(mode: str) -> None:
    """There every run begins with a check."""
    scene = a_killed_run()
    scene.put(project(image="shop:1", migrate={"mode": mode})).settle()
    assert scene.jobs("default") == []


def test_look_that_fails_leaves_the_word_to_the_killed_run() -> None:
    """A person is called, and the look is not repeated without end."""
    scene = a_killed_run()
    scene.wait(1)
    scene.end_job("default", purpose="check", code=6, state="failed", reason="AuditRefused")
    scene.settle()
    assert condition(scene, "Stalled")["status"] == "True"
    assert condition(scene, "Stalled")["reason"] == "MigrationInterrupted"
    assert len(scene.jobs("default", "check")) == 1
