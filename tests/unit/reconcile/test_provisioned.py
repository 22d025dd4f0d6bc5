"""Aliases whose databases are made: what the project waits for, publishes and says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Key, Kind
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.reconciler import Reconciler
from dbalias.reconcile.snapshot import Memory
from integration.operator.objects import project, secret
from unit.clocks import play
from unit.reconcile.scene import BEGINNING, SPACE, Scene, actions
from unit.reconcile.serving import issue, made, served, server, tell
from unit.reconcile.test_running import deployment, stamps

DEFAULT = "shop-default"
LOGIN: dict[str, Any] = {
    "credentials": {"secretRef": {"name": "login"}},
    "user": "django",
    "name": "shop",
}
UNREACHABLE = 4
"""A run's exit code where there is no such database, or nobody answers."""
WEB = [{"kind": "Deployment", "name": "web"}]


def a_shop(*others: JSON, **spec: Any) -> Scene:
    """Return a project whose default is to be made; nothing is migrated."""
    return Scene().put(project(**spec), server(), made("default"), *others)


def provisioned(scene: Scene, name: str = "default", **issued: str) -> Scene:
    """Let the server pass make what an alias asks for; then run passes over the project."""
    issue(scene, name, **issued)
    tell(scene, name)
    return scene.settle()


def said(scene: Scene, condition: str = "Ready") -> tuple[str, str]:
    """Return status and reason of a condition of default's object."""
    one = scene.condition(Kind.ALIAS, DEFAULT, condition)
    return one["status"], one["reason"]


def published_login(scene: Scene) -> str:
    """Return the user that applications read."""
    return str(scene.get("Secret", "shop-databases")["data"]["default.user"])


def settled_login(scene: Scene) -> JSON:
    """Return the login that everybody has, as the status tells."""
    return scene.get("DatabaseAlias", DEFAULT)["status"].get("settledLogin")


def test_database_that_is_being_made_is_waited_for_with_the_words_of_the_server_pass() -> None:
    """No Secret is missing: nobody is asked to create one."""
    scene = a_shop().settle()
    tell(scene, "default", reason=Reason.PROVISIONING, message="a moment", incarnation=None)
    assert said(scene.settle()) == ("False", "Provisioning")
    tell(scene, "default", reason=Reason.DATABASE_EXISTS, message="it exists", incarnation=None)
    scene.settle()
    assert said(scene) == ("False", "DatabaseExists")
    assert said(scene, "Stalled") == ("True", "DatabaseExists")
    assert "it exists" in scene.condition(Kind.ALIAS, DEFAULT)["message"]
    assert said(scene, "CredentialsAvailable") == ("False", "DatabaseExists")


def test_new_alias_is_first_spoken_of_by_the_server_pass() -> None:
    """Nothing is known before that: a status would be one more write for each new alias."""
    scene = a_shop().settle()
    assert scene.get("DatabaseAlias", DEFAULT).get("status", {}).get("conditions") is None
    tell(scene, "default", reason=Reason.PROVISIONING, message="a moment", incarnation=None)
    assert said(scene.settle()) == ("False", "Provisioning")


def test_database_that_was_made_is_published_with_its_login() -> None:
    """Named by the rule, at the server's place; the status names the Secret."""
    scene = provisioned(a_shop())
    entry = scene.document()["databases"]["default"]
    assert (entry["settings"]["HOST"], entry["settings"]["NAME"]) == (
        "main.db.svc", "shop_shop-default",
    )  # fmt: skip
    assert said(scene) == ("True", "Ready")
    message = scene.condition(Kind.ALIAS, DEFAULT, "CredentialsAvailable")["message"]
    assert message == "read from Secret/shop-default-binding"


def test_binding_is_used_only_once_it_is_known_which_database_it_opens() -> None:
    """Else a run would be of no database in particular, and be repeated for the right one."""
    scene = a_shop(image="shop:1")
    issue(scene, "default")
    scene.settle()
    assert scene.document() is None
    assert scene.all("Job") == []


def test_two_writers_of_one_status_leave_each_other_alone() -> None:
    """Neither the condition nor a field of the server pass goes, and at rest nothing is written."""
    scene = provisioned(a_shop())
    status = scene.get("DatabaseAlias", DEFAULT)["status"]
    assert status["binding"] == {"name": "shop-default-binding"}
    assert status["provision"] == {"incarnation": "1", "place": "main.db.svc"}
    assert said(scene, "Provisioned") == ("True", "Provisioned")
    assert actions(scene.plan()) == ()


def test_alias_that_is_not_provisioned_says_so() -> None:
    """So that waiting for the condition over all aliases ends."""
    one = served("default", **LOGIN)
    scene = Scene().put(project(), server(), one, secret()).settle()
    assert said(scene, "Provisioned") == ("True", "NotManaged")


def test_alias_that_is_provisioned_no_more_says_so() -> None:
    """It keeps its place, and has a login of its own from then on."""
    scene = provisioned(a_shop())
    body = scene.get("DatabaseAlias", DEFAULT)
    scene.put({**body, "spec": served("default", **LOGIN)["spec"]}, secret()).settle()
    assert said(scene, "Provisioned") == ("True", "NotManaged")
    assert settled_login(scene) is None


