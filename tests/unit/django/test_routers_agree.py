"""The identity of a run against the routers that answer in the application's image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn
from dbalias.api.project import Routing, Unmatched
from dbalias.django.allowance import routing_on
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from dbalias_policies import PolicyRouter
from unit.builders import a_policy, a_project, a_rule, an_alias

ALIASES = ("default", "one", "two")
APPS = ("a", "b", "other")
QUESTIONS = [(app, model) for app in APPS for model in (None, "m", "n", "rest")]
NAMES = st.sampled_from(["a", "b", "*", "a.m", "a.n", "b.m"])
RULES = st.builds(
    lambda write, names, on: a_rule(write, *names, migrate_on=on),
    st.sampled_from(ALIASES),
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
    st.sampled_from([MigrateOn.WRITE, MigrateOn.NOWHERE]),
)
POLICIES = st.lists(st.lists(RULES, min_size=1, max_size=3), max_size=3).map(
    lambda all_rules: [a_policy(f"p{i}", *rules) for i, rules in enumerate(all_rules)]
)


def document_of(policies: Sequence[DatabaseRoutingPolicy], unmatched: Unmatched) -> Any:
    """Return the routing of these policies over three databases."""
    project = a_project(routing=Routing(unmatched=unmatched))
    aliases = [an_alias(name) for name in ALIASES]
    resolution = resolve(project, aliases, {})
    return build_routing(project, resolution, policies, aliases=aliases).document


def answers(document: Any, alias: str) -> list[bool]:
    """Return what Django would be told about every app and model, router by router."""
    routers = [
        type(name, (PolicyRouter,), {"table": table, "routing": document, "unavailable": {}})()
        for name, table in document["policies"].items()
    ]
    last = {"Everywhere": True, "DefaultOnly": alias == "default", "Refuse": False}
    said = []
    for app, model in QUESTIONS:
        opinions = (router.allow_migrate(alias, app, model_name=model) for router in routers)
        decided = [opinion for opinion in opinions if opinion is not None]
        said.append(bool(decided[0] if decided else last[document["unmatched"]]))
    return said


@given(policies=st.tuples(POLICIES, POLICIES), unmatched=st.sampled_from(list(Unmatched)))
def test_runs_are_the_same_exactly_when_the_routers_answer_alike(
    policies: tuple[Any, Any], unmatched: Unmatched
) -> None:
    """A difference that no router shows starts no run, and none is overlooked."""
    one, other = (document_of(each, unmatched) for each in policies)
    for alias in ALIASES:
        same = routing_on(one, alias) == routing_on(other, alias)
        assert same == (answers(one, alias) == answers(other, alias))
