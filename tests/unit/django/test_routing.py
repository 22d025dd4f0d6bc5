"""Policies as look-up tables, and what of them identifies a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.alias import AliasMigrate
from dbalias.api.conditions import Reason
from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn, PinReads
from dbalias.api.project import (
    DjangoProject,
    MigrateMode,
    Profile,
    ProfileEntry,
    Routing,
    Unmatched,
)
from dbalias.django.allowance import routing_on
from dbalias.django.resolve import resolve
from dbalias.django.routing import RoutingResult, build_routing, router_class_name
from unit.builders import (
    a_child,
    a_policy,
    a_project,
    a_replica,
    a_rule,
    an_alias,
    an_empty_default,
)

TWO = (an_alias("default"), an_alias("users"))


def route(
    *policies: DatabaseRoutingPolicy, aliases: Any = TWO, project: DjangoProject | None = None
) -> RoutingResult:
    """Return the routing of these policies and aliases."""
    project = project or a_project()
    return build_routing(project, resolve(project, aliases, {}), policies, aliases=aliases)


def table(*rules: Any, **fields: Any) -> Any:
    """Return the tables of one policy with these rules."""
    return route(a_policy("p", *rules, **fields)).document["policies"]["Policy_p"]


def test_the_first_rule_that_matches_wins_in_every_table() -> None:
    """An app's rule before the rule of one of its models takes the model as well."""
    found = table(
        a_rule("users", "shop.order"),
        a_rule("default", "shop"),
        a_rule("users", "shop.customer", "auth"),
        a_rule("default", "*"),
        a_rule("users", "late", "auth.user"),
    )
    assert found["models"] == {"shop.order": 0, "shop.customer": 1, "auth.user": 2}
    assert found["apps"] == {"shop": 1, "auth": 2, "late": 3}
    assert found["any"] == 3


def test_data_migrations_run_wherever_a_reachable_rule_of_the_app_migrates() -> None:
    """Rules behind the one that takes the whole app do not concern it."""
    found = table(
        a_rule("users", "shop.order"),
        a_rule("default", "shop"),
        a_rule("other", "*"),
        a_rule("users", "auth.user"),
    )
    assert found["app_migrate"] == {"auth": ["other"], "shop": ["default", "users"]}
    assert found["any_migrate"] == ["other"]


def test_a_rule_without_a_pool_reads_where_it_writes() -> None:
    """Weights stand beside the aliases they belong to, 1 where none is given."""
    pool = a_rule("users", "auth", read=("r1", "r2"), weights={"r1": 2})
    assert table(a_rule("users", "auth"), pool)["rules"] == [
        {"read": ["users"], "weights": [1], "write": "users", "migrate": ["users"]},
        {"read": ["r1", "r2"], "weights": [2, 1], "write": "users", "migrate": ["users"]},
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["users"]),
        ({"migrate_on": MigrateOn.NOWHERE}, []),
        (
            {"migrate_on": MigrateOn.ALIASES, "migrate_aliases": ("default", "users")},
            ["default", "users"],
        ),
    ],
)
def test_a_rule_says_where_tables_are_made(fields: Any, expected: list[str]) -> None:
    """Where it writes, unless it says otherwise."""
    assert table(a_rule("users", "auth", **fields))["rules"][0]["migrate"] == expected


NEVER = an_alias("trac", migrate=AliasMigrate(mode=MigrateMode.NEVER))


@pytest.mark.parametrize(
    ("aliases", "policies", "routing", "expected"),
    [
        (TWO, (), Routing(), ()),
        (TWO, (), Routing(before=("a.B",), after=("c.D",)), ("a.B", "c.D")),
        (TWO, (), Routing(unmatched=Unmatched.EVERYWHERE), ("Guard", "Unmatched")),
        ((an_empty_default(),), (), Routing(), ("Guard", "Unmatched")),
        ((*TWO, a_replica("r", "users")), (), Routing(), ("Guard", "Unmatched")),
        ((*TWO, NEVER), (), Routing(), ("Guard", "Unmatched")),
        (
            TWO,
            (a_policy("b", order=1), a_policy("z"), a_policy("a")),
            Routing(before=("a.B",), after=("c.D",)),
            ("Guard", "a.B", "Policy_a", "Policy_z", "Policy_b", "c.D", "Unmatched"),
        ),
    ],
)
def test_generated_routers_are_there_only_when_needed_and_in_order(
    aliases: Any, policies: Any, routing: Routing, expected: Any
) -> None:
    """Any router changes what makemigrations checks."""
    found = route(*policies, aliases=aliases, project=a_project(routing=routing)).routers
    assert tuple(name.removeprefix("dbalias_routers.") for name in found) == expected


