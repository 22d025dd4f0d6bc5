"""The generated routers: against a naive reference, and what Django asks of them one by one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished
from django.db import transaction
from django.utils.connection import ConnectionDoesNotExist
from hypothesis import given
from hypothesis import strategies as st

import dbalias_databases
import dbalias_routers
from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn, PinReads, Rule
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from dbalias_policies import PolicyRouter
from dbalias_rules import name_of
from unit.builders import a_policy, a_project, a_replica, a_rule, an_alias
from unit.runtime.conftest import Publish, a_document, a_routing, forget
from unit.runtime.models import Customer, Invoice, JoinTable, Order, Regular

ALIASES = [
    an_alias("default"),
    an_alias("users"),
    an_alias("orders"),
    an_alias("shard"),
    a_replica("users_r1", "users"),
    a_replica("users_r2", "users"),
]
STORED = {Customer: "shop.customer", Regular: "shop.customer", Order: "shop.order"}
STORED |= {JoinTable: "shop.order", Invoice: "office.invoice"}


def routing_of(*policies: DatabaseRoutingPolicy, **fields: Any) -> Any:
    """Return ``routing`` as the operator builds it from policies."""
    project = a_project()
    resolution = resolve(project, ALIASES, {})
    built = build_routing(project, resolution, policies, aliases=ALIASES).document
    return built | fields


def a_router(publish: Publish, *rules: Rule, **fields: Any) -> Any:
    """Return the router of one published policy."""
    publish(a_document(routing=routing_of(a_policy("shop", *rules, **fields))))
    return dbalias_routers.Policy_shop()


def loaded_from(model: Any, alias: str | None) -> Any:
    """Return an instance that was read from an alias."""
    instance = model()
    instance._state.db = alias
    return instance


matches = st.lists(
    st.sampled_from(["shop", "office", "*", "shop.customer", "shop.order", "office.invoice"]),
    min_size=1,
    max_size=3,
)
rules = st.builds(
    lambda names, write, shards: a_rule(
        write,
        *names,
        migrate_on=MigrateOn.ALIASES if shards else MigrateOn.WRITE,
        migrate_aliases=tuple(shards),
    ),
    matches,
    st.sampled_from(["default", "users", "orders"]),
    st.lists(st.sampled_from(["shard", "orders"]), unique=True, max_size=2),
)


def first_match(declared: list[Rule], label: str) -> Rule | None:
    """Return the first rule that matches, by the words of the documentation."""
    app = label.split(".", maxsplit=1)[0]
    for rule in declared:
        if "*" in rule.match.apps or app in rule.match.apps or label in rule.match.models:
            return rule
    return None


@given(declared=st.lists(rules, min_size=1, max_size=5))
def test_every_look_up_agrees_with_a_naive_scan_of_the_rules(declared: list[Rule]) -> None:
    """Write alias, read alias and migrations of every model, however Django spells its name."""
    routing = routing_of(a_policy("shop", *declared))
    table = routing["policies"]["Policy_shop"]
    made = type(
        "Made",
        (PolicyRouter,),
        {"table": table, "routing": routing, "unavailable": {}},
    )
    router = made()
    for model, label in STORED.items():
        rule = first_match(declared, label)
        assert router.db_for_write(model) == (rule and rule.write)
        assert router.db_for_read(model) == (rule and rule.write)
        app, name = label.split(".")
        for alias in ("default", "users", "orders", "shard"):
            wanted = None if rule is None else alias in rule.migrated_on
            assert router.allow_migrate(alias, app, model_name=name, model=model) is wanted
            assert router.allow_migrate(alias, app, model_name=name.title()) is wanted


def test_a_read_pool_is_used_by_its_weights(publish: Publish) -> None:
    """Two to one, roughly."""
    router = a_router(
        publish, a_rule("users", "*", read=("users_r1", "users_r2"), weights={"users_r1": 2})
    )

    seen = Counter(router.db_for_read(Customer) for _ in range(3000))

    assert set(seen) == {"users_r1", "users_r2"}
    assert 1.6 < seen["users_r1"] / seen["users_r2"] < 2.5


def test_an_instance_keeps_to_its_own_database_within_the_set(publish: Publish) -> None:
    """Related reads stay on its replica, writes go to the primary, shards keep to themselves."""
    shards = {"migrate_on": MigrateOn.ALIASES, "migrate_aliases": ("users", "shard")}
    router = a_router(publish, a_rule("users", "*", read=("users_r1", "users_r2"), **shards))
    replica, shard = loaded_from(Customer, "users_r2"), loaded_from(Customer, "shard")

    assert router.db_for_read(Order, instance=replica) == "users_r2"
    assert router.db_for_write(Order, instance=replica) == "users"
    assert router.db_for_read(Order, instance=shard) == "shard"
    assert router.db_for_write(Order, instance=shard) == "shard"


def test_an_instance_of_another_set_does_not_lead_a_model_astray(publish: Publish) -> None:
    """An invoice in another database does not make its customers be looked for there."""
    router = a_router(publish, a_rule("users", "shop"), a_rule("orders", "office"))
    invoice = loaded_from(Invoice, "orders")

    assert router.db_for_read(Customer, instance=invoice) == "users"
    assert router.db_for_write(Customer, instance=invoice) == "users"


def test_relations_are_allowed_within_a_set_and_within_declared_sets(publish: Publish) -> None:
    """A replica counts as its primary; no opinion about anything else."""
    router = a_router(publish, a_rule("users", "shop"), relations=(("users", "orders"),))
    user, copy = loaded_from(Customer, "users"), loaded_from(Customer, "users_r1")
    order, other = loaded_from(Order, "orders"), loaded_from(Order, "default")

    assert router.allow_relation(user, copy) is True
    assert router.allow_relation(copy, order) is True
    assert router.allow_relation(order, copy) is True
    assert router.allow_relation(user, other) is None
    assert router.allow_relation(user, loaded_from(Order, None)) is None


def test_operations_without_a_model_run_where_the_rules_of_their_app_migrate(
    publish: Publish,
) -> None:
    """RunPython and RunSQL: only an app that is claimed as a whole is refused elsewhere."""
    router = a_router(publish, a_rule("users", "shop.customer"), a_rule("orders", "office"))

    assert router.allow_migrate("users", "shop") is True
    assert router.allow_migrate("orders", "shop") is None
    assert router.allow_migrate("orders", "office") is True
    assert router.allow_migrate("users", "office") is False
    assert router.allow_migrate("users", "auth") is None


def test_the_cache_table_is_asked_for_by_its_own_name(publish: Publish) -> None:
    """createcachetable asks with app django_cache and a class that is hardly a model."""
    from django.core.cache.backends.db import DatabaseCache

    router = a_router(publish, a_rule("users", "django_cache"))
    entry = DatabaseCache("cache_table", {}).cache_model_class

    assert name_of(entry).model == "django_cache.cacheentry"
    assert router.db_for_read(entry) == "users"
    assert router.allow_migrate("users", "django_cache", model_name="cacheentry", model=entry)


def test_reads_are_pinned_inside_a_transaction(publish: Publish) -> None:
    """pinReads Transaction: the primary inside atomic, the pool outside."""
    router = a_router(
        publish, a_rule("users", "*", read=("users_r1",)), pin_reads=PinReads.TRANSACTION
    )

    with transaction.atomic(using="users"):
        inside = router.db_for_read(Customer)

    assert inside == "users"
    assert router.db_for_read(Customer) == "users_r1"


@pytest.fixture
def pinning(publish: Publish) -> Iterator[Any]:
    """Return a router with pinReads Request, and forget its writes afterwards."""
    yield a_router(publish, a_rule("users", "*", read=("users_r1",)), pin_reads=PinReads.REQUEST)
    request_finished.send(None)


def test_reads_are_pinned_after_a_write_until_the_request_ends(pinning: Any) -> None:
    """The next request reads from the pool again."""
    before = pinning.db_for_read(Customer)
    pinning.db_for_write(Customer)
    after = pinning.db_for_read(Order)
    request_finished.send(None)

    assert (before, after) == ("users_r1", "users")
    assert pinning.db_for_read(Customer) == "users_r1"


def test_a_write_in_one_asyncio_task_pins_no_other(pinning: Any) -> None:
    """Each task has its own pins, and they end with it."""

    async def read_after(write: bool) -> str:
        if write:
            pinning.db_for_write(Customer)
        await asyncio.sleep(0)
        alias: str = pinning.db_for_read(Customer)
        return alias

    async def both() -> list[str]:
        return list(await asyncio.gather(read_after(True), read_after(False)))

    assert asyncio.run(both()) == ["users", "users_r1"]
    assert pinning.db_for_read(Customer) == "users_r1"


def test_an_alias_that_is_not_published_yet_is_named_when_it_is_needed(publish: Publish) -> None:
    """Its models are not read from elsewhere; its migrations are answered all the same."""
    routing = routing_of(a_policy("shop", a_rule("users", "*", read=("users_r1", "users"))))
    publish(a_document(routing=routing, unavailable={"users": "SecretNotFound"}))
    router = dbalias_routers.Policy_shop()

    with pytest.raises(ConnectionDoesNotExist, match=r'shop\.Customer .* "users".*SecretNotFound'):
        router.db_for_write(Customer)
    assert router.db_for_read(Customer) == "users_r1"
    assert router.allow_migrate("users", "shop") is True


def test_the_guard_keeps_what_is_never_migrated_from_being_migrated(publish: Publish) -> None:
    """And has no opinion about anything else."""
    publish(a_document(routing=a_routing(guard={"never": {"r1": "replica"}})))
    guard = dbalias_routers.Guard()

    assert guard.allow_migrate("r1", "shop", model_name="customer") is False
    assert guard.allow_migrate("default", "shop") is None


def test_refuse_names_the_model_and_what_to_write(publish: Publish) -> None:
    """Nothing is migrated, relations are left to Django."""
    publish(a_document(routing=a_routing(unmatched="Refuse", empty_default=True)))
    last = dbalias_routers.Unmatched()

    for ask in (last.db_for_read, last.db_for_write):
        with pytest.raises(ImproperlyConfigured, match=r"shop\.Customer .*apps: \[shop\]"):
            ask(Customer)
    assert last.allow_migrate("users", "shop", model_name="customer") is False
    assert last.allow_relation(loaded_from(Customer, "a"), loaded_from(Order, "a")) is None


def test_default_only_keeps_the_unclaimed_on_default(publish: Publish) -> None:
    """Whatever instance asks; and their tables nowhere else."""
    publish(a_document(routing=a_routing(unmatched="DefaultOnly")))
    last = dbalias_routers.Unmatched()

    assert last.db_for_read(Customer, instance=loaded_from(Invoice, "orders")) == "default"
    assert last.allow_migrate("default", "shop") is True
    assert last.allow_migrate("users", "shop", model_name="customer") is False


def test_everywhere_leaves_all_to_django(publish: Publish) -> None:
    """No opinion."""
    publish(a_document(routing=a_routing(unmatched="Everywhere")))
    last = dbalias_routers.Unmatched()

    assert last.db_for_write(Customer) is None
    assert last.allow_migrate("users", "shop") is None


def test_a_policy_that_is_not_published_is_no_attribute(publish: Publish) -> None:
    """Django then says which router does not import."""
    publish(a_document())

    with pytest.raises(AttributeError, match="Policy_gone"):
        _ = dbalias_routers.Policy_gone


def test_forgetting_reads_the_folder_again(publish: Publish) -> None:
    """The cache of these tests is the process' own."""
    folder = publish(a_document())
    (folder / "databases.json").unlink()
    forget()

    with pytest.raises(dbalias_databases.ConfigurationError):
        dbalias_databases.document()
