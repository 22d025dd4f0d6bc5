"""Mode Approve: what waits, what an annotation starts, and what supersedes a plan."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene, actions

ALIASES = ("default", "users")
ASKED = "2026-01-01T10:00:00Z"


def a_report(digest: str, *names: str, **fields: Any) -> dict[str, Any]:
    """What a check tells that found these migrations."""
    plan = {
        "digest": digest,
        "database": "db-1",
        "count": len(names),
        "migrations": [{"name": name, "digest": f"of {name}", "statements": 1} for name in names],
    }
    pending = {"pending": list(names), "pendingCount": len(names)}
    return {"state": "done", **pending, "plan": plan | fields if names else None}


FIRST = a_report("a" * 32, "shop.0001_initial", "shop.0002_more")
NOTHING = a_report("")


def a_scene(*aliases: str, **migrate: JSON) -> Scene:
    """Return a project under mode Approve whose checks have found FIRST."""
    declared = project(image="shop:1", migrate={"mode": "Approve", **migrate})
    scene = Scene().put(declared, *map(alias, aliases or ("default",)), secret()).settle()
    for name in aliases or ("default",):
        scene.end_job(name, purpose="check", **FIRST)
        scene.settle()
    return scene


def annotate(scene: Scene, value: str | None, name: str = "approve") -> Scene:
    """Set an annotation of the project, or remove it."""
    body = scene.get("DjangoProject", "shop")
    given = {**(body["metadata"].get("annotations") or {}), f"dbalias.dev/{name}": value}
    kept = {key: text for key, text in given.items() if text is not None}
    return scene.put({**body, "metadata": {**body["metadata"], "annotations": kept}}).settle()


def edit(scene: Scene, **spec: JSON) -> Scene:
    """Change the project's spec."""
    body = scene.get("DjangoProject", "shop")
    meta = {**body["metadata"], "generation": body["metadata"].get("generation", 1) + 1}
    return scene.put({**body, "metadata": meta, "spec": {**body["spec"], **spec}}).settle()


def status(scene: Scene, name: str = "shop") -> JSON:
    """Return a project's status, or an alias'."""
    kind = "DjangoProject" if name == "shop" else "DatabaseAlias"
    return scene.get(kind, name if name == "shop" else f"shop-{name}")["status"]


def digest(scene: Scene) -> str:
    """Return the digest that waits for an approval."""
    return str(status(scene)["plan"]["digest"])


def approve(scene: Scene) -> Scene:
    """Do what a person does who agrees with all that waits."""
    return annotate(scene, digest(scene))


def migrated(scene: Scene, name: str = "default", code: int = 0, **report: Any) -> Scene:
    """Let the migration of an alias end."""
    scene.wait(9).end_job(name, code=code, **({"state": "failed" if code else "done"} | report))
    return scene.wait(1).settle()


def checked(scene: Scene, report: dict[str, Any], name: str = "default") -> Scene:
    """Let the check of an alias end."""
    scene.end_job(name, purpose="check", **report)
    return scene.settle()


def told(scene: Scene, name: str = "default") -> tuple[str, str]:
    """Return reason and message of an alias' condition Migrated."""
    condition = scene.condition(Kind.ALIAS, f"shop-{name}", "Migrated")
    return condition["reason"], condition["message"]


def words(job: JSON) -> list[str]:
    """Return the arguments of a Job's container."""
    return list(job["spec"]["template"]["spec"]["containers"][0]["args"])


def test_plans_that_wait_are_in_both_statuses_and_nothing_runs() -> None:
    """The message says what is pending, what is marked, and both ways to approve it."""
    scene = a_scene("default", "users")

    plan = status(scene)["plan"]
    assert [one["alias"] for one in plan["aliases"]] == ["default", "users"]
    assert status(scene, "users")["plan"]["digest"] == "a" * 32
    assert not scene.jobs("default") + scene.jobs("users")
    reason, message = told(scene)
    assert reason == "AwaitingApproval"
    assert "2 migration(s) pending: shop.0001_initial, shop.0002_more." in message
    assert "`dbalias approve shop -n shop`" in message
    annotation = f"dbalias.dev/approve={plan['digest']}`"
    assert f"`kubectl -n shop annotate --overwrite djp/shop {annotation}" in message
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "AwaitingApproval"


def test_what_is_dangerous_is_counted_in_the_message() -> None:
    """Marked, so that nobody overlooks it."""
    scene = Scene().put(
        project(image="shop:1", migrate={"mode": "Approve"}), alias("default"), secret()
    )
    marked = {"destructive": ["shop.0001 drops"], "destructiveCount": 1, "unjudgedCount": 2}
    checked(scene.settle(), a_report("a" * 32, "shop.0001", **marked))

    assert ", 1 DESTRUCTIVE, 2 that only a person can judge." in told(scene)[1]
    assert status(scene)["plan"]["aliases"][0]["destructiveCount"] == 1
    assert status(scene, "default")["plan"]["destructive"] == ["shop.0001 drops"]


