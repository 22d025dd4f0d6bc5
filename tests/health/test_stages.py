"""What Flux, Helm 4 and Argo CD make of our objects: their own rules on what passes write.

kstatus is the library that Flux and Helm 4 wait by, the Lua script of the chart is run by the
interpreter that Argo CD embeds, with the libraries that it opens (tools/gitops).
"""

from __future__ import annotations

import pytest

from dbalias.api.conditions import (
    STALLING,
    Condition,
    ConditionValue,
    Reason,
    Status,
    render_conditions,
)
from dbalias.api.meta import JSON, Kind
from dbalias.reconcile.status import Obstacle, summary
from gitops.judging import Health, Kstatus, Verdict, judge
from health import stages
from health.stages import Stage
from unit.reconcile.scene import BEGINNING, Scene

WAIT = (Kstatus.IN_PROGRESS, Health.PROGRESSING)
ASK = (Kstatus.IN_PROGRESS, Health.SUSPENDED)
GREEN = (Kstatus.CURRENT, Health.HEALTHY)
RED = (Kstatus.FAILED, Health.DEGRADED)
GOING = (Kstatus.TERMINATING, Health.PROGRESSING)

STAGES = [
    (stages.just_created, WAIT, WAIT),
    (stages.settling, WAIT, WAIT),
    (stages.without_its_secret, WAIT, WAIT),
    (stages.waiting_for_a_policy, WAIT, WAIT),
    (stages.migrating, WAIT, WAIT),
    (stages.long_running, WAIT, WAIT),
    (stages.without_a_pod, WAIT, WAIT),
    (stages.retried_by_itself, WAIT, WAIT),
    (stages.retried_again, WAIT, WAIT),
    (stages.failed_for_good, RED, RED),
    (stages.refused_by_the_audit, RED, RED),
    (stages.misconfigured, RED, RED),
    (stages.checked, ASK, ASK),
    (stages.awaiting_approval, ASK, ASK),
    (stages.suspended, ASK, ASK),
    (stages.suspended_when_done, GREEN, GREEN),
    (stages.edited, WAIT, WAIT),
    (stages.migrating_again, WAIT, WAIT),
    (stages.without_its_secret_any_more, WAIT, WAIT),
    (stages.rolling_out, WAIT, GREEN),
    (stages.waiting_for_its_database, WAIT, WAIT),
    (stages.with_a_lost_database, RED, RED),
    (stages.deleted, GOING, GOING),
    (stages.ready, GREEN, GREEN),
    (stages.without_an_image, GREEN, GREEN),
    (stages.never_migrated, GREEN, GREEN),
    (stages.with_a_replica, GREEN, GREEN),
    (stages.with_an_empty_default, GREEN, GREEN),
]


def verdicts(scene: Scene) -> dict[str, Verdict]:
    """Return what is said of the project and of each alias, by name."""
    objects = [scene.get(Kind.PROJECT.value, "shop"), *scene.all(Kind.ALIAS.value)]
    names = [one["metadata"]["name"] for one in objects]
    return dict(zip(names, judge(objects), strict=True))


@pytest.mark.parametrize(
    ("stage", "project", "users"), STAGES, ids=[stage.__name__ for stage, _, _ in STAGES]
)
def test_stage_is_judged_alike_by_flux_and_argo(
    stage: Stage, project: tuple[str, str], users: tuple[str, str]
) -> None:
    """Green when all is done, red when only a person helps, waiting in between."""
    found = verdicts(stage())
    assert (found["shop"].kstatus, found["shop"].health) == project, found["shop"].message
    told = found["shop-users"]
    assert (told.kstatus, told.health) == users, told.message


def test_failure_of_one_alias_turns_no_other_red() -> None:
    """The project is red, for it is not whole; what is migrated stays green."""
    found = verdicts(stages.failed_for_good())
    assert found["shop-default"].is_green
    assert found["shop-users"].is_red
    assert "it broke" in found["shop"].message


@pytest.mark.parametrize("reason", Reason)
def test_reason_is_red_exactly_when_only_an_edit_or_a_request_helps(reason: Reason) -> None:
    """Whatever reasons come: what passes by itself is never red, what does not always is."""
    found = judge([a_project(obstacle=reason)])[0]
    assert found.is_red == (reason in STALLING)
    assert not found.is_green
    assert found.message == f"because of {reason}"


@pytest.mark.parametrize("missing", ["status", "conditions", "observedGeneration"])
def test_object_that_nobody_has_looked_at_is_never_healthy(missing: str) -> None:
    """Also where a status was cut: Argo CD asks our script, which needs all three."""
    body = a_project(obstacle=None)
    assert judge([body])[0].is_green
    (body if missing == "status" else body["status"]).pop(missing)
    assert judge([body])[0].health is Health.PROGRESSING


def test_conditions_of_an_older_generation_are_not_counted() -> None:
    """A controller that copies conditions over must not turn anything green."""
    body = a_project(obstacle=None)
    body["metadata"]["generation"] = body["status"]["observedGeneration"] = 2
    assert judge([body])[0].health is Health.PROGRESSING


def a_project(*, obstacle: Reason | None) -> JSON:
    """Return a project whose status was written with one obstacle, or none."""
    told = Obstacle.of(obstacle, f"because of {obstacle}") if obstacle else None
    conditions = summary(told, ready="all is well")
    migrated = ConditionValue(Condition.MIGRATED, Status.TRUE, Reason.MIGRATED)
    rendered = render_conditions((*conditions, migrated), previous=(), generation=1, now=BEGINNING)
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": "DjangoProject",
        "metadata": {"name": "shop", "generation": 1},
        "status": {"observedGeneration": 1, "conditions": rendered},
    }