@pytest.mark.parametrize(
    "reason", [Reason.SERVER_UNAVAILABLE, Reason.DATABASE_LOST], ids=["away", "lost"]
)
def test_trouble_on_the_server_takes_nothing_from_applications(reason: Reason) -> None:
    """Neither alias nor project is Ready, and what is published stays."""
    scene = provisioned(a_shop())
    before = scene.document()
    tell(scene, "default", reason=reason, message="trouble")
    scene.settle()
    assert said(scene) == ("False", reason)
    assert scene.condition(Kind.PROJECT, "shop")["reason"] == reason
    assert scene.document() == before


def test_server_that_is_away_is_not_connected_to() -> None:
    """Whatever a Job found once."""
    scene = provisioned(a_shop())
    tell(scene, "default", reason=Reason.SERVER_UNAVAILABLE, message="away")
    assert said(scene.settle(), "Connected") == ("False", "ServerUnavailable")


def test_server_whose_logins_are_tried_proves_the_connection() -> None:
    """No Job has to."""
    scene = provisioned(a_shop(server(checkLogins=True)))
    assert said(scene, "Connected") == ("True", "Available")


def test_edit_is_not_ready_before_the_server_pass_has_seen_it() -> None:
    """Its last word was of another generation."""
    scene = provisioned(a_shop())
    body = scene.get("DatabaseAlias", DEFAULT)
    body["metadata"]["generation"] = 2
    scene.put(body).settle()
    assert said(scene) == ("False", "Provisioning")


def test_rotated_login_is_published_at_once_and_settled_after_the_roll_out() -> None:
    """Only then may another rotation begin."""
    scene = provisioned(a_shop(deployment("web"), workloads=WEB))
    assert settled_login(scene) == "shop_shop-default_a"
    before, stamped = published_login(scene), stamps(scene)
    issue(scene, "default", login="b", password="two")
    scene.wait(6).reconcile()
    assert published_login(scene) != before
    assert stamps(scene) != stamped
    assert settled_login(scene) == "shop_shop-default_a"
    scene.settle()
    assert settled_login(scene) == "shop_shop-default_b"


def test_login_is_not_settled_while_a_workload_rolls_out() -> None:
    """Its old pods hold the login of before."""
    scene = provisioned(a_shop(deployment("web"), workloads=WEB))
    issue(scene, "default", login="b")
    rolling = deployment("web")
    rolling["spec"]["template"]["metadata"]["annotations"] = stamps(scene)
    rolling["status"]["updatedReplicas"] = 0
    scene.put(rolling).wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_a"


def test_login_is_not_settled_while_a_pod_of_before_is_ending() -> None:
    """The workload's status counts it no more, and yet it may connect anew."""
    scene = provisioned(a_shop(deployment("web"), workloads=WEB))
    ending = {
        "name": "web-1",
        "labels": {"app": "web"},
        "deletionTimestamp": "2026-01-01T00:00:00Z",
    }
    scene.put({"apiVersion": "v1", "kind": "Pod", "metadata": ending})
    issue(scene, "default", login="b")
    scene.wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_a"
    scene.drop("Pod", "web-1")
    scene.wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_b"


def test_login_is_not_settled_while_a_job_runs() -> None:
    """It has read its login already."""
    scene = provisioned(a_shop(image="shop:1"))
    scene.wait(6).settle()
    assert scene.jobs("default")
    issue(scene, "default", login="b")
    scene.wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_a"
    scene.end_job("default")
    scene.wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_b"


def test_login_is_not_settled_while_an_heir_keeps_that_of_before() -> None:
    """The replica cannot be resolved, and its last entry reads what it read."""
    tls = {"mode": "verify-full", "caRef": {"configMapKeyRef": {"name": "ca", "key": "ca.pem"}}}
    replica = served("replica", inheritFrom="default", role="Replica")
    del replica["spec"]["serverRef"]
    replica["spec"] |= {"host": "replica.db.svc", "tls": tls}
    ca = {"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.pem": "authority"}}
    scene = provisioned(a_shop(replica, ca))
    assert settled_login(scene) == "shop_shop-default_a"
    scene.drop("ConfigMap", "ca")
    issue(scene, "default", login="b")
    scene.wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_a"
    scene.put(ca).wait(6).settle()
    assert settled_login(scene) == "shop_shop-default_b"


@pytest.mark.parametrize("harm", ["lost", "edited", "foreign"])
def test_binding_that_went_astray_changes_nothing_that_is_published(harm: str) -> None:
    """Nobody's login breaks by it, and the server pass is told, once."""
    scene = provisioned(a_shop())
    before = scene.document(), scene.get("Secret", "shop-databases")["data"]
    name = "shop-default-binding"
    if harm == "lost":
        scene.drop("Secret", name)
    else:
        body = scene.get("Secret", name)
        if harm == "foreign":
            del body["metadata"]["annotations"]
        scene.put({**body, "data": body["data"] | {"password": "ZWRpdGVk"}})
    told = _passes(scene, times=2)
    assert (scene.document(), scene.get("Secret", "shop-databases")["data"]) == before
    assert said(scene) == ("False", "Provisioning")
    assert told == [(Key(SPACE, "main"), Key(SPACE, DEFAULT))]


