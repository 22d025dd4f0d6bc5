"""Many aliases and several projects: order, width, and one run at a time on each database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from stage.api import JSON, ApiServer
from stage.fleet import Fleet, layered
from stage.objects import PROJECT, entry, project, secret
from stage.play import NewShop, Shop, is_complete
from stage.watching import History, most_pods

AWAKE = 60.0
"""Seconds within which what waited starts; who is not woken looks again after ten minutes."""
SLOW = {"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "2"}


def pods(shop: Shop) -> dict[str, JSON]:
    """Return, by alias, the state in which the container of its one Job ended."""
    listed = shop.objects("Pod", labelSelector="dbalias.dev/purpose=migrate")
    found = {one["metadata"]["labels"]["dbalias.dev/alias"]: one for one in listed}
    assert len(found) == len(listed)
    return {
        alias: one["status"]["containerStatuses"][0]["state"]["terminated"]
        for alias, one in found.items()
    }


def when(text: str) -> datetime:
    """Return a time of Kubernetes."""
    return datetime.fromisoformat(text)


def most_at_once(ended: Iterable[JSON]) -> int:
    """Return how many containers ran in one moment."""
    spans = [(when(one["startedAt"]), when(one["finishedAt"])) for one in ended]
    return max(sum(begun <= begin < end for begun, end in spans) for begin, _ in spans)


def message(shop: Shop, alias: str) -> str:
    """Return what the condition Migrated of an alias says now."""
    return str(shop.condition("Migrated", alias=alias).get("message", ""))


def test_a_fleet_is_migrated_in_order_and_not_one_after_the_other(shop: Shop) -> None:
    """Nine aliases in three levels: each runs once, after all that it depends on."""
    fleet: Fleet = layered(levels=3, width=3, shortest=2, longest=4)
    shop.apply(*fleet.objects(fleet.databases(shop)))
    shop.wait_ready()
    ended = pods(shop)
    assert ended.keys() == fleet.depends.keys()
    for alias, dependencies in fleet.depends.items():
        for dependency in dependencies:
            begun, before = ended[alias]["startedAt"], ended[dependency]["finishedAt"]
            assert when(before) <= when(begun), f"{alias} began before {dependency} had ended"
    assert most_at_once(ended.values()) >= 2
    assert set(shop.published()["databases"]) == fleet.depends.keys()


def test_a_failing_alias_holds_up_those_that_depend_on_it_and_no_others(shop: Shop) -> None:
    """They say on which; it tries again by itself, and everything follows once it is mended."""
    names = ("default", "people", "orders", "stock")
    databases = {name: shop.postgres(name) for name in names}
    shop.apply(
        project(migrate={"maxParallel": 1}),
        entry("default", databases["default"]),
        entry("people", replace(databases["people"], password="not-this-one")),
        entry("orders", databases["orders"], migrate={"dependsOn": ["people"]}),
        entry("stock", databases["stock"], migrate={"dependsOn": ["default"]}),
    )
    shop.expect("Migrated", "False", reason="LoginRefused", alias="people")
    for name in ("default", "stock"):
        shop.expect("Migrated", "True", alias=name)
    shop.expect("Migrated", "False", reason="DependencyNotMigrated", alias="orders")
    shop.eventually(
        lambda: "it depends on people, whose migration failed" in message(shop, "orders"),
        what="orders to say on whom",
    )
    assert shop.jobs(alias="orders") == []

    shop.apply(secret("people", databases["people"]))
    shop.wait_ready()
    assert [shop.attempts(name) for name in ("default", "orders", "stock")] == [1, 1, 1]


def test_a_cycle_stalls_its_aliases_and_names_the_way_until_it_is_broken(shop: Shop) -> None:
    """Who is not in it is migrated; nothing that is in it ever starts."""
    databases = {name: shop.postgres(name) for name in ("default", "egg", "hen")}
    egg = entry("egg", databases["egg"], migrate={"dependsOn": ["hen"]})
    hen = entry("hen", databases["hen"], migrate={"dependsOn": ["egg"]})
    shop.apply(project(), entry("default", databases["default"]), egg, hen)
    shop.expect("Migrated", "True", alias="default")
    for name, way in (("egg", "egg → hen → egg"), ("hen", "hen → egg → hen")):
        stalled = shop.expect("Stalled", "True", reason="DependencyCycle", alias=name)
        assert way in stalled["message"]
        assert shop.jobs(alias=name) == []
    shop.change("DatabaseAlias", "egg", spec={"migrate": None})
    shop.wait_ready()


@pytest.mark.usefixtures("steady_operator")
def test_two_projects_that_share_a_database_take_turns_on_it(
    new_shop: NewShop, api: ApiServer
) -> None:
    """In two namespaces, applied together: the second says whom it waits for, then follows."""
    shops = (new_shop("one"), new_shop("two"))
    database = shops[0].mariadb("shared")
    with History(api, ("DatabaseAlias", "Pod")) as history:
        for shop in shops:
            shop.apply(project(env=SLOW), entry("default", database))
        for shop in shops:
            shop.wait_ready()
        demand_turns(shops, history)
    assert database.values("SELECT COUNT(*) FROM django_migrations WHERE app = 'slow'") == [3]


def demand_turns(shops: Sequence[Shop], history: History) -> None:
    """One run after the other, soon, and the second project said whom it waited for."""
    runs = sorted(
        ((*shop.jobs(), shop) for shop in shops), key=lambda run: run[0]["status"]["startTime"]
    )
    (first, owner), (second, _) = runs
    assert all(map(is_complete, (first, second)))
    name = first["metadata"]["name"]
    told = (
        f"the Job {name} of project {owner.namespace}/{PROJECT} runs on the same physical database"
    )
    (waiter,) = {shop.namespace for shop in shops} - {owner.namespace}
    owner.eventually(
        lambda: any(told in text for text in history.messages(waiter, "Migrated")),
        what=lambda: f"{told!r} in {history.messages(waiter, 'Migrated')}",
    )
    assert most_pods(history.seen(owner.namespace, waiter)) == 1
    pause = when(second["metadata"]["creationTimestamp"]) - when(first["status"]["completionTime"])
    assert 0 <= pause.total_seconds() <= AWAKE
