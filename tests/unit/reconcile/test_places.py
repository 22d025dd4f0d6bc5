"""Aliases that have their place from a DatabaseServer, each pass on a namespace in memory."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.meta import JSON, Kind
from dbalias.reconcile.ports import Resource
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import SPACE, Scene
from unit.reconcile.serving import WatchedCluster, made, served, server

ELSEWHERE = {"name": "main", "namespace": "databases"}
LOGIN = {"credentials": {"secretRef": {"name": "login"}}, "user": "django", "name": "shop"}
CA = {"mode": "verify-full", "caRef": {"configMapKeyRef": {"name": "ca", "key": "ca.pem"}}}
DEFAULT = "shop-default"


def a_shop(*others: JSON, **spec: Any) -> Scene:
    """Return a project whose default names a server; nothing is migrated."""
    one = served("default", **({**LOGIN} | spec))
    return Scene(WatchedCluster()).put(project(), one, secret(), *others)


def settings(scene: Scene, name: str = "default") -> JSON:
    """Return the published settings of an alias."""
    return scene.document()["databases"][name]["settings"]


def put_elsewhere(scene: Scene, **spec: Any) -> None:
    """Store the server, and its CA, in another namespace."""
    scene.cluster.put(Resource.SERVERS, "databases", server(**spec))
    ca = {"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.pem": "authority"}}
    scene.cluster.put(Resource.CONFIG_MAPS, "databases", ca)


def asked_elsewhere(scene: Scene) -> set[tuple[Resource, str]]:
    """Return what was read by name outside of the project's namespace."""
    assert isinstance(scene.cluster, WatchedCluster)
    return {(kind, name) for kind, space, name in scene.cluster.asked if space != SPACE}


def test_alias_has_engine_host_and_port_of_its_server() -> None:
    """And what it says itself: database and login."""
    scene = a_shop(server(port=5433)).settle()
    assert settings(scene) == {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "main.db.svc",
        "PORT": "5433",
        "NAME": "shop",
    }
    assert scene.condition(Kind.ALIAS, DEFAULT)["status"] == "True"


def test_engine_of_the_servers_family_is_the_aliass_own_choice() -> None:
    """PostGIS on PostgreSQL."""
    scene = a_shop(server(), engine="postgis").settle()
    assert settings(scene)["ENGINE"] == "django.contrib.gis.db.backends.postgis"


def test_engine_of_another_family_than_the_servers_is_refused() -> None:
    """Only an edit cures it."""
    scene = a_shop(server(), engine="mysql").settle()
    assert scene.condition(Kind.ALIAS, DEFAULT)["reason"] == "InvalidConfiguration"
    assert "spec.engine: mysql is no engine" in scene.condition(Kind.ALIAS, DEFAULT)["message"]


def test_server_of_another_family_than_the_inherited_engine_is_refused() -> None:
    """A replica of MySQL is no PostgreSQL."""
    heir = served("reports", inheritFrom="default", role="Replica")
    parent = alias("default", engine="mysql")
    scene = Scene().put(project(), parent, secret(), heir, server()).settle()
    one = scene.condition(Kind.ALIAS, "shop-reports")
    assert (one["status"], one["reason"]) == ("False", "InvalidConfiguration")
    assert "the engine it has from there is for mysql" in one["message"]


def test_field_of_another_engine_than_the_servers_is_refused() -> None:
    """Which engine it has, only the server tells."""
    wanted = made("default", provision={"database": {"charset": "utf8mb4"}})
    scene = Scene().put(project(), server(), wanted).settle()
    message = scene.condition(Kind.ALIAS, DEFAULT)["message"]
    assert "spec.provision.database.charset: charset means nothing to postgresql" in message


def test_heir_leaves_nothing_of_its_parents_place_on_a_server() -> None:
    """Neither port nor TLS are those of another server; the login is inherited."""
    parent = alias("default", port=6432, tls={"mode": "require"})
    heir = served("reports", inheritFrom="default", role="Replica")
    scene = Scene().put(project(), parent, secret(), heir, server()).settle()
    assert settings(scene, "reports") == {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "main.db.svc",
        "NAME": "default",
        "TEST": {"MIRROR": "default"},
    }


def test_awaited_server_is_waited_for_and_picked_up() -> None:
    """Apply order is nobody's promise."""
    scene = a_shop().settle()
    assert scene.condition(Kind.ALIAS, DEFAULT)["reason"] == "ServerNotFound"
    assert scene.condition(Kind.ALIAS, DEFAULT, "Reconciling")["status"] == "True"
    assert scene.plan().awaiting
    scene.put(server()).settle()
    assert scene.condition(Kind.ALIAS, DEFAULT)["status"] == "True"


