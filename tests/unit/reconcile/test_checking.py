"""Check runs: what starts them, what they leave in the status; on a namespace in memory."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.meta import JSON, Kind
from dbalias.reconcile.actions import WriteStatus
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene, actions

ALIASES = ("default", "users")
ASKED = "2026-01-01T10:00:00Z"
PENDING: dict[str, Any] = {
    "state": "done", "pending": ["shop.0001_initial", "shop.0002_more"], "pendingCount": 2
}  # fmt: skip
ROUTES = [{"apps": ["auth"], "read": ["users"], "write": "users", "migrate": ["users"],
           "modelsCount": 6}]  # fmt: skip


def a_scene(**migrate: JSON) -> Scene:
    """Return a project with an image, two aliases and their Secret."""
    declared = project(image="shop:1", migrate=migrate)
    return Scene().put(declared, *map(alias, ALIASES), secret())


def a_migrated_scene() -> Scene:
    """Return one that is Ready under mode Auto."""
    scene = a_scene().settle()
    for name in ALIASES:
        scene.end_job(name)
    return scene.settle()


def check(scene: Scene, **report: Any) -> Scene:
    """Let the check of both aliases end with this report."""
    for name in ALIASES:
        scene.end_job(name, purpose="check", **({"state": "done"} | report))
    return scene.settle()


def ask(scene: Scene, annotation: str, at: str = ASKED, *, of: str = "shop") -> Scene:
    """Annotate the project, or one alias."""
    kind = "DjangoProject" if of == "shop" else "DatabaseAlias"
    body = scene.get(kind, of)
    given = (body["metadata"].get("annotations") or {}) | {f"dbalias.dev/{annotation}": at}
    return scene.put({**body, "metadata": {**body["metadata"], "annotations": given}}).settle()


def status(scene: Scene, name: str = "shop") -> JSON:
    """Return a project's status, or an alias'."""
    return scene.get("DjangoProject" if name == "shop" else "DatabaseAlias", name)["status"]


def purposes(scene: Scene) -> list[str]:
    """Return what the Jobs that exist are for."""
    return sorted(one["metadata"]["labels"]["dbalias.dev/purpose"] for one in scene.all("Job"))


@pytest.mark.parametrize(
    ("mode", "reason"), [("Check", "Pending"), ("Approve", "AwaitingApproval")]
)
def test_a_mode_that_leaves_it_to_people_looks_and_touches_nothing(mode: str, reason: str) -> None:
    """One check for each alias; what it found is named, and nothing is published first."""
    scene = a_scene(mode=mode).settle()
    assert purposes(scene) == ["check", "check"]
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["reason"] == "Checking"
    check(scene, **PENDING)
    told = scene.condition(Kind.ALIAS, "shop-users", "Migrated")
    assert (told["status"], told["reason"]) == ("False", reason)
    assert "2 migration(s) pending: shop.0001_initial, shop.0002_more" in told["message"]
    assert scene.condition(Kind.PROJECT, "shop", "Migrated")["reason"] == reason
    assert scene.condition(Kind.PROJECT, "shop", "RoutesValid")["status"] == "True"
    assert scene.document() is None
    assert purposes(scene) == ["check", "check"]


def test_check_runs_mount_what_migrate_runs_do_and_are_told_to_look_only() -> None:
    """The same image, settings and login; `--check`, and no protection from being moved."""
    scene = a_scene(mode="Check").settle()
    template = scene.job("users", "check")["spec"]["template"]
    arguments = template["spec"]["containers"][0]["args"]
    assert arguments[:2] == ["--database=users", "--check"]
    assert template["metadata"]["annotations"] == {}


def test_mode_check_is_ready_and_publishes_when_nothing_is_pending() -> None:
    """Migrated is True, as after a migration."""
    scene = check(a_scene(mode="Check").settle())
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["reason"] == "Migrated"
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"
    assert sorted(scene.document()["databases"]) == ["default", "users"]


def test_the_last_published_stays_while_a_check_finds_something_pending() -> None:
    """A new image under mode Check is looked at once more."""
    scene = check(a_scene(mode="Check").settle())
    before = scene.document()
    changed = project(
        image="shop:2", migrate={"mode": "Check"}, routing={"unmatched": "DefaultOnly"}
    )
    scene.put({**scene.get("DjangoProject", "shop"), "spec": changed["spec"]}).settle()
    check(scene, **PENDING)
    assert len(scene.jobs("users", "check")) == 2
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Pending"
    assert scene.document()["routing"] == before["routing"]
    revisions = [
        one for one in scene.all("ConfigMap") if one["metadata"]["name"] != "shop-databases"
    ]
    assert len(revisions) == 1


def test_mode_auto_after_mode_check_migrates() -> None:
    """What was seen is no substitute for what is done."""
    scene = check(a_scene(mode="Check").settle(), **PENDING)
    body = scene.get("DjangoProject", "shop")
    scene.put({**body, "spec": {"image": "shop:1"}}).settle()
    assert [len(scene.jobs(name)) for name in ALIASES] == [1, 1]


@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        ("check-requested-at", "lastHandledCheckRequest"),
        ("migrate-requested-at", "lastHandledMigrateRequest"),
    ],
)
def test_either_request_repeats_a_check_under_mode_check(annotation: str, field: str) -> None:
    """Once; it is acknowledged when every alias has taken it up."""
    scene = check(a_scene(mode="Check").settle())
    ask(scene, annotation)
    assert [len(scene.jobs(name, "check")) for name in ALIASES] == [2, 2]
    check(scene)
    assert status(scene)[field] == ASKED
    assert purposes(scene) == ["check"] * 4


def test_a_check_on_demand_under_mode_auto_migrates_nothing_and_disturbs_nothing() -> None:
    """Project and aliases stay Ready while it runs and after it; it is done once."""
    scene = a_migrated_scene()
    before = [scene.condition(Kind.ALIAS, "shop-users", kind) for kind in ("Ready", "Migrated")]
    ask(scene, "check-requested-at")
    assert purposes(scene) == ["check", "check", "migrate", "migrate"]
    during = [scene.condition(Kind.ALIAS, "shop-users", kind) for kind in ("Ready", "Migrated")]
    assert during == before
    assert status(scene)["lastHandledCheckRequest"] == ASKED
    check(scene, audit={"warnings": ["look here"], "warningCount": 1})
    after = [scene.condition(Kind.ALIAS, "shop-users", kind) for kind in ("Ready", "Migrated")]
    assert after == before
    assert status(scene, "shop-users")["check"]["outcome"] == "Succeeded"
    assert status(scene)["audit"]["warnings"] == ["look here"]
    assert "look here" in scene.condition(Kind.PROJECT, "shop", "RoutesValid")["message"]
    assert purposes(scene) == ["check", "check", "migrate", "migrate"]


def test_what_the_last_audit_found_stays_while_a_check_looks_again() -> None:
    """A Job that runs has told nothing yet."""
    scene = a_scene().settle()
    for name in ALIASES:
        scene.end_job(name, state="done", audit={"warnings": ["old"], "warningCount": 1})
    scene.settle().wait(60)
    ask(scene, "check-requested-at")
    assert status(scene)["audit"]["warnings"] == ["old"]
    check(scene, audit={"warnings": ["new"], "warningCount": 1})
    assert status(scene)["audit"]["warnings"] == ["new"]


def test_a_check_on_demand_of_one_alias_leaves_the_others_alone() -> None:
    """The annotation is on the DatabaseAlias."""
    scene = ask(a_migrated_scene(), "check-requested-at", of="shop-users")
    assert scene.jobs("default", "check") == []
    scene.end_job("users", purpose="check", state="done")
    scene.settle()
    assert status(scene, "shop-users")["check"]["handledRequest"] == ASKED
    assert "lastHandledCheckRequest" not in status(scene)


def test_a_check_on_demand_that_misses_something_is_told_and_mended_by_a_request() -> None:
    """Somebody restored a backup: Migrated is False, and nothing starts by itself."""
    scene = ask(a_migrated_scene(), "check-requested-at")
    published = scene.document()
    check(scene, **PENDING)
    told = scene.condition(Kind.ALIAS, "shop-users", "Migrated")
    assert (told["status"], told["reason"]) == ("False", "Pending")
    assert "dbalias.dev/migrate-requested-at" in told["message"]
    assert purposes(scene) == ["check", "check", "migrate", "migrate"]
    assert scene.document() == published
    scene.wait(60)
    ask(scene, "migrate-requested-at")
    for name in ALIASES:
        scene.end_job(name)
    scene.settle()
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"


def test_a_check_waits_until_the_migration_has_ended() -> None:
    """A running migration is not looked at half-way."""
    scene = ask(a_scene().settle(), "check-requested-at")
    assert purposes(scene) == ["migrate", "migrate"]
    assert "lastHandledCheckRequest" not in status(scene)
    for name in ALIASES:
        scene.end_job(name)
    scene.settle()
    assert purposes(scene) == ["check", "check", "migrate", "migrate"]


def test_a_check_is_refused_by_its_audit_as_a_migration_is() -> None:
    """Reason, errors and Stalled are the same; nothing is started again by itself."""
    scene = a_scene(mode="Check").settle()
    for name in ALIASES:
        scene.end_job(
            name,
            code=6,
            purpose="check",
            reason="AuditRefused",
            message="refused",
            audit={"errors": ["catalog: no rule"], "errorCount": 1},
        )
    scene.settle()
    assert scene.condition(Kind.ALIAS, "shop-users", "Stalled")["status"] == "True"
    routes = scene.condition(Kind.PROJECT, "shop", "RoutesValid")
    assert (routes["status"], routes["reason"]) == ("False", "AuditRefused")
    assert "catalog: no rule" in routes["message"]
    assert status(scene)["audit"]["errors"] == ["catalog: no rule"]


def test_an_unreachable_database_is_checked_again_by_itself() -> None:
    """With the pause that migrations have, also when it was asked for under mode Auto."""
    scene = ask(a_migrated_scene(), "check-requested-at")
    for name in ALIASES:
        scene.end_job(name, code=4, purpose="check", reason="DatabaseUnreachable", message="gone")
    scene.settle()
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["status"] == "True"
    assert scene.condition(Kind.ALIAS, "shop-users", "Connected")["status"] == "False"
    scene.wait(11).settle()
    assert [len(scene.jobs(name, "check")) for name in ALIASES] == [2, 2]


def test_a_crash_between_record_and_check_ends_in_the_same_job() -> None:
    """The record was stored first, also for a check."""
    scene = a_scene(mode="Check")
    planned = scene.plan()
    stored = {
        action.status["check"]["job"]
        for action in planned.early
        if isinstance(action, WriteStatus) and action.kind is Kind.ALIAS
    }
    scene.reconcile()
    first = {one["metadata"]["name"] for one in scene.all("Job")}
    assert first == stored
    for name in first:
        scene.drop("Job", name)
    scene.settle()
    assert {one["metadata"]["name"] for one in scene.all("Job")} == first


def test_a_foreign_job_of_a_checks_name_is_left_alone() -> None:
    """As a migrate Job's is."""
    scene = a_scene(mode="Check")
    scene.reconcile()
    name = scene.job("users", "check")["metadata"]["name"]
    scene.drop("Job", name)
    scene.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {}})
    scene.settle()
    assert scene.condition(Kind.ALIAS, "shop-users")["reason"] == "NameTaken"


