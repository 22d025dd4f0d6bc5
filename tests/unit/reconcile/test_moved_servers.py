"""Servers that are declared to be elsewhere: whom applications are led to, and since when."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Kind
from integration.operator.objects import project, secret
from unit.reconcile.scene import Scene, actions
from unit.reconcile.serving import issue, made, served, server, tell

DEFAULT = "shop-default"
ELSEWHERE = "new.db.svc"
CA = {"configMapKeyRef": {"name": "ca", "key": "ca.pem"}}
AUTHORITY = {"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.pem": "authority"}}


def a_shop(*others: JSON, **spec: Any) -> Scene:
    """Return a project whose default was made and is published."""
    scene = Scene().put(project(**spec), server(), made("default"), *others)
    issue(scene, "default")
    tell(scene, "default")
    return scene.settle()


def later(scene: Scene) -> Scene:
    """Run passes until no time, nor what kubelets need of it, stands before a publication."""
    return scene.settle().wait(6).settle()


def settings(scene: Scene, name: str = "default") -> JSON:
    """Return the published settings of an alias."""
    return scene.document()["databases"][name]["settings"]


def ready(scene: Scene, object: str = DEFAULT) -> tuple[str, str]:
    """Return status and reason of Ready."""
    one = scene.condition(Kind.ALIAS, object)
    return one["status"], one["reason"]


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        ({"host": ELSEWHERE}, "new.db.svc"),
        ({"port": 6432}, "main.db.svc:6432"),
        ({"tls": {"mode": "require"}}, "main.db.svc, TLS require"),
        ({"tls": {"caRef": CA}}, "main.db.svc, CA ConfigMap ca key ca.pem"),
    ],
    ids=["host", "port", "mode", "CA"],
)
def test_edited_server_is_followed_once_the_database_was_seen_there(edit: JSON, place: str) -> None:
    """Until then what is published stays as it is, and the alias says both places."""
    scene = a_shop(AUTHORITY)
    before = scene.document()
    later(scene.put(server(**edit)))
    assert scene.document() == before
    assert ready(scene) == ("False", "ServerMoved")
    assert scene.condition(Kind.ALIAS, DEFAULT, "Reconciling")["status"] == "True"
    message = scene.condition(Kind.ALIAS, DEFAULT)["message"]
    assert f"leads to {place} now" in message
    assert "but at main.db.svc" in message
    tell(scene, "default", place=place)
    later(scene)
    assert scene.document() != before
    assert ready(scene) == ("True", "Ready")


def test_status_from_before_places_were_told_is_no_move() -> None:
    """An upgrade changes no word of what is ready; where the CRD is of before, none ever comes."""
    scene = a_shop()
    status = scene.get("DatabaseAlias", DEFAULT)["status"]
    del status["provision"]["place"]
    later(scene)
    assert ready(scene) == ("True", "Ready")
    assert scene.get("DatabaseAlias", DEFAULT)["status"] == status


def test_edit_that_is_taken_back_needs_nobody_to_look() -> None:
    """The database is where it was seen last."""
    scene = a_shop()
    before = scene.document()
    later(scene.put(server(host=ELSEWHERE)))
    later(scene.put(server()))
    assert ready(scene) == ("True", "Ready")
    assert scene.document() == before
    assert actions(scene.plan()) == ()


def test_edit_that_is_taken_back_after_the_move_waits_like_any_other() -> None:
    """What was true before need not be so now."""
    scene = a_shop()
    scene.put(server(host=ELSEWHERE))
    tell(scene, "default", place=ELSEWHERE)
    later(scene)
    later(scene.put(server()))
    assert settings(scene)["HOST"] == ELSEWHERE
    assert ready(scene) == ("False", "ServerMoved")


def test_server_that_was_made_anew_elsewhere_is_no_exception() -> None:
    """Nor is the time in which there is none."""
    scene = a_shop()
    scene.drop("DatabaseServer", "main")
    later(scene)
    assert ready(scene) == ("False", "ServerNotFound")
    later(scene.put(server(host=ELSEWHERE)))
    assert ready(scene) == ("False", "ServerMoved")
    assert settings(scene)["HOST"] == "main.db.svc"


def test_what_the_server_pass_met_at_the_new_place_is_the_reason() -> None:
    """Its words come with the two places."""
    scene = a_shop()
    scene.put(server(host=ELSEWHERE))
    tell(scene, "default", reason=Reason.DATABASE_LOST, message="it is not there")
    later(scene)
    assert ready(scene) == ("False", "DatabaseLost")
    assert "it is not there" in scene.condition(Kind.ALIAS, DEFAULT)["message"]
    assert settings(scene)["HOST"] == "main.db.svc"


@pytest.mark.parametrize("publish", ["AfterMigrate", "Immediately"])
def test_database_is_never_published_first_where_nobody_has_seen_it(publish: str) -> None:
    """However little a project waits for."""
    scene = Scene().put(project(publish=publish), server(host=ELSEWHERE), made("default"))
    issue(scene, "default")
    tell(scene, "default")
    later(scene)
    assert scene.document() is None
    assert ready(scene) == ("False", "ServerMoved")


def test_nothing_is_migrated_where_nobody_has_seen_the_database() -> None:
    """Nor where it was: it may be on its way."""
    scene = a_shop(image="shop:1")
    later(scene)
    scene.end_job("default")
    later(scene)
    shop = scene.get("DjangoProject", "shop")
    shop["spec"]["image"] = "shop:2"
    later(scene.put(server(host=ELSEWHERE), shop))
    assert len(scene.jobs("default")) == 1
    tell(scene, "default", place=ELSEWHERE, incarnation="2")
    later(scene)
    assert len(scene.jobs("default")) == 2


def test_heir_of_what_has_moved_waits_with_it() -> None:
    """It would have another's name and login there."""
    replica = served("replica", inheritFrom="default", role="Replica", server={"name": "standby"})
    scene = a_shop(replica, server("standby"))
    later(scene.put(server(host=ELSEWHERE), server("standby", port=6432)))
    assert ready(scene, "shop-replica") == ("False", "ServerMoved")
    assert "PORT" not in settings(scene, "replica")


def test_alias_whose_database_is_not_made_follows_its_server_at_once() -> None:
    """Nobody looks there: whoever declared the login answers for the place, too."""
    login: dict[str, Any] = {"credentials": {"secretRef": {"name": "login"}}}
    login |= {"user": "django", "name": "shop"}
    scene = later(Scene().put(project(), server(), served("default", **login), secret()))
    later(scene.put(server(host=ELSEWHERE)))
    assert settings(scene)["HOST"] == ELSEWHERE
    assert ready(scene) == ("True", "Ready")