def test_approval_is_stored_before_anything_starts_and_each_job_gets_its_own_plan() -> None:
    """One write of the project's status; the pass that makes it starts nothing."""
    scene = a_scene("default", "users")
    approved = digest(scene)
    body = scene.get("DjangoProject", "shop")
    meta = {**body["metadata"], "annotations": {"dbalias.dev/approve": approved}}
    scene.put({**body, "metadata": meta})

    planned = scene.reconcile()

    assert not scene.jobs("default")
    assert [type(one).__name__ for one in planned.late] == []
    approval = status(scene)["approval"]
    assert (approval["digest"], approval["at"]) == (approved, timestamp(scene.now))
    assert approval["aliases"] == [
        {"alias": name, "plan": "a" * 32, "approval": approved} for name in ALIASES
    ]
    scene.settle()
    for name in ALIASES:
        assert f"--approved={'a' * 32}" in words(scene.job(name))
        assert told(scene, name)[0] == "Migrating"
    assert "plan" not in status(scene)


def test_all_is_ready_after_the_approved_runs_and_nothing_is_written_any_more() -> None:
    """The plan is gone, the approval stays for the record."""
    scene = approve(a_scene("default", "users"))
    for name in ALIASES:
        migrated(scene, name)
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Ready"
    assert "plan" not in status(scene, "users")
    assert status(scene)["approval"]["digest"]
    assert status(scene, "users")["migration"]["approved"] == "a" * 32
    assert actions(scene.wait(3600).plan()) == ()


@pytest.mark.parametrize("value", ["a" * 32, "yes", "", None])
def test_no_other_annotation_starts_anything(value: str | None) -> None:
    """And the message says why, if there is one."""
    scene = annotate(a_scene(), value)
    assert not scene.jobs("default")
    assert "approval" not in status(scene)
    assert ("approves nothing" in told(scene)[1]) == bool(value)


def test_shortened_digest_approves_nothing() -> None:
    """It is told apart from an alien one."""
    scene = a_scene()
    annotate(scene, digest(scene)[:20])
    assert not scene.jobs("default")
    assert "only the beginning of the digest" in told(scene)[1]


def test_aliases_that_wait_for_their_turn_keep_what_was_approved() -> None:
    """With maxParallel 1 the second starts when the first has ended, by the same annotation."""
    scene = approve(a_scene("default", "users", maxParallel=1))
    assert (len(scene.jobs("default")), len(scene.jobs("users"))) == (1, 0)
    assert told(scene, "users")[0] == "Queued"

    migrated(scene)

    assert f"--approved={'a' * 32}" in words(scene.job("users"))
    assert told(scene, "default")[0] == "Migrated"


def test_taking_the_annotation_away_stops_what_has_not_started() -> None:
    """What runs goes on."""
    scene = approve(a_scene("default", "users", maxParallel=1))
    annotate(scene, None)
    migrated(scene)
    assert not scene.jobs("users")
    assert told(scene, "users")[0] == "AwaitingApproval"
    assert told(scene, "default")[0] == "Migrated"


def test_attempts_that_are_repeated_run_under_the_same_approval() -> None:
    """After a lost network or a held lock; nothing is asked again."""
    scene = approve(a_scene())
    migrated(scene, code=4, reason="DatabaseUnreachable")
    assert told(scene)[0] == "DatabaseUnreachable"
    assert "plan" not in status(scene)

    scene.wait(30).settle()

    assert len(scene.jobs("default")) == 2
    assert f"--approved={'a' * 32}" in words(scene.job("default"))


def test_plan_that_differs_under_the_lock_is_superseded_and_says_by_what() -> None:
    """A new check is made by itself, and its plan waits for an approval of its own."""
    scene = approve(a_scene())
    first = status(scene)["approval"]["digest"]
    migrated(scene, code=11, message="nothing was migrated")
    assert len(scene.jobs("default", "check")) == 2
    assert told(scene)[0] == "Checking"

    checked(scene, a_report("b" * 32, "shop.0002_more", "shop.0003_new"))

    reason, message = told(scene)
    assert reason == "AwaitingApproval"
    assert f"The approved plan {first} was superseded: shop.0003_new was added" in message
    assert "shop.0001_initial is no longer pending" in message
    assert len(scene.jobs("default")) == 1
    assert digest(scene) != first
    approve(scene)
    assert f"--approved={'b' * 32}" in words(scene.job("default"))
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Migrating"