@pytest.mark.parametrize(
    ("aliases", "policies", "expected"),
    [
        (TWO, (), "Everywhere"),
        (TWO, (a_policy(),), "DefaultOnly"),
        ((an_empty_default(),), (a_policy(),), "Refuse"),
    ],
)
def test_unmatched_has_the_default_that_the_aliases_ask_for(
    aliases: Any, policies: Any, expected: str
) -> None:
    """Nothing may ever fall into an empty default."""
    assert route(*policies, aliases=aliases).document["unmatched"] == expected


def test_the_guard_keeps_what_is_never_migrated_and_the_rest_is_ours() -> None:
    """A local file is nobody's Job, yet a person may migrate it."""
    local = an_alias("local", engine="sqlite3")
    aliases = (an_empty_default(), an_alias("users"), a_replica("r", "users"), NEVER, local)
    document = route(aliases=aliases).document
    assert document["guard"]["never"] == {
        "default": "empty",
        "r": "replica",
        "trac": "not managed",
    }
    assert document["managed"] == ["users"]
    assert document["empty_default"] is True


def test_a_project_that_migrates_by_hand_is_not_guarded_against_it() -> None:
    """Never as the project's mode means that somebody else runs migrate."""
    project = a_project(migrate=replace(a_project().migrate, mode=MigrateMode.NEVER))
    document = route(project=project).document
    assert document["guard"]["never"] == {}
    assert document["managed"] == []


def test_an_alias_with_a_search_path_of_its_own_holds_other_rows() -> None:
    """What belongs to an object elsewhere is written where its rule says, not beside the object."""
    options = {"options": "-c search_path=legacy"}
    legacy = a_child("legacy", "default", options=options)
    patient = a_child("patient", "default", options={"options": "-c lock_timeout=5s"})

    found = route(aliases=(an_alias("default"), legacy, patient)).document["families"]

    assert found == {"default": "default", "legacy": "legacy", "patient": "default"}


def test_families_hold_the_aliases_of_the_same_rows() -> None:
    """Replicas and second connections belong together, a database of its own does not."""
    pool = a_rule("users", "auth", read=("pooled",))
    aliases = (
        *TWO,
        a_replica("r", "users"),
        a_child("serializable", "default"),
        a_child("orders", "default", name="orders"),
        an_alias("pooled"),
    )
    assert route(a_policy("p", pool), aliases=aliases).document["families"] == {
        **{"default": "default", "serializable": "default", "orders": "orders"},
        **{"users": "users", "r": "users", "pooled": "users"},
    }


@pytest.mark.parametrize(
    ("rule", "field", "reason"),
    [
        (a_rule("gone", "auth"), "spec.rules[0].write", Reason.ALIAS_NOT_FOUND),
        (a_rule("users", "a", read=("gone",)), "spec.rules[0].read", Reason.ALIAS_NOT_FOUND),
        (a_rule("r", "auth"), "spec.rules[0].write", Reason.INVALID_CONFIGURATION),
        (a_rule("default", "auth"), "spec.rules[0].write", Reason.INVALID_CONFIGURATION),
    ],
)
def test_a_policy_that_names_a_wrong_alias_says_where(
    rule: Any, field: str, reason: Reason
) -> None:
    """A missing alias may appear; a replica never takes writes."""
    aliases = (an_empty_default(), an_alias("users"), a_replica("r", "users"))
    (problem,) = route(a_policy("p", rule), aliases=aliases).problems
    assert (problem.object, problem.field, problem.reason) == (
        *("DatabaseRoutingPolicy/p", field),
        reason,
    )


