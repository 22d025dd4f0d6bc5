"""Any rules: the published routers, asked through Django's own, agree with a naive reference."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import product
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.connection import ConnectionDoesNotExist
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbalias.api.policy import MigrateOn, PinReads
from dbalias.api.project import Routing, Unmatched
from dbalias_pins import forget_writes
from unit.builders import a_policy, a_project, a_rule
from unit.runtime.chains import ALIASES, a_chain, document_of, loaded_from
from unit.runtime.conftest import Publish
from unit.runtime.models import Buyer, Customer, Invoice, JoinTable, Order, Regular, Vip
from unit.runtime.own_routers import Office, Reports
from unit.runtime.reference import REFUSED, Reference

NAMES = tuple(alias.alias for alias in ALIASES)
PRIMARIES = ("default", "users", "orders", "shard")
STATES = (None, *NAMES, "elsewhere")
OWN = {f"unit.runtime.own_routers.{kind.__name__}": kind() for kind in (Office, Reports)}
STORED = {
    Customer: "shop.customer",
    Regular: "shop.customer",
    Buyer: "shop.buyer",
    Order: "shop.order",
    JoinTable: "shop.order",
    Invoice: "office.invoice",
    Vip: "office.vip",
}

matches = st.sampled_from(["shop", "office", "*", "shop.regular", *sorted(set(STORED.values()))])
some = st.lists(st.sampled_from(PRIMARIES), unique=True, max_size=2)


@st.composite
def rules(draw: st.DrawFn) -> Any:
    """A rule with or without a pool, weights and shards."""
    pool = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    on = draw(st.sampled_from(list(MigrateOn)))
    return a_rule(
        draw(st.sampled_from(PRIMARIES)),
        *draw(st.lists(matches, min_size=1, max_size=3, unique=True)),
        read=tuple(pool),
        weights={alias: draw(st.integers(1, 9)) for alias in pool[1:]},
        migrate_on=on,
        migrate_aliases=tuple(draw(some) if on is MigrateOn.ALIASES else ()),
    )


policies = st.lists(
    st.builds(
        lambda rules, pins, related: {"rules": rules, "pin_reads": pins, "relations": related},
        st.lists(rules(), min_size=1, max_size=3),
        st.sampled_from(list(PinReads)),
        st.lists(st.lists(st.sampled_from(NAMES), min_size=2, unique=True).map(tuple)).map(tuple),
    ),
    max_size=3,
).map(lambda drawn: [a_policy(f"p{at}", *one.pop("rules"), **one) for at, one in enumerate(drawn)])
own = st.lists(st.sampled_from(sorted(OWN)), max_size=1).map(tuple)
projects = st.builds(
    lambda before, after, unmatched: a_project(
        routing=Routing(before=before, after=after, unmatched=unmatched)
    ),
    *(own, own, st.sampled_from(list(Unmatched))),
)


def ask(look_up: Any, model: Any, instance: Any) -> str:
    """Return the answer of Django's router, with the hints that Django would give."""
    try:
        alias: str = look_up(model, **({"instance": instance} if instance else {}))
    except (ImproperlyConfigured, ConnectionDoesNotExist) as error:
        return REFUSED if model._meta.label in str(error) else f"an error without a name: {error}"
    return alias


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    declared=policies,
    project=projects,
    missing=st.sampled_from([(), ("users",), ("users_r1", "orders")]),
    moment=st.tuples(
        st.lists(st.tuples(st.sampled_from(list(STORED)), st.sampled_from(STATES)), max_size=2),
        st.sampled_from([None, "users", "orders"]),
    ),
)
def test_every_question_has_the_answer_of_the_documentation(
    publish: Publish, *, declared: Any, project: Any, missing: Any, moment: Any
) -> None:
    """Reads, writes, relations and migrations, after some writes and inside a transaction."""
    forget_writes()
    writes, inside = moment
    unavailable = dict.fromkeys(missing, "SecretNotFound")
    chain = a_chain(publish, document_of(*declared, project=project, unavailable=unavailable))
    naive = Reference(
        policies=declared,
        aliases=ALIASES,
        unmatched=project.routing.unmatched,
        label=STORED.__getitem__,
        before=[OWN[path] for path in project.routing.before],
        after=[OWN[path] for path in project.routing.after],
        unavailable=frozenset(missing),
        in_transaction=frozenset({inside} - {None}),
    )

    instances = [None, *(loaded_from(Order, state) for state in STATES)]
    with transaction.atomic(using=inside) if inside else nullcontext():
        for model, state in writes:
            instance = loaded_from(Order, state)
            assert {ask(chain.db_for_write, model, instance)} == naive.writes(model, instance)
        for model, instance in product(STORED, instances):
            assert ask(chain.db_for_read, model, instance) in naive.reads(model, instance)
        for model, instance in product(STORED, instances):
            assert {ask(chain.db_for_write, model, instance)} == naive.writes(model, instance)
    for pair in product(instances[1:], repeat=2):
        assert chain.allow_relation(*pair) is naive.relates(*pair)
    for alias in NAMES:
        for model, label in STORED.items():
            app = model._meta.app_label
            wanted = naive.migrates(alias, app, label)
            assert chain.allow_migrate_model(alias, model) is wanted
            assert chain.allow_migrate(alias, app, model_name=model._meta.object_name) is wanted
        for app in ("shop", "office", "elsewhere"):
            assert chain.allow_migrate(alias, app) is naive.migrates(alias, app, None)
            assert chain.allow_migrate(alias, app, model_name=None, model=None) is (
                naive.migrates(alias, app, None)
            )
