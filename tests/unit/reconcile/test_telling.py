"""What is told of runs: events, each once, and Jobs that no label tells."""

from __future__ import annotations

import pytest

from dbalias.api.conditions import timestamp
from dbalias.api.meta import Kind
from dbalias.reconcile.plan import LOOK_AGAIN
from unit.reconcile.commanding import CACHE, a_scene, ask, condition, end
from unit.reconcile.scene import Scene


def events(scene: Scene, name: str) -> list[tuple[str, str]]:
    """Type and reason of every event on an object, in the order in which they were told."""
    return [
        (one["type"], one["reason"])
        for one in scene.all("Event")
        if one["involvedObject"]["name"] == name
    ]


def test_events_tell_when_a_command_runs_fails_and_ends_well() -> None:
    """Each once."""
    scene = a_scene({**CACHE, "databases": ["users"]})
    for name in ("default", "users"):
        end(scene, name)
    end(scene, "cache on users", 10)
    ask(scene, "DatabaseAlias", "shop-users", "2026-02-01T00:00:00Z")
    end(scene, "users")
    end(scene, "cache on users")
    told = [event for event in events(scene, "shop-users") if "ommand" in event[1]]
    assert told == [
        ("Normal", "RunningCommand"),
        ("Warning", "CommandFailed"),
        ("Normal", "RunningCommand"),
        ("Normal", "CommandsCompleted"),
    ]


def test_attempt_that_is_repeated_by_itself_warns_once_for_as_long_as_the_reason_is_the_same() -> (
    None
):
    """A server that is down for an hour is one event, not one for every attempt."""
    scene = a_scene()
    end(scene, "users")
    for _ in range(5):
        end(scene, "default", 4, message="the server does not answer").wait(400).settle()
    for name in ("shop", "shop-default"):
        warnings = [event for event in events(scene, name) if event[0] == "Warning"]
        assert warnings == [("Warning", "DatabaseUnreachable")]
    assert len(scene.jobs("default")) == 4
    assert "the attempt before it" in ready(scene).lower()


def ready(scene: Scene) -> str:
    """What the condition Ready of the alias default says."""
    return str(scene.condition(Kind.ALIAS, "shop-default")["message"])


@pytest.mark.parametrize("lost", ["dbalias.dev/project", "dbalias.dev/attempt", None])
def test_job_that_lost_its_labels_is_still_the_one_that_was_started(lost: str | None) -> None:
    """The record names it, and its owner reference says whose it is."""
    scene = a_scene()
    body = scene.job("users")
    kept = {
        name: text for name, text in body["metadata"]["labels"].items() if lost and name != lost
    }
    scene.put({**body, "metadata": {**body["metadata"], "labels": kept}})
    scene.settle()
    assert condition(scene, "shop-users", "Migrated") == ("False", "Migrating")
    assert len(scene.all("Job")) == 2
    assert scene.plan().wake_at == scene.now + LOOK_AGAIN
    ended = {**scene.get("Job", body["metadata"]["name"])}
    done = {"type": "Complete", "status": "True", "lastTransitionTime": timestamp(scene.now)}
    scene.put({**ended, "status": {"conditions": [done]}})
    scene.settle()
    assert condition(scene, "shop-users", "Migrated") == ("True", "Migrated")
    assert len(scene.all("Job")) == 2