def test_server_that_cannot_be_read_changes_nothing_that_is_published() -> None:
    """Nor that of the others."""
    scene = a_shop(server(), alias("users")).settle()
    before = scene.document()
    scene.cluster.unreadable = {Resource.SERVERS}
    scene.settle()
    assert scene.document() == before
    assert scene.condition(Kind.ALIAS, DEFAULT)["reason"] == "Unreadable"
    assert scene.condition(Kind.ALIAS, "shop-users")["status"] == "True"


def test_server_lends_its_ca_to_a_namespace_that_it_admits() -> None:
    """The file is published with the settings that name it."""
    scene = a_shop(serverRef=ELSEWHERE)
    put_elsewhere(scene, tls=CA, allowedNamespaces={"from": "Names", "names": [SPACE]})
    scene.settle()
    [(path, file)] = scene.document()["databases"]["default"]["files"]
    assert path == ["OPTIONS", "sslrootcert"]
    assert file in scene.get("Secret", "shop-databases")["data"]


@pytest.mark.parametrize(
    "allowed", [{}, {"from": "Names", "names": ["other"]}], ids=["its own alone", "another"]
)
def test_server_that_does_not_admit_the_namespace_gives_it_nothing(allowed: JSON) -> None:
    """Not even its CA is read."""
    scene = a_shop(serverRef=ELSEWHERE)
    put_elsewhere(scene, tls=CA, allowedNamespaces=allowed)
    scene.settle()
    assert scene.condition(Kind.ALIAS, DEFAULT)["reason"] == "NamespaceNotAllowed"
    assert scene.document() is None
    assert asked_elsewhere(scene) == {(Resource.SERVERS, "main")}


@pytest.mark.parametrize("labels", [None, {}, {"team": "shop"}], ids=["unread", "none", "right"])
def test_server_admits_by_labels_only_who_is_seen_to_have_them(labels: JSON) -> None:
    """What cannot be read is denied."""
    scene = a_shop(serverRef=ELSEWHERE)
    selector = {"matchLabels": {"team": "shop"}}
    put_elsewhere(scene, allowedNamespaces={"from": "Selector", "selector": selector})
    if labels is None:
        scene.cluster.unreadable = {Resource.NAMESPACES}
    body = {"kind": "Namespace", "metadata": {"name": SPACE, "labels": labels or {}}}
    scene.cluster.put(Resource.NAMESPACES, "", body)
    scene.settle()
    expected = "Ready" if labels else "NamespaceNotAllowed"
    assert scene.condition(Kind.ALIAS, DEFAULT)["reason"] == expected


def test_what_is_published_stays_when_a_server_admits_a_namespace_no_more() -> None:
    """Withdrawing it breaks nobody who is connected."""
    scene = a_shop(serverRef=ELSEWHERE)
    put_elsewhere(scene, tls=CA, allowedNamespaces={"from": "All"})
    before = scene.settle().document()
    put_elsewhere(scene, tls=CA)
    scene.settle()
    assert scene.document() == before
    assert scene.condition(Kind.ALIAS, DEFAULT)["reason"] == "NamespaceNotAllowed"


def test_project_never_asks_for_what_proves_who_the_administrator_is() -> None:
    """Neither login nor client certificate, of whatever namespace."""
    scene = a_shop(made("users", server=ELSEWHERE), serverRef=ELSEWHERE)
    tls = CA | {"clientCertificateRef": {"name": "main-client"}}
    put_elsewhere(scene, tls=tls, allowedNamespaces={"from": "All"})
    scene.settle()
    assert asked_elsewhere(scene) == {(Resource.SERVERS, "main"), (Resource.CONFIG_MAPS, "ca")}
    assert all("tls.key" not in name for name in scene.get("Secret", "shop-databases")["data"])


def test_no_field_of_an_alias_reads_a_secret_of_another_namespace() -> None:
    """A login of the same name in the server's namespace stays unknown here."""
    scene = a_shop(serverRef=ELSEWHERE)
    put_elsewhere(scene, allowedNamespaces={"from": "All"})
    scene.cluster.put(Resource.SECRETS, "databases", secret(password="theirs"))
    scene.settle()
    assert asked_elsewhere(scene) == {(Resource.SERVERS, "main")}