@pytest.mark.parametrize("key", ["host", "database", "uri", "more"])
def test_edit_beside_the_login_is_told_and_the_login_still_published(key: str) -> None:
    """Django does not read it there, but others do: they are not left with it for minutes."""
    scene = provisioned(a_shop())
    body = scene.get("Secret", "shop-default-binding")
    scene.put({**body, "data": body["data"] | {key: "ZWRpdGVk"}})
    assert _passes(scene, times=2) == [(Key(SPACE, "main"), Key(SPACE, DEFAULT))]
    assert said(scene) == ("True", "Ready")


def _passes(scene: Scene, *, times: int) -> list[tuple[Key, Key]]:
    """Run passes as the operator does; return what the server pass was told."""
    told: list[tuple[Key, Key]] = []

    async def run() -> None:
        reconciler = Reconciler(
            scene.cluster,
            BindingSecrets(scene.cluster),
            Metrics(),
            lambda: scene.now,
            binding_astray=lambda server, alias: told.append((server, alias)),
        )
        for _ in range(times):
            await reconciler.reconcile(Key(SPACE, "shop"))

    asyncio.run(run())
    return told


def test_run_that_did_not_get_in_is_told_once_and_the_next_one_again() -> None:
    """Somebody may have dropped the database, or taken the login's rights."""
    scene = provisioned(a_shop(image="shop:1"))
    scene.wait(6).settle()
    assert _passes(scene, times=1) == []
    scene.end_job("default", code=UNREACHABLE)
    scene.settle()
    assert said(scene, "Connected") == ("False", "DatabaseUnreachable")
    assert _passes(scene, times=2) == [(Key(SPACE, "main"), Key(SPACE, DEFAULT))]


def test_binding_that_is_lost_between_passes_is_told_within_half_a_minute() -> None:
    """Nothing else happens: whoever starts with it must not wait for a look at the server."""
    scene = provisioned(a_shop())
    told: list[Key] = []

    async def run() -> None:
        secrets = BindingSecrets(scene.cluster)
        reconciler = Reconciler(
            scene.cluster,
            secrets,
            Metrics(),
            lambda: scene.now,
            binding_astray=lambda server, alias: told.append(alias),
        )
        looking = asyncio.create_task(secrets.run())
        await reconciler.reconcile(Key(SPACE, "shop"))
        await asyncio.sleep(100.0)
        assert reconciler.queue.depth() == 0
        scene.drop("Secret", "shop-default-binding")
        await asyncio.sleep(30.0)
        assert reconciler.queue.depth() == 1
        await reconciler.reconcile(Key(SPACE, "shop"))
        looking.cancel()

    play(run())
    assert told == [Key(SPACE, DEFAULT)]


def test_readers_binding_is_looked_after_as_well() -> None:
    """Nothing published reads it."""
    scene = a_shop()
    scene.put(made("default", provision={"readOnly": True}))
    provisioned(scene)
    memory = Memory(quiet_from=BEGINNING, salt="salt")
    snapshot = scene.gather(memory)
    assert [one.object for one in snapshot.astray] == [DEFAULT]


def test_secret_of_another_installation_is_not_read() -> None:
    """Two operators in one cluster do not take each other's logins."""
    scene = a_shop()
    issue(scene, "default")
    tell(scene, "default")
    memory = Memory(quiet_from=BEGINNING, salt="salt")
    foreign = replace(memory, installation="another")
    ours = scene.gather(memory)
    theirs = scene.gather(foreign)
    assert not ours.astray
    assert theirs.astray


def test_replica_has_login_and_name_of_the_database_that_was_made() -> None:
    """And the place of its own."""
    replica = served("replica", inheritFrom="default", role="Replica", server={"name": "standby"})
    scene = provisioned(a_shop(replica, server("standby")))
    data = scene.get("Secret", "shop-databases")["data"]
    settings = scene.document()["databases"]["replica"]["settings"]
    assert settings["HOST"] == "standby.db.svc"
    assert settings["NAME"] == "shop_shop-default"
    assert data["replica.user"] == data["default.user"]


def test_replica_waits_with_the_database_that_is_being_made() -> None:
    """In the same words."""
    replica = served("replica", inheritFrom="default", role="Replica", server={"name": "standby"})
    scene = a_shop(replica, server("standby")).settle()
    one = scene.condition(Kind.ALIAS, "shop-replica")
    assert (one["status"], one["reason"]) == ("False", "Provisioning")


def test_database_that_was_made_again_is_migrated_again() -> None:
    """Nobody has to ask; another login or server pass does nothing of the kind."""
    scene = provisioned(a_shop(image="shop:1"))
    scene.wait(6).settle()
    scene.end_job("default")
    scene.wait(6).settle()
    issue(scene, "default", login="b")
    tell(scene, "default")
    scene.wait(6).settle()
    assert len(scene.jobs("default")) == 1
    tell(scene, "default", incarnation="2")
    scene.wait(6).settle()
    assert len(scene.jobs("default")) == 2
