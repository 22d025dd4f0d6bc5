"""What is published, kept and repaired, on a real API server."""

from __future__ import annotations

import base64

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space


def test_settings_are_published_as_a_pair_under_stable_names(space: Space) -> None:
    """A ConfigMap without and a Secret with the password, both owned by the project."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    document = space.document()
    assert document["databases"]["default"]["settings"]["NAME"] == "default"
    stored = space.get("secret", "shop-databases")
    assert stored is not None
    assert base64.b64decode(stored["data"]["default.password"]) == b"s3krit"
    config_map = space.published()
    assert config_map is not None
    assert "s3krit" not in str(config_map)
    owner = config_map["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("DjangoProject", "shop", True)


def test_deleted_and_edited_objects_are_restored_within_30_seconds(space: Space) -> None:
    """Drift is repaired: a deletion, a changed value and a foreign key alike."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    before = space.document()
    space.delete("configmap", "shop-databases")
    space.delete("secret", "shop-databases")
    wait_until(space.published, what="the ConfigMap restored")
    wait_until(lambda: space.get("secret", "shop-databases"), what="the Secret restored")
    assert space.document() == before
    patch = '{"data":{"json.py":"import os","databases.json":"{}"}}'
    space.bench.kubectl("patch", "configmap", "shop-databases", "-n", space.name,
                        "--type=merge", "-p", patch)  # fmt: skip

    def repaired() -> bool:
        data = (space.published() or {"data": {}})["data"]
        return "json.py" not in data and data.get("databases.json") != "{}"

    wait_until(repaired, what="foreign key gone, document restored")
    assert space.document() == before


def test_a_changed_password_flows_and_starts_nothing(space: Space) -> None:
    """The published Secret and credentialsRevision change; the revision stays."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    before = (space.get("djp", "shop") or {})["status"]
    space.apply(secret(password="n3w"))

    def flowed() -> bool:
        stored = space.get("secret", "shop-databases") or {"data": {}}
        return base64.b64decode(stored["data"]["default.password"]) == b"n3w"

    wait_until(flowed, what="the new password published")
    wait_until(
        lambda: (
            (space.get("djp", "shop") or {})["status"]["credentialsRevision"]
            != before["credentialsRevision"]
        ),
        what="a new credentialsRevision",
    )
    after = (space.get("djp", "shop") or {})["status"]
    assert after["revision"] == before["revision"]


def test_names_that_somebody_else_has_are_not_seized(space: Space) -> None:
    """A foreign ConfigMap stays as it is; the project says NameTaken, and goes on without it."""
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-databases"},
               "data": {"mine": "yes"}}  # fmt: skip
    space.apply(foreign)
    space.apply(project(), alias("default"), secret())
    ready = space.wait_for("djp", "shop", reason="NameTaken")
    assert "ConfigMap/shop-databases" in ready["message"]
    assert "Delete or rename it" in ready["message"]
    assert (space.published() or {})["data"] == {"mine": "yes"}
    assert space.condition("djp", "shop", "Stalled")["status"] == "True"
    space.delete("configmap", "shop-databases")
    space.apply(project(suspend=True))
    space.wait_for("djp", "shop", reason="Ready")


def test_one_alias_without_its_secret_keeps_no_other_from_being_published(space: Space) -> None:
    """The four others flow; the fifth is named, and joins without a restart once it can."""
    names = ["default", "a", "b", "c"]
    space.apply(
        project(), *(alias(name) for name in names), alias("lost", secret="later"), secret()
    )
    said = space.wait_for("dba", "shop-lost", reason="SecretNotFound")
    assert "Secret later" in said["message"] or "Secret/later" in said["message"]
    wait_until(space.published, what="published")
    assert sorted(space.document()["databases"]) == sorted(names)
    assert "lost" in space.document()["unavailable"]
    wait_until(
        lambda: space.condition("djp", "shop").get("status") == "False", what="the project unready"
    )
    space.apply(secret("later"))
    space.wait_for("djp", "shop", reason="Ready")
    assert "lost" in space.document()["databases"]


def test_a_secret_that_vanishes_leaves_the_last_good_entry(space: Space) -> None:
    """Neither the entry nor its password goes; the alias says what is missing."""
    space.apply(project(), alias("default"), alias("users", secret="own"), secret(), secret("own"))
    space.wait_for("djp", "shop", reason="Ready")
    space.delete("secret", "own")
    space.wait_for("dba", "shop-users", reason="SecretNotFound")
    assert "users" in space.document()["databases"]
    stored = space.get("secret", "shop-databases") or {}
    assert base64.b64decode(stored["data"]["users.password"]) == b"s3krit"


def test_a_policy_becomes_a_router_in_its_order(space: Space) -> None:
    """Generated routers stand between the guard and what answers for the rest."""
    space.apply(
        project(routing={"after": ["shop.routers.Legacy"]}),
        alias("default"),
        alias("users"),
        secret(),
        policy("second", everything_to("default"), order=20),
        policy("first", {"match": {"apps": ["auth"]}, "write": "users"}, order=10),
    )
    for kind, name in (("djp", "shop"), ("dbrp", "first"), ("dbrp", "second")):
        space.wait_for(kind, name, reason="Ready")
    routers = [path.rpartition(".")[2] for path in space.document()["routers"]]
    assert routers == ["Guard", "Policy_first", "Policy_second", "Legacy", "Unmatched"]
