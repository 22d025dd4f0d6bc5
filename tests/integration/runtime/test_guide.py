"""Django's topic guide, run through the published files and the runner on real servers."""

from __future__ import annotations

import json
from typing import Any

from dbalias.api.alias import Role
from dbalias.api.policy import PinReads
from dbalias.api.project import Routing, Settings
from integration.runtime.pod import Pod, a_database
from localkube.databases import DatabaseServer
from unit.builders import a_policy, a_project, a_rule, an_empty_default

STAFF = ("auth", "contenttypes", "admin", "sessions")


def where_written(pod: Pod) -> dict[str, str]:
    """Return model → alias, from the shop's own report."""
    rows: list[dict[str, Any]] = json.loads(pod.manage("shop_report", "--json"))
    return {row["model"]: row["written"] for row in rows}


def test_first_example_gives_each_database_its_tables_and_the_shop_uses_both(
    pod: Pod, postgres: DatabaseServer, mariadb: DatabaseServer
) -> None:
    """`default` on PostgreSQL, `users` on MariaDB."""
    default, users = a_database(postgres), a_database(mariadb)
    people = a_policy("people", a_rule("users", "customers", "orders"))
    pod.publish(
        [default.alias("default"), users.alias("users")],
        [people],
        sources=default.sources("default") | users.sources("users"),
    )

    for alias in ("default", "users"):
        outcome = pod.run(alias)
        assert outcome.code == 0, outcome.output
        assert outcome.report["state"] == "done"

    assert {"catalog_product", "auth_user"} <= default.tables
    assert "customers_customer" not in default.tables
    assert {
        "customers_customer",
        "orders_order",
        "orders_orderline",
        "orders_shippingmethod",
        "django_migrations",
    } == users.tables
    written = where_written(pod)
    assert written["catalog.Product"] == "default"
    assert written["customers.Customer"] == written["orders.Order"] == "users"


def test_second_example_never_lets_anything_reach_the_empty_default(
    pod: Pod, mariadb: DatabaseServer
) -> None:
    """`default` empty, `users` and `customers` on MariaDB."""
    users, customers = a_database(mariadb), a_database(mariadb)
    everything = a_policy("shop", a_rule("users", *STAFF), a_rule("customers", "*"))
    pod.publish(
        [an_empty_default(), users.alias("users"), customers.alias("customers")],
        [everything],
        sources=users.sources("users") | customers.sources("customers"),
    )

    for alias in ("users", "customers"):
        outcome = pod.run(alias)
        assert outcome.code == 0, outcome.output
    refused = pod.run("default")

    assert refused.code == 2
    assert "never migrated" in refused.report["message"]
    assert "auth_user" in users.tables
    assert "auth_user" not in customers.tables
    assert {"catalog_product_tags", "customers_customer"} <= customers.tables
    assert where_written(pod) == {
        "catalog.Category": "customers",
        "catalog.Tag": "customers",
        "catalog.Product": "customers",
        "customers.Customer": "customers",
        "orders.ShippingMethod": "customers",
        "orders.Order": "customers",
        "orders.OrderLine": "customers",
        "auth.User": "users",
    }


def test_second_example_without_a_rule_for_every_model_is_refused_by_name(
    pod: Pod, mariadb: DatabaseServer
) -> None:
    """Models that would reach the empty default are errors of the audit: exit 6."""
    users = a_database(mariadb)
    pod.publish(
        [an_empty_default(), users.alias("users")],
        [a_policy("staff", a_rule("users", *STAFF, "customers", "orders"))],
        sources=users.sources("users"),
    )

    outcome = pod.run("users")

    assert outcome.code == 6
    assert outcome.report["reason"] == "AuditRefused"
    (error,) = outcome.report["audit"]["errors"]
    names = "catalog.Category, catalog.Product, catalog.Product_tags, catalog.Tag"
    assert error.startswith(f"{names}: claimed by no routing rule")
    assert "apps: [catalog]" in error
    assert users.tables == set()


def test_audit_refuses_a_constraint_to_another_database_before_it_is_made(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """The admin's log without auth beside it would fail half-way."""
    staff, rest = a_database(postgres), a_database(postgres)
    policies = [a_policy("shop", a_rule("staff", "auth", "contenttypes"), a_rule("default", "*"))]
    pod.publish(
        [rest.alias("default"), staff.alias("staff")],
        policies,
        sources=rest.sources("default") | staff.sources("staff"),
    )

    outcome = pod.run("default")

    assert outcome.code == 6
    assert any(
        "admin.LogEntry" in e and "auth.User" in e for e in outcome.report["audit"]["errors"]
    )
    assert pod.run("staff").code == 0


def test_reads_stay_on_the_primary_inside_a_transaction(pod: Pod, postgres: DatabaseServer) -> None:
    """A policy with pinReads Transaction reads the replica outside of atomic blocks only."""
    primary = a_database(postgres)
    rule = a_rule("default", "*", read=("copy",))
    pod.publish(
        [
            primary.alias("default"),
            primary.alias("copy", inherit_from="default", role=Role.REPLICA),
        ],
        [a_policy("all", rule, pin_reads=PinReads.TRANSACTION)],
        sources=primary.sources("default") | primary.sources("copy"),
    )
    assert pod.run("default").code == 0

    printed = pod.manage(
        "shell",
        "-c",
        "from django.db import transaction; from catalog.models import Product as P\n"
        "print('free', P.objects.all().db)\n"
        "with transaction.atomic(): print('atomic', P.objects.all().db)",
    )

    assert "free copy" in printed
    assert "atomic default" in printed


def test_audit_finds_what_the_projects_own_router_writes_to_a_replica(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """An error under Enforce; under Warn the run goes on, and both say what else is odd."""
    primary = a_database(postgres)
    (pod.image / "own.py").write_text(
        "class Router:\n"
        "    def db_for_write(self, model, **hints):\n"
        "        return 'copy' if model._meta.label == 'catalog.Tag' else None\n"
    )
    project = a_project(
        settings=Settings(module="shop.settings"), routing=Routing(before=("own.Router",))
    )
    pod.publish(
        [
            primary.alias("default"),
            primary.alias("copy", inherit_from="default", role=Role.REPLICA),
        ],
        [a_policy("all", a_rule("default", "*", "shop"))],
        sources=primary.sources("default") | primary.sources("copy"),
        project=project,
    )

    refused, warned = pod.run("default"), pod.run("default", "--audit=Warn")

    assert (refused.code, warned.code) == (6, 0), warned.output
    assert refused.report["audit"] == warned.report["audit"]
    (error,) = refused.report["audit"]["errors"]
    assert error.startswith('catalog.Tag would be written to the replica "copy"')
    assert (
        'policy all names the app "shop", which is not installed: correct it'
        in (refused.report["audit"]["warnings"])
    )
