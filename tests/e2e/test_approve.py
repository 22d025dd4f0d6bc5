"""Mode Approve on real pods: what a person sees, approves, and what runs by that."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage.api import JSON
from stage.images import SHOP_1_5
from stage.objects import PROJECT, entry, policy, project, rule
from stage.person import Person
from stage.play import Shop

PEOPLE = policy("people", rule(["customers", "orders"], write="users"))
APPROVE = {"mode": "Approve"}
EXPRESS = "orders.0003_express_shipping"


@pytest.fixture
def person(shop: Shop, tmp_path: Path) -> Iterator[Person]:
    """Somebody who may edit in the shop's namespace, and nothing more."""
    made = Person(shop, tmp_path, role="edit")
    yield made
    made.close()


def status(shop: Shop) -> JSON:
    """Return the project's status."""
    return shop.fetch("DjangoProject", PROJECT)["status"]


def is_observed(shop: Shop) -> bool:
    """Whether the status is about what is declared now."""
    found = shop.fetch("DjangoProject", PROJECT)
    return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])


def message(shop: Shop, alias: str) -> str:
    """Return what is said of an alias' migrations now."""
    return str(shop.condition("Migrated", alias=alias).get("message", ""))


def annotate(shop: Shop, digest: str) -> None:
    """Set the annotation as `kubectl annotate` does."""
    annotations = {"dbalias.dev/approve": digest}
    shop.change("DjangoProject", PROJECT, metadata={"annotations": annotations})


def test_nothing_runs_before_a_person_has_approved_exactly_what_is_pending(
    shop: Shop, person: Person
) -> None:
    """Both engines by one digest; then a release whose migration somebody applies by hand."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    declared = entry("users", users, migrate={"dependsOn": ["default"]})
    shop.apply(project(migrate=APPROVE), entry("default", default), declared, PEOPLE)
    for name in ("default", "users"):
        shop.expect("Migrated", "False", reason="AwaitingApproval", alias=name)
    shop.eventually(
        lambda: len(status(shop).get("plan", {}).get("aliases", ())) == 2, what="the plans of both"
    )
    digest = status(shop)["plan"]["digest"]
    shop.eventually(
        lambda: f"dbalias.dev/approve={digest}`" in message(shop, "users"),
        what="the digest of both in what is said of one",
    )
    assert default.tables() == users.tables() == set()

    refused = person.run("approve", PROJECT)
    assert refused.code == 2
    assert "CREATE TABLE" in refused.out
    assert "all of the SQL: kubectl" in refused.out
    assert "no terminal to ask on: give --digest or --yes" in refused.err
    annotate(shop, digest[:12])
    shop.eventually(
        lambda: "only the beginning" in message(shop, "users"),
        what="the word that a shortened digest approves nothing",
    )
    assert shop.jobs() == []

    approved = person.run("approve", PROJECT, "--digest", digest, "-o", "json")
    assert approved.code == 0, approved.err
    shown = json.loads(approved.out)
    assert [(one["alias"], len(one["digest"])) for one in shown["aliases"]] == [
        ("default", 32),
        ("users", 32),
    ]
    shop.wait_ready()
    assert "customers_customer" in users.tables()
    assert status(shop)["approval"]["digest"] == digest
    assert "plan" not in status(shop)

    shop.apply(project(image=SHOP_1_5, migrate=APPROVE))
    again = shop.expect("Migrated", "False", reason="AwaitingApproval", alias="users")
    assert f"1 migration(s) pending: {EXPRESS}" in again["message"]
    assert shop.attempts("users") == 1
    shop.eventually(lambda: not status(shop)["plan"].get("computing"), what="all plans")

    shop.change("DjangoProject", PROJECT, spec={"suspend": True})
    shop.eventually(lambda: is_observed(shop), what="the project to be looked at again")
    done = person.run("approve", PROJECT, "--yes")
    assert done.code == 0, done.err
    shop.eventually(
        lambda: status(shop)["approval"]["digest"] != digest, what="the second approval"
    )
    app, name = EXPRESS.split(".")
    users.server.admin_sql(
        "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, NOW())",
        [app, name],
        database=users.name,
    )
    shop.change("DjangoProject", PROJECT, spec={"suspend": False})
    shop.wait_ready()
    record = shop.fetch("DatabaseAlias", "users")["status"]["migration"]
    assert record["reason"] == "PlanSuperseded"
    assert users.values("SELECT count(*) FROM orders_shippingmethod") == [1]
