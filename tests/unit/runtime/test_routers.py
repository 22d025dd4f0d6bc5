"""The generated routers: what Django asks of them, one by one."""

from __future__ import annotations

import gc
import random
import weakref
from collections import Counter
from math import sqrt
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache.backends.db import DatabaseCache
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, transaction
from django.db.migrations.state import ProjectState
from django.test import override_settings
from django.test.utils import isolate_apps
from django.utils.connection import ConnectionDoesNotExist

import dbalias_databases
import dbalias_routers
from dbalias.api.parse import parse_policy
from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn, PinReads, Rule
from dbalias.api.project import Routing
from dbalias_rules import name_of
from unit.api import bodies
from unit.builders import a_policy, a_project, a_rule
from unit.runtime.chains import a_chain, document_of, loaded_from
from unit.runtime.conftest import Publish, a_document, a_routing, forget
from unit.runtime.models import Buyer, Customer, Invoice, JoinTable, Order, Regular, Vip


def a_router(publish: Publish, *rules: Rule, **fields: Any) -> Any:
    """Return the router of one published policy."""
    publish(document_of(a_policy("shop", *rules, **fields)))
    return dbalias_routers.Policy_shop()


def read_policy(*rules: Any) -> DatabaseRoutingPolicy:
    """Return the policy ``users`` with rules as a person writes them."""
    policy = parse_policy(bodies.a_policy(*rules)).value
    assert policy is not None
    return policy


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Customer, "shop.customer"),
        (Regular, "shop.customer"),
        (Vip, "office.vip"),
        (Order, "shop.order"),
        (JoinTable, "shop.order"),
        (Buyer, "shop.buyer"),
    ],
)
def test_rules_know_a_model_by_where_it_is_stored(model: Any, name: str) -> None:
    """Also as a historical model, which is another class."""
    assert name_of(model).model == name


def test_historical_models_go_where_the_real_ones_go() -> None:
    """Proxies and join tables of a migration's state, too."""
    from django.apps import apps

    past = ProjectState.from_apps(apps).apps

    assert name_of(past.get_model("auth", "User").groups.through).model == "auth.user"
    assert name_of(past.get_model("auth", "User")).app == "auth"


def test_a_swapped_model_and_the_one_in_its_place_have_names_of_their_own() -> None:
    """Nobody asks for the swapped one: it has no table."""
    with isolate_apps("django.contrib.auth"), override_settings(SHOP_BUYER_MODEL="shop.Patron"):

        class Patron(AbstractBaseUser):
            class Meta:
                app_label = "shop"

        assert Buyer._meta.swapped == "shop.Patron"
        assert name_of(Patron).model == "shop.patron"
        assert name_of(Buyer).model == "shop.buyer"


def test_a_model_that_is_told_by_name_goes_where_the_class_goes(publish: Publish) -> None:
    """makemigrations tells names as they are written, also of proxies."""
    router = a_router(publish, a_rule("users", "shop.customer"), a_rule("orders", "*"))

    for name in ("Regular", "regular", "Customer"):
        assert router.allow_migrate("users", "shop", model_name=name) is True
        assert router.allow_migrate("orders", "shop", model_name=name) is False
    assert router.allow_migrate("orders", "shop", model_name="Order_customers") is True
    assert router.allow_migrate("orders", "shop", model_name="NeverHeardOf") is True


def test_the_first_rule_wins_for_an_app_whose_label_has_capitals(publish: Publish) -> None:
    """Rules name apps and models in any case, Django calls them as the project wrote them."""
    rules = [
        {"match": {"apps": ["Blog"]}, "write": "users"},
        {"match": {"models": ["blog.Entry", "Wiki.Page"]}, "write": "orders"},
    ]
    publish(document_of(read_policy(*rules)))
    router = dbalias_routers.Policy_users()
    with isolate_apps("django.contrib.auth"):

        class Entry(models.Model):
            class Meta:
                app_label = "Blog"

    assert router.db_for_write(Entry) == "users"
    assert router.allow_migrate("users", "Blog", model_name="Entry") is True
    assert router.allow_migrate("orders", "Blog") is False
    assert router.allow_migrate("orders", "Wiki") is True
    assert router.allow_migrate("users", "Wiki") is None


@pytest.mark.parametrize(
    "weights", [{}, {"users_r1": 2}, {"users_r1": 5, "users_r2": 1, "users": 4}]
)
def test_a_read_pool_is_used_by_its_weights(publish: Publish, weights: dict[str, int]) -> None:
    """Each alias within four standard deviations of its share, for this seed and many others."""
    pool, asked = ("users", "users_r1", "users_r2"), 20_000
    router = a_router(publish, a_rule("users", "*", read=pool, weights=weights))
    random.seed(20)

    seen = Counter(router.db_for_read(Customer) for _ in range(asked))

    total = sum(weights.get(alias, 1) for alias in pool)
    for alias in pool:
        share = weights.get(alias, 1) / total
        assert abs(seen[alias] - asked * share) < 4 * sqrt(asked * share * (1 - share))


