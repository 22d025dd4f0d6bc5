"""The identity of a run against the routers that answer in the application's image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbalias.api.alias import AliasMigrate
from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn
from dbalias.api.project import DjangoProject, MigrateMode, Routing, Unmatched
from dbalias.django.allowance import routing_on
from unit.builders import a_policy, a_project, a_replica, a_rule, an_alias
from unit.runtime.chains import a_chain, document_of
from unit.runtime.conftest import Publish

ALIASES = (
    *(an_alias(name) for name in ("default", "one", "two")),
    a_replica("copy", "one"),
    an_alias("foreign", migrate=AliasMigrate(mode=MigrateMode.NEVER)),
)
APPS = ("a", "b", "office", "other")
QUESTIONS = [(app, model) for app in APPS for model in (None, "M", "n", "rest")]
NAMES = st.sampled_from(["a", "b", "*", "a.m", "a.n", "b.m", "office", "office.n"])
RULES = st.builds(
    lambda write, names, shards: a_rule(
        write,
        *names,
        migrate_on=MigrateOn.WRITE if shards is None else MigrateOn.ALIASES,
        migrate_aliases=tuple(shards or ()),
    ),
    st.sampled_from(["default", "one", "two", "foreign"]),
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
    st.none() | st.lists(st.sampled_from(["default", "one", "two"]), unique=True),
)
POLICIES = st.lists(st.lists(RULES, min_size=1, max_size=3), max_size=3).map(
    lambda all_rules: [a_policy(f"p{i}", *rules) for i, rules in enumerate(all_rules)]
)
OFFICE = ("unit.runtime.own_routers.Office",)
EVERY_CASE = settings(suppress_health_check=list(HealthCheck))


def a_project_with(unmatched: Unmatched, *, before: Any = (), after: Any = ()) -> DjangoProject:
    """Return a project with routers of its own."""
    return a_project(routing=Routing(before=before, after=after, unmatched=unmatched))


def compared(publish: Publish, documents: Sequence[Any]) -> Iterator[tuple[bool, bool]]:
    """Yield for each alias whether runs are the same, and whether Django's router answers so."""
    chains = [a_chain(publish, document) for document in documents]
    for name in (alias.alias for alias in ALIASES):
        one, other = (routing_on(document["routing"], name) for document in documents)
        said, also = (
            [chain.allow_migrate(name, app, model_name=model) for app, model in QUESTIONS]
            for chain in chains
        )
        yield one == other, said == also


@EVERY_CASE
@given(policies=st.tuples(POLICIES, POLICIES), unmatched=st.sampled_from(list(Unmatched)))
def test_runs_are_the_same_exactly_when_the_routers_answer_alike(
    publish: Publish, policies: tuple[Any, Any], unmatched: Unmatched
) -> None:
    """A difference that no router shows starts no run, and none is overlooked."""
    project = a_project_with(unmatched)
    both = [document_of(*each, project=project, aliases=ALIASES) for each in policies]

    assert all(runs == answers for runs, answers in compared(publish, both))


@EVERY_CASE
@given(
    policies=st.tuples(POLICIES, POLICIES),
    own=st.sampled_from([(OFFICE, ()), ((), OFFICE), (OFFICE, OFFICE)]),
    unmatched=st.sampled_from(list(Unmatched)),
)
def test_routers_of_the_project_hide_no_difference(
    publish: Publish, policies: tuple[list[DatabaseRoutingPolicy], Any], own: Any, unmatched: Any
) -> None:
    """Their answers are the image's, so a run may start in vain, and never stay away."""
    project = a_project_with(unmatched, before=own[0], after=own[1])
    both = [document_of(*each, project=project, aliases=ALIASES) for each in policies]

    assert all(answers for runs, answers in compared(publish, both) if runs)
