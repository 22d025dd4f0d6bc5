"""A project of two aliases at every stage of its life, as real passes leave its objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import BEGINNING, Scene
from unit.reconcile.test_checking import PENDING, check
from unit.reconcile.test_running import deployment

ALIASES = ("default", "users")
Stage = Callable[[], Scene]


def a_scene(*more: JSON, **spec: JSON) -> Scene:
    """Return a project with an image, two aliases and their Secret, which nobody has seen."""
    declared = project(**({"image": "shop:1"} | spec))
    return Scene().put(declared, *map(alias, ALIASES), secret(), *more)


def edit(scene: Scene, kind: Kind, name: str, **spec: JSON) -> Scene:
    """Change an object's spec as somebody does: its generation grows."""
    body = scene.get(kind.value, name)
    metadata = body["metadata"] | {"generation": body["metadata"]["generation"] + 1}
    return scene.put({**body, "spec": body["spec"] | spec, "metadata": metadata})


def just_created() -> Scene:
    """No pass has seen it."""
    return a_scene()


def settling() -> Scene:
    """Its inputs are four seconds old."""
    scene = a_scene()
    scene.now = BEGINNING + timedelta(seconds=4)
    scene.reconcile()
    return scene


def without_its_secret() -> Scene:
    """Nobody has made the Secret that both aliases name."""
    scene = a_scene()
    scene.drop("Secret", "login")
    return scene.settle()


def waiting_for_a_policy() -> Scene:
    """`waitFor` names what is not there yet."""
    return a_scene(waitFor={"policies": ["people"]}).settle()


def migrating() -> Scene:
    """Both Jobs run."""
    return a_scene().settle()


def long_running() -> Scene:
    """Both Jobs have run for half an hour."""
    return a_scene().settle().wait(1801).settle()


def without_a_pod() -> Scene:
    """The Jobs have had no pod for a minute: a quota, or admission."""
    return a_scene().settle().wait(61).settle()


def one_ended(code: int = 0, **report: JSON) -> Scene:
    """Default is migrated; the run of users has ended so."""
    scene = a_scene().settle()
    scene.end_job("default")
    scene.end_job("users", code=code, **report)
    return scene.settle()


def ready() -> Scene:
    """Everything is migrated and published."""
    return one_ended()


def retried_by_itself() -> Scene:
    """The server of users does not answer."""
    return one_ended(4)


def retried_again() -> Scene:
    """The next attempt at users runs."""
    return one_ended(4).wait(11).settle()


def failed_for_good() -> Scene:
    """A migration of users is wrong."""
    return one_ended(5, message="it broke")


def refused_by_the_audit() -> Scene:
    """A model would go astray."""
    return one_ended(6, auditErrors=["shop.Order would be written to a replica"])


def checked() -> Scene:
    """Mode Check has found something."""
    return check(a_scene(migrate={"mode": "Check"}).settle(), **PENDING)


def awaiting_approval() -> Scene:
    """Mode Approve has found something."""
    return check(a_scene(migrate={"mode": "Approve"}).settle(), **PENDING)


def suspended() -> Scene:
    """Nothing may start."""
    return a_scene(suspend=True).settle()


def suspended_when_done() -> Scene:
    """Nothing would start anyway."""
    return edit(ready(), Kind.PROJECT, "shop", suspend=True).settle()


def edited() -> Scene:
    """It was Ready, and then somebody changed project and alias."""
    scene = edit(ready(), Kind.PROJECT, "shop", image="shop:2")
    return edit(scene, Kind.ALIAS, "shop-users", user="other")


def migrating_again() -> Scene:
    """The Jobs of a new image run."""
    return edit(ready(), Kind.PROJECT, "shop", image="shop:2").settle()


def deleted() -> Scene:
    """It was Ready, and is being deleted in the foreground."""
    scene = ready()
    for kind, name in ((Kind.PROJECT, "shop"), (Kind.ALIAS, "shop-users")):
        body = scene.get(kind.value, name)
        gone = {"deletionTimestamp": timestamp(scene.now)}
        scene.put({**body, "metadata": body["metadata"] | gone})
    return scene


def rolling_out() -> Scene:
    """All is migrated; a listed workload still replaces its pods."""
    busy = deployment("web")
    busy["status"] |= {"updatedReplicas": 0}
    scene = a_scene(busy, workloads=[{"kind": "Deployment", "name": "web"}]).settle()
    for name in ALIASES:
        scene.end_job(name)
    return scene.settle()


def without_an_image() -> Scene:
    """Settings are published; nothing is migrated."""
    return a_scene(image=None).settle()


def never_migrated() -> Scene:
    """Both databases are somebody else's to migrate."""
    return a_scene(migrate={"mode": "Never"}).settle()


def with_a_replica() -> Scene:
    """Users is a replica of default."""
    scene = a_scene()
    replica = alias("users", inheritFrom="default", role="Replica", host="replica.example")
    scene.put(replica).settle()
    scene.end_job("default")
    return scene.settle()


def with_an_empty_default() -> Scene:
    """Default is empty on purpose; users is migrated."""
    scene = a_scene().put(alias("default", empty=True)).settle()
    scene.end_job("users")
    return scene.settle()


def misconfigured() -> Scene:
    """Users depends on default, which depends on users."""
    scene = Scene().put(project(image="shop:1"), secret())
    for name, other in (ALIASES, reversed(ALIASES)):
        scene.put(alias(name, migrate={"dependsOn": [other]}))
    return scene.settle()


def without_its_secret_any_more() -> Scene:
    """It was Ready, and then somebody deleted the Secret."""
    scene = ready()
    scene.drop("Secret", "login")
    return scene.settle()


def waiting_for_its_database() -> Scene:
    """Users wants a database of a server, and no pass over that server has ended."""
    return a_provisioned_scene().settle()


def with_a_lost_database() -> Scene:
    """The server pass has found that the database of users is gone."""
    lost = {
        "type": "Provisioned",
        "status": "False",
        "reason": "DatabaseLost",
        "message": "the database is gone",
        "observedGeneration": 1,
        "lastTransitionTime": timestamp(BEGINNING),
    }
    scene = a_provisioned_scene()
    users = scene.get(Kind.ALIAS.value, "shop-users")
    return scene.put({**users, "status": {"conditions": [lost]}}).settle()


def a_provisioned_scene() -> Scene:
    """Return a scene in which the database of users is to be made."""
    users = alias("users", serverRef={"name": "main"}, provision={})
    for field in ("engine", "name", "host", "user", "credentials"):
        del users["spec"][field]
    admin = {"secretRef": {"name": "admin"}, "preset": "BasicAuth"}
    server = {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": "DatabaseServer",
        "metadata": {"name": "main"},
        "spec": {"engine": "postgresql", "host": "db.example", "adminCredentials": admin},
    }
    return a_scene(server).put(users)
