"""What a pass publishes, keeps and repairs; each on a namespace in memory."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dbalias.api.meta import JSON, Kind
from dbalias.reconcile.actions import DeleteObject, PublishConfigMap, PublishSecret, WriteStatus
from dbalias.reconcile.ports import Resource
from integration.operator.objects import alias, everything_to, policy, project, secret
from unit.reconcile.scene import BEGINNING, Scene, actions, names


def a_scene(*more: JSON) -> Scene:
    """Return a project without an image, its default and its Secret, and what is given."""
    return Scene().put(project(), alias("default"), secret(), *more)


def test_a_settled_project_needs_nothing() -> None:
    """A pass over what is as it should be plans no action."""
    assert actions(a_scene().settle().plan()) == ()


def test_the_secret_is_published_before_the_config_map_that_refers_to_it() -> None:
    """A pod that starts in between finds every file that its settings name."""
    assert names(a_scene().plan().early)[:2] == ["PublishSecret", "PublishConfigMap"]


def test_settings_are_published_before_the_inputs_have_settled() -> None:
    """Publishing undoes itself; only what cannot be undone waits for five quiet seconds."""
    scene = a_scene()
    scene.now = BEGINNING
    scene.settle()
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"


def test_every_declared_object_is_told_how_it_stands() -> None:
    """With the generation that was looked at, in the status and in each condition."""
    scene = a_scene(policy("all", everything_to("default"))).settle()
    for kind, name in ((Kind.PROJECT, "shop"), (Kind.ALIAS, "shop-default"), (Kind.POLICY, "all")):
        status = scene.get(kind.value, name)["status"]
        assert status["observedGeneration"] == 1
        assert {c["observedGeneration"] for c in status["conditions"]} == {1}
        assert scene.condition(kind, name)["status"] == "True"


def test_a_policy_that_works_and_surprises_says_so_while_it_is_ready() -> None:
    """A transaction around every request, and reads that stay in it, leave replicas idle."""
    atomic = alias("main", atomicRequests=True)
    replica = alias("r1", role="Replica", inheritFrom="main", host="r1.example")
    rule = {**everything_to("main"), "read": ["r1"]}
    scene = a_scene(atomic, replica, policy("all", rule, pinReads="Transaction")).settle()
    ready = scene.condition(Kind.POLICY, "all")
    assert ready["status"] == "True"
    assert "requests read no replica: with atomicRequests on main" in ready["message"]


@pytest.mark.parametrize(
    "disturb",
    [
        lambda scene: scene.drop("ConfigMap", "shop-databases"),
        lambda scene: scene.drop("Secret", "shop-databases"),
        lambda scene: scene.get("ConfigMap", "shop-databases")["data"].update(x="theirs"),
        lambda scene: scene.get("Secret", "shop-databases")["data"].update(x="dGhlaXJz"),
        lambda scene: scene.get("ConfigMap", "shop-databases")["metadata"]["labels"].clear(),
        lambda scene: scene.get("Secret", "shop-databases")["metadata"]["labels"].clear(),
    ],
    ids=["map gone", "secret gone", "key in map", "key in secret", "map label", "secret label"],
)
def test_drift_is_repaired_in_one_pass(disturb: Callable[[Scene], object]) -> None:
    """Whatever was done to what we own, data and labels are afterwards what they were."""
    scene = a_scene().settle()
    before = {kind: wanted(scene, kind) for kind in ("ConfigMap", "Secret")}
    disturb(scene)
    scene.reconcile()
    assert {kind: wanted(scene, kind) for kind in before} == before


def wanted(scene: Scene, kind: str) -> tuple[JSON, JSON]:
    """Return data and labels of what is published."""
    body = scene.get(kind, "shop-databases")
    return dict(body["data"]), dict(body["metadata"]["labels"])


@pytest.mark.parametrize(
    ("missing", "reason", "stalled"),
    [
        (lambda scene: scene.drop("DatabaseAlias", "shop-default"), "DefaultMissing", "False"),
        (lambda scene: scene.drop("Secret", "login"), "SecretNotFound", "False"),
        (lambda scene: scene.put(foreign("ConfigMap")), "NameTaken", "True"),
        (lambda scene: scene.put(foreign("Secret")), "NameTaken", "True"),
        (lambda scene: scene.put(foreign("Secret", owned=True)), "WaitingForObjects", "False"),
        (lambda scene: scene.put(policy("p", everything_to("usrs"))), "AliasNotFound", "False"),
        (
            lambda scene: scene.put(alias("default", engine="django.db.backends.postgres")),
            "InvalidConfiguration",
            "True",
        ),
    ],
    ids=["no default", "no secret", "map", "secret", "predecessor's", "policy", "engine"],
)
def test_what_holds_a_project_back_is_named_and_publishes_nothing(
    missing: Callable[[Scene], object], reason: str, stalled: str
) -> None:
    """Stalled is what only an edit cures; what may yet appear is waited for."""
    scene = a_scene()
    missing(scene)
    scene.settle()
    ready = scene.condition(Kind.PROJECT, "shop")
    assert ready["status"] == "False"
    assert reason in (ready["reason"], scene.condition(Kind.ALIAS, "shop-default").get("reason"))
    assert scene.condition(Kind.PROJECT, "shop", "Stalled")["status"] == stalled
    assert ("create", Resource.CONFIG_MAPS, "shop-databases") not in scene.cluster.writes


def foreign(kind: str, *, owned: bool = False) -> JSON:
    """Return an object of our name: somebody's, or left by a deleted project of our name."""
    meta: JSON = {"name": "shop-databases"}
    if owned:
        owner = {"kind": "DjangoProject", "name": "shop", "uid": "before", "controller": True}
        meta |= {"labels": {"dbalias.dev/project": "shop"}, "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, "data": {"x": "eA=="}}


def test_a_secret_that_vanishes_leaves_the_last_good_entry_and_its_password() -> None:
    """Pods that restart find what they found before; the alias says what is missing."""
    scene = a_scene(alias("users", secret="own"), secret("own")).settle()
    before = scene.document()["databases"]["users"]
    scene.drop("Secret", "own")
    scene.settle()
    assert scene.document()["databases"]["users"] == before
    stored = scene.get("Secret", "shop-databases")["data"]["users.password"]
    assert base64.b64decode(stored) == b"s3krit"
    assert scene.condition(Kind.ALIAS, "shop-users")["reason"] == "SecretNotFound"


def test_a_key_that_nothing_needs_any_more_stays_until_pods_have_the_new_settings() -> None:
    """A ConfigMap and a Secret reach a pod at different moments: the older may come last."""
    scene = a_scene(alias("users")).settle()
    scene.drop("DatabaseAlias", "shop-users")
    scene.settle()
    assert "users" not in scene.document()["databases"]
    assert "users.password" in scene.get("Secret", "shop-databases")["data"]
    scene.wait(200).settle()
    assert "users.password" not in scene.get("Secret", "shop-databases")["data"]


def test_the_secret_goes_ahead_of_a_config_map_that_needs_new_files() -> None:
    """A kubelet may know the new ConfigMap and still the old Secret, for a moment."""
    scene = a_scene().settle()
    scene.put(alias("users")).reconcile()
    assert "users.password" not in scene.get("Secret", "shop-databases")["data"]  # not shown yet
    assert any(name.startswith("users.") for name in scene.get("Secret", "shop-databases")["data"])
    assert set(scene.document()["databases"]) == {"default"}
    assert scene.condition(Kind.PROJECT, "shop", "SettingsPublished")["reason"] == "Pending"
    scene.wait(6).settle()
    assert set(scene.document()["databases"]) == {"default", "users"}
    assert "users.password" in scene.get("Secret", "shop-databases")["data"]
    assert scene.condition(Kind.PROJECT, "shop")["status"] == "True"


@pytest.mark.parametrize("fraction", [0, 0.001, 0.999])
def test_the_lead_is_whole_at_any_fraction_of_a_second(fraction: float) -> None:
    """What is stored has no fractions; the passes in between neither write nor let it go."""
    scene = a_scene().settle().wait(fraction)
    scene.put(alias("users")).reconcile()
    for seconds in (0, 0.0005, 4.999):
        later = replace(scene, now=scene.now + timedelta(seconds=seconds))
        assert set(later.settle().document()["databases"]) == {"default"}
    scene.wait(6).settle()
    assert set(scene.document()["databases"]) == {"default", "users"}


def test_settings_that_need_no_new_file_follow_at_once() -> None:
    """Nothing of them can be missing in an older Secret."""
    scene = a_scene().settle()
    scene.put(alias("default", connMaxAge=5)).reconcile()
    assert scene.document()["databases"]["default"]["settings"]["CONN_MAX_AGE"] == 5


def test_an_entry_whose_login_is_lost_everywhere_keeps_no_process_from_starting() -> None:
    """Its own Secret and the published one are gone: it is left out, the others flow."""
    scene = a_scene(alias("users", secret="own"), secret("own")).settle()
    scene.drop("Secret", "own")
    scene.settle()
    scene.drop("Secret", "shop-databases")
    scene.settle()
    assert set(scene.document()["databases"]) == {"default"}
    assert scene.document()["unavailable"] == {"users": "SecretNotFound"}


def test_a_set_that_became_invalid_keeps_no_password_back() -> None:
    """Settings stay as they were; a rotated login and a lost Secret are not held up by a typo."""
    scene = a_scene().settle()
    before = scene.document()
    scene.put(policy("typo", everything_to("usrs")), secret(password="rotated")).settle()
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "AliasNotFound"
    stored = scene.get("Secret", "shop-databases")["data"]
    scene.drop("Secret", "shop-databases")
    scene.settle()
    assert scene.get("Secret", "shop-databases")["data"] == stored
    assert base64.b64decode(stored["default.password"]) == b"rotated"
    assert scene.document() == before


def test_what_cannot_be_read_changes_nothing_that_is_published() -> None:
    """An empty list that was no answer must not become an empty DATABASES."""
    scene = a_scene().settle()
    before = scene.document()
    for resource in (Resource.ALIASES, Resource.CONFIG_MAPS, Resource.SECRETS, Resource.JOBS):
        scene.cluster.unreadable = {resource}
        planned = scene.plan()
        assert {type(action) for action in actions(planned)} <= {WriteStatus}
        assert planned.wake_at is not None
    assert scene.document() == before


def test_a_refused_publication_is_named_before_it_is_tried_again() -> None:
    """Whether or not the next try succeeds, the condition says what was refused."""
    scene = a_scene()
    scene.cluster.refused = {"shop-databases"}
    scene.reconcile()
    scene.reconcile()
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "WriteRefused"
    assert scene.condition(Kind.PROJECT, "shop", "Stalled")["status"] == "False"
    assert names(scene.plan().early) in (["PublishSecret"], ["PublishSecret", "PublishConfigMap"])
    scene.cluster.refused = set()
    scene.settle()
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == "Ready"


def test_the_objects_of_a_project_that_is_not_there_wait_for_it() -> None:
    """Apply order is nobody's promise."""
    scene = Scene().put(alias("default"), policy("all", everything_to("default")), secret())
    scene.settle()
    for kind, name in ((Kind.ALIAS, "shop-default"), (Kind.POLICY, "all")):
        assert scene.condition(kind, name)["reason"] == "ProjectNotFound"
        assert scene.condition(kind, name, "Stalled")["status"] == "False"
    assert scene.all("ConfigMap") == []


def test_nothing_is_deleted_while_it_is_published() -> None:
    """The first passes only add."""
    planned = [*actions(a_scene().plan())]
    assert not [action for action in planned if isinstance(action, DeleteObject)]
    published = [a for a in planned if isinstance(a, PublishConfigMap | PublishSecret)]
    assert {action.name for action in published} == {"shop-databases"}