def test_an_outcome_survives_its_check_and_nothing_is_written_at_rest() -> None:
    """Stored before the Job may go, in the alias' status and the project's."""
    scene = check(a_scene(mode="Check").settle(), routes=ROUTES, routesCount=1, modelsCount=6)
    for job in scene.all("Job"):
        scene.drop("Job", job["metadata"]["name"])
    scene.settle()
    assert scene.all("Job") == []
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"
    assert status(scene)["routes"]["modelsCount"] == 6
    scene.wait(3600)
    assert actions(scene.plan(salt="another process")) == ()


def test_routes_of_the_current_revision_win_over_newer_ones_of_another() -> None:
    """A run of the last revision that ends late tells nothing of this one."""
    scene = a_scene(mode="Check").settle()
    revision = status(scene)["revision"]
    scene.end_job("default", purpose="check", state="done", revision=revision,
                  routes=ROUTES, routesCount=1, modelsCount=6)  # fmt: skip
    scene.settle().wait(10)
    scene.end_job("users", purpose="check", state="done", revision="long-ago",
                  routes=ROUTES, routesCount=1, modelsCount=99)  # fmt: skip
    scene.settle()
    told = status(scene)["routes"]
    assert (told["revision"], told["modelsCount"]) == (revision, 6)
    assert told["destinations"] == [
        {"apps": ["auth"], "read": ["users"], "write": "users", "migrate": ["users"],
         "modelsCount": 6}
    ]  # fmt: skip


def test_check_after_a_reversal_by_hand_corrects_what_the_image_does_not_know() -> None:
    """The migration that the database was ahead by is there no more, and nobody has to run one."""
    scene = a_scene().settle()
    for name in ALIASES:
        scene.end_job(name, state="done", ahead=["shop.0003_new"], aheadCount=1)
    scene.settle()
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["reason"] == "DatabaseAhead"
    ask(scene.wait(1), "check-requested-at")
    scene.wait(1)
    check(scene)
    assert scene.condition(Kind.ALIAS, "shop-users", "Migrated")["reason"] == "Migrated"
    assert purposes(scene).count("migrate") == len(ALIASES)