ATOMIC = an_alias("users", atomic_requests=True)
IN_WEB = Profile("web", (ProfileEntry("*", {"ATOMIC_REQUESTS": True}),))


@pytest.mark.parametrize(
    ("users", "fields", "noted"),
    [
        (ATOMIC, {}, True),
        (an_alias("users"), {"profiles": (IN_WEB,)}, True),
        (an_alias("users"), {}, False),
    ],
)
def test_pinning_to_the_transaction_of_every_request_is_said(
    users: Any, fields: Any, noted: bool
) -> None:
    """It works, and no replica is ever read: few would mean that."""
    rule = a_rule("users", "*", read=("r",))
    aliases = (an_alias("default"), users, a_replica("r", "users"))
    for pins in PinReads:
        policy = a_policy("p", rule, a_rule("default", "b"), pin_reads=pins)
        notes = route(policy, aliases=aliases, project=a_project(**fields)).notes
        assert list(notes) == (["p"] if noted and pins is PinReads.TRANSACTION else [])
        assert "atomicRequests on users" in notes.get("p", "atomicRequests on users")


@pytest.mark.parametrize("name", ["auth-users", "auth.users", "9-lives"])
def test_a_router_class_is_an_identifier_of_its_own(name: str) -> None:
    """Two names that differ in a sign alone must not meet."""
    assert router_class_name(name).isidentifier()
    assert router_class_name("auth") == "Policy_auth"
    assert router_class_name("a-b") != router_class_name("a.b")


BASE = a_policy("p", a_rule("users", "auth"))


def on_users(*policies: DatabaseRoutingPolicy, **fields: Any) -> Any:
    """Return what routing allows on the alias users."""
    aliases = (*TWO, a_replica("r", "users"), an_alias("orders"))
    return routing_on(route(*policies, aliases=aliases, **fields).document, "users")


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, rules=(a_rule("users", "auth", read=("r", "users"), weights={"r": 3}),)),
        replace(BASE, pin_reads=PinReads.REQUEST),
        replace(BASE, relations=(("users", "orders"),)),
        replace(BASE, rules=(*BASE.rules, a_rule("orders", "shop"))),
        replace(BASE, rules=(a_rule("orders", "shop", "stock.item"), *BASE.rules)),
        replace(BASE, rules=(*BASE.rules, a_rule("orders", "*"))),
        replace(BASE, rules=(*BASE.rules, a_rule("users", "auth.user"))),
    ],
)
def test_what_does_not_concern_an_alias_makes_no_migration_pending(
    changed: DatabaseRoutingPolicy,
) -> None:
    """Read pools, weights, pins, relations, and rules about other aliases."""
    assert on_users(changed) == on_users(BASE)


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, rules=(*BASE.rules, a_rule("users", "shop"))),
        replace(BASE, rules=(*BASE.rules, a_rule("users", "shop.order"))),
        replace(BASE, rules=(a_rule("orders", "auth.user"), *BASE.rules)),
        replace(BASE, rules=(a_rule("orders", "auth"),)),
        replace(BASE, rules=(*BASE.rules, a_rule("users", "*"))),
    ],
)
def test_what_is_newly_allowed_or_forbidden_is_another_run(
    changed: DatabaseRoutingPolicy,
) -> None:
    """Each changes which tables belong on the alias."""
    assert on_users(changed) != on_users(BASE)


def test_the_order_of_policies_decides_between_them() -> None:
    """The first router with an opinion wins, as Django asks them."""
    mine, theirs = a_policy("a", a_rule("users", "shop")), a_policy("b", a_rule("orders", "shop"))
    assert on_users(mine, theirs) == on_users(mine)
    assert on_users(mine, replace(theirs, order=-1)) == on_users(theirs)


def test_the_projects_own_routers_are_part_of_what_is_allowed() -> None:
    """Their code is the image's, their names are the declaration's."""
    own = a_project(routing=Routing(after=("shop.routers.Legacy",)))
    assert on_users(BASE, project=own) != on_users(BASE)
    assert on_users(BASE, project=own)["rest"] is None
