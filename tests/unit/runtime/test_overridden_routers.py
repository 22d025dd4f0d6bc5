"""Chains of routers that are not those of the settings: each router keeps its place."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.utils import ConnectionRouter
from django.test import override_settings

import dbalias_routers
from dbalias.api.project import Routing, Unmatched
from unit.builders import a_policy, a_project, a_rule
from unit.runtime.chains import document_of, loaded_from
from unit.runtime.conftest import Publish
from unit.runtime.models import Customer, Invoice, Order
from unit.runtime.own_routers import Office

GUARD, POLICY = "dbalias_routers.Guard", "dbalias_routers.Policy_p"


def published_chain(publish: Publish, **fields: Any) -> list[str]:
    """Publish one policy that claims all; return DATABASE_ROUTERS."""
    document = document_of(a_policy("p", a_rule("users", "*")), **fields)
    publish(document)
    routers: list[str] = document["routers"]
    return routers


def test_a_router_that_a_test_puts_between_is_asked_before_the_policies(publish: Publish) -> None:
    """Also as an instance, and also in a chain that somebody makes by hand."""
    with override_settings(DATABASE_ROUTERS=published_chain(publish)):
        by_hand = ConnectionRouter([GUARD, Office(), POLICY])
        with override_settings(DATABASE_ROUTERS=[GUARD, Office(), POLICY]):
            overridden = router.db_for_write(Invoice)

        assert by_hand.db_for_write(Invoice) == overridden == "orders"
        assert router.db_for_write(Invoice) == by_hand.db_for_write(Customer) == "users"


def test_a_guard_alone_answers_for_no_policy_that_is_not_in_its_chain(publish: Publish) -> None:
    """An instance that was made before the setting was overridden, too."""
    with override_settings(DATABASE_ROUTERS=published_chain(publish)):
        guard = dbalias_routers.Guard()
        with override_settings(DATABASE_ROUTERS=[guard]):
            assert router.db_for_write(Invoice) == "default"


def test_a_subclass_of_a_published_policy_answers_in_its_own_way(publish: Publish) -> None:
    """The guard does not speak for what a project has changed."""
    routers = published_chain(publish)

    class Changed(dbalias_routers.Policy_p):
        def db_for_write(self, model: Any, instance: Any = None, **hints: Any) -> str:
            return "shard"

    with override_settings(DATABASE_ROUTERS=[GUARD, Changed(), *routers[2:]]):
        assert router.db_for_write(Invoice) == "shard"


def test_the_last_word_is_left_to_whatever_is_put_behind_it(publish: Publish) -> None:
    """Under Everywhere it answers as Django would only where Django would answer."""
    project = a_project(routing=Routing(unmatched=Unmatched.EVERYWHERE))
    document = document_of(a_policy("p", a_rule("users", "shop")), project=project)
    publish(document)
    with override_settings(DATABASE_ROUTERS=document["routers"]):
        longer = ConnectionRouter([*document["routers"], Office()])
        customer = loaded_from(Order, "shard")

        assert router.db_for_write(Invoice, instance=customer) == "shard"
        assert longer.db_for_write(Invoice, instance=customer) == "orders"
