"""DatabaseRoutingPolicy: what a body becomes."""

from __future__ import annotations

from dbalias.api.meta import Metadata
from dbalias.api.parse import parse_policy
from dbalias.api.policy import DatabaseRoutingPolicy, Match, MigrateOn, PinReads, Rule
from unit.api.bodies import a_policy


def test_policy_with_little_said_has_the_defaults() -> None:
    """Reads and tables go where writes go."""
    policy = parse_policy(a_policy({"match": {"apps": ["auth"]}, "write": "users"})).value
    assert policy == DatabaseRoutingPolicy(
        metadata=Metadata("", "users"),
        project="shop",
        rules=(Rule(Match(apps=("auth",)), write="users"),),
    )
    assert policy.rules[0].readers == policy.rules[0].migrated_on == ("users",)


def test_policy_with_everything_said_is_read_whole() -> None:
    """Every field arrives; apps and models are compared without case, so they lose it."""
    rule = {
        "match": {
            "apps": ["*", "Shop", "shop"],
            "models": ["shop.Customer", "shop.customer", "Shop.Order"],
        },
        "read": ["r1", "r2"],
        "weights": {"r1": 2},
        "write": "users",
        "migrate": {"to": "Aliases", "aliases": ["s1", "s2"]},
    }
    relations = [{"aliases": ["users", "orders"]}]
    body = a_policy(rule, order=10, relations=relations, pinReads="Request")
    assert parse_policy({**body, "status": {"routerName": "r"}}).value == DatabaseRoutingPolicy(
        metadata=Metadata("", "users"),
        project="shop",
        order=10,
        rules=(
            Rule(
                Match(("*", "shop"), ("shop.customer", "shop.order")),
                write="users",
                read=("r1", "r2"),
                weights={"r1": 2},
                migrate_on=MigrateOn.ALIASES,
                migrate_aliases=("s1", "s2"),
            ),
        ),
        relations=(("users", "orders"),),
        pin_reads=PinReads.REQUEST,
        status={"routerName": "r"},
    )


def test_problems_of_all_rules_are_told_at_once() -> None:
    """Each with the index of its rule."""
    body = a_policy(
        {"match": {}, "write": "users"},
        {"match": {"apps": ["auth"]}, "write": "users", "weights": {"r1": 1}},
        {"match": {"apps": ["shop"]}, "write": "users", "migrate": {"to": "Aliases"}},
        {"match": {"apps": ["blog"]}},
        relations=[{"aliases": ["users"]}],
    )
    assert [problem.field for problem in parse_policy(body).problems] == [
        "spec.rules[3].write",
        "spec.relations[0].aliases",
        "spec.rules[0].match",
        "spec.rules[1].weights",
        "spec.rules[2].migrate",
    ]