def test_the_first_router_answers_for_every_policy_behind_it(publish: Publish) -> None:
    """So that a look-up costs the same with a hundred policies; the order stays."""
    rules = {"a": a_rule("users", "shop"), "b": a_rule("orders", "*"), "c": a_rule("shard", "*")}
    chain = a_chain(publish, document_of(*(a_policy(name, rule) for name, rule in rules.items())))

    assert [chain.routers[0].db_for_write(model) for model in (Customer, Invoice)] == [
        "users",
        "orders",
    ]


def test_a_router_of_the_project_before_the_policies_is_asked_before_them(
    publish: Publish,
) -> None:
    """Nothing answers for what stands behind somebody else's router."""
    project = a_project(routing=Routing(before=("unit.runtime.own_routers.Office",)))
    chain = a_chain(publish, document_of(a_policy("p", a_rule("users", "*")), project=project))

    assert chain.routers[0].db_for_write(Invoice) is None
    assert chain.db_for_write(Invoice) == "orders"
    assert chain.db_for_write(Customer) == "users"


def test_a_rule_is_not_kept_for_models_that_come_and_go(publish: Publish) -> None:
    """Historical models would fill the memory of whoever runs many migrations."""
    router = a_router(publish, a_rule("users", "*"))
    with isolate_apps("django.contrib.auth"):

        class Passing(models.Model):
            class Meta:
                app_label = "shop"

        assert router.db_for_read(Passing) == "users"
        gone = weakref.ref(Passing)
        del Passing
    gc.collect()

    assert gone() is None


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
    assert router.allow_migrate("orders", "office", model="office.Invoice") is True


def test_the_cache_table_is_asked_for_by_its_own_name(publish: Publish) -> None:
    """createcachetable asks with app django_cache and a class that is hardly a model."""
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


def test_a_transaction_on_another_alias_pins_nothing(publish: Publish) -> None:
    """Neither beside it nor around it; nor does its end leave anything."""
    router = a_router(
        publish, a_rule("users", "*", read=("users_r1",)), pin_reads=PinReads.TRANSACTION
    )

    with transaction.atomic(using="orders"):
        outside = router.db_for_read(Customer)
        with transaction.atomic(using="users"), transaction.atomic(using="users"):
            nested = router.db_for_read(Customer)
        after = router.db_for_read(Customer)

    assert (outside, nested, after) == ("users_r1", "users", "users_r1")


def test_asking_for_a_transaction_opens_no_connection(publish: Publish) -> None:
    """A read that goes to a replica must not wake the primary."""
    router = a_router(
        publish, a_rule("shard", "*", read=("users_r1",)), pin_reads=PinReads.TRANSACTION
    )
    connections["shard"].close()
    del connections["shard"]

    assert router.db_for_read(Customer) == "users_r1"
    assert connections["shard"].connection is None


def test_a_transaction_is_not_looked_for_on_an_alias_that_is_not_there(publish: Publish) -> None:
    """The pool answers as it would without pinning."""
    router = a_router(
        publish, a_rule("gone", "*", read=("users_r1",)), pin_reads=PinReads.TRANSACTION
    )

    assert router.db_for_read(Customer) == "users_r1"


def test_an_alias_that_is_not_published_yet_is_named_when_it_is_needed(publish: Publish) -> None:
    """Its models are not read from elsewhere; its migrations are answered all the same."""
    rule = a_rule("users", "*", read=("users_r1", "users"))
    publish(document_of(a_policy("shop", rule), unavailable={"users": "SecretNotFound"}))
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


def test_the_guard_speaks_up_where_a_command_falls_on_the_empty_default(publish: Publish) -> None:
    """dumpdata goes on with nothing to dump; createcachetable would take a no for success."""
    publish(a_document(routing=a_routing(guard={"never": {"default": "empty"}})))
    guard = dbalias_routers.Guard()
    said = 'the alias "default" is intentionally empty: name another one with --database'

    with pytest.warns(RuntimeWarning, match=said):
        assert guard.allow_migrate("default", "shop", model_name="customer") is False
    with pytest.raises(ImproperlyConfigured, match=said):
        guard.allow_migrate("default", "django_cache", model_name="cacheentry")


def test_refuse_names_the_model_and_what_to_write(publish: Publish) -> None:
    """Nothing is migrated, relations are left to Django."""
    publish(a_document(routing=a_routing(unmatched="Refuse", empty_default=True)))
    last = dbalias_routers.Unmatched()

    for ask in (last.db_for_read, last.db_for_write):
        with pytest.raises(ImproperlyConfigured, match=r"shop\.Customer .*apps: \[shop\]"):
            ask(Customer)
    assert last.allow_migrate("users", "shop", model_name="customer") is False
    assert last.allow_relation(loaded_from(Customer, "a"), loaded_from(Order, "a")) is None


def test_refuse_names_the_cache_table_which_is_hardly_a_model(publish: Publish) -> None:
    """Its class has no label; the message says what to write all the same."""
    publish(a_document(routing=a_routing(unmatched="Refuse")))
    entry = DatabaseCache("cache_table", {}).cache_model_class

    with pytest.raises(ImproperlyConfigured, match=r"CacheEntry .*apps: \[django_cache\]"):
        dbalias_routers.Unmatched().db_for_read(entry)


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