def test_new_image_with_the_same_plan_runs_by_the_approval_that_is_there() -> None:
    """Before it has started: what it would do was agreed to."""
    scene = a_scene(maxParallel=1)
    edit(approve(edit(scene, suspend=True)), image="shop:2", suspend=False)
    assert not scene.jobs("default")

    checked(scene.wait(6).settle(), FIRST)

    assert f"--approved={'a' * 32}" in words(scene.job("default"))


def test_new_image_with_another_plan_waits_again() -> None:
    """And says what is new."""
    scene = a_scene()
    edit(approve(edit(scene, suspend=True)), image="shop:2", suspend=False)

    checked(scene.wait(6).settle(), a_report("b" * 32, "shop.0001_initial"))

    assert not scene.jobs("default")
    assert "was superseded: shop.0002_more is no longer pending" in told(scene)[1]


def test_same_plan_on_another_database_waits_again() -> None:
    """An approval is of one database."""
    scene = a_scene()
    approved = digest(scene)
    edit(approve(edit(scene, suspend=True)), image="shop:2", suspend=False)

    checked(scene.wait(6).settle(), a_report("c" * 32, "shop.0001_initial", database="db-2"))

    assert not scene.jobs("default")
    assert digest(scene) != approved
    assert "it was made for another database" in told(scene)[1]


def test_failed_migration_uses_its_approval_up_and_is_looked_at_again() -> None:
    """It stays Stalled with what failed, and says how to approve what is pending now."""
    scene = approve(a_scene())
    first = status(scene)["approval"]["digest"]
    migrated(scene, code=5, message="shop.0001_initial failed")
    checked(scene, FIRST)

    reason, message = told(scene)
    assert reason == "MigrationFailed"
    assert scene.condition(Kind.ALIAS, "shop-default", "Stalled")["status"] == "True"
    assert "has used its approval up" in message
    assert digest(scene) != first
    assert digest(scene) in message
    assert len(scene.jobs("default")) == 1
    migrated(approve(scene))
    assert len(scene.jobs("default")) == 2
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Ready"


def test_repair_by_hand_after_a_failure_is_recognised_by_a_check() -> None:
    """Nothing is pending: Ready, whatever failed before."""
    scene = approve(a_scene())
    migrated(scene, code=5, message="shop.0001_initial failed")

    checked(scene, NOTHING)

    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Ready"


def test_what_is_reversed_by_hand_is_not_migrated_by_an_old_approval() -> None:
    """The same plan, found again after its run, has another digest."""
    scene = migrated(approve(a_scene()))
    old = status(scene)["approval"]["digest"]

    checked(annotate(scene, ASKED, "check-requested-at"), FIRST)

    assert told(scene)[0] == "AwaitingApproval"
    assert digest(scene) != old
    assert len(scene.jobs("default")) == 1
    migrated(approve(scene))
    assert len(scene.jobs("default")) == 2
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Ready"


def test_request_to_migrate_asks_for_a_fresh_check_and_no_run() -> None:
    """It is answered by the check."""
    scene = annotate(a_scene(), ASKED, "migrate-requested-at")
    assert len(scene.jobs("default", "check")) == 2
    checked(scene, FIRST)
    assert not scene.jobs("default")
    assert status(scene)["lastHandledMigrateRequest"] == ASKED


def test_nothing_pending_is_ready_without_an_approval() -> None:
    """No plan, no question."""
    scene = Scene().put(
        project(image="shop:1", migrate={"mode": "Approve"}), alias("default"), secret()
    )
    checked(scene.settle(), NOTHING)
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Ready"
    assert "plan" not in status(scene)


def test_alias_whose_plan_is_not_known_yet_is_named_and_its_plan_not_covered() -> None:
    """Who approves what is there approves no more than that."""
    scene = Scene().put(
        project(image="shop:1", migrate={"mode": "Approve"}), *map(alias, ALIASES), secret()
    )
    checked(scene.settle(), FIRST)
    assert status(scene)["plan"]["computing"] == ["users"]

    approve(scene)
    checked(scene, FIRST, "users")

    assert len(scene.jobs("default")) == 1
    assert not scene.jobs("users")
    first = status(scene)["approval"]["aliases"]
    approve(scene)
    assert len(scene.jobs("users")) == 1
    assert status(scene)["approval"]["aliases"][0] == first[0]


def test_other_modes_show_plans_and_ask_nobody() -> None:
    """Check has a plan in the alias' status alone."""
    scene = Scene().put(
        project(image="shop:1", migrate={"mode": "Check"}), alias("default"), secret()
    )
    checked(scene.settle(), FIRST)
    assert status(scene, "default")["plan"]["count"] == 2
    assert "plan" not in status(scene)
    assert told(scene)[0] == "Pending"
