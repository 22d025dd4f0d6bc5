"""What a look-up costs through Django's router: published routers beside others, and none.

Every candidate is a whole DATABASE_ROUTERS. Samples of all candidates alternate, each is one
look-up, and what reading the clock takes is subtracted. The hand-written router does what the
policies ask of it and no more; django-multidb-router knows replicas of ``default`` alone.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.db.utils import ConnectionRouter
from django.test import override_settings

from bench.reporting import report
from dbalias.api.policy import PinReads
from unit.builders import a_policy, a_rule
from unit.runtime.chains import a_chain, document_of, loaded_from
from unit.runtime.conftest import Publish, publish

__all__ = ["publish"]

ROUNDS, BLOCK, WORKERS = 200, 100, 4
RULES_IN_A_POLICY = 100
READERS = ("users_r1", "users_r2")
AIM = 1.2

Question = Callable[[ConnectionRouter], object]
Times = Mapping[str, list[int]]


class HandWritten:
    """As people write them: where the models of an app go, and a replica at random."""

    def __init__(self, rules: int) -> None:
        self.write = {"auth": "users"} | {f"app{number}": "orders" for number in range(rules - 1)}
        self.read = {"auth": READERS} | {app: ("orders",) for app in self.write if app != "auth"}

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return a replica for an app that is known."""
        if model._meta.app_label in self.read:
            return random.choice(self.read[model._meta.app_label])
        return None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        """Return the primary for an app that is known."""
        if model._meta.app_label in self.write:
            return self.write[model._meta.app_label]
        return None

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Allow relations between apps of one database."""
        one = self.write.get(obj1._meta.app_label)
        if one is not None and one == self.write.get(obj2._meta.app_label):
            return True
        return None


User, Permission = (apps.get_model("auth", name) for name in ("User", "Permission"))
ContentType = apps.get_model("contenttypes", "ContentType")
USER, PERMISSION = loaded_from(User, "users"), loaded_from(Permission, "users_r1")
QUESTIONS: Mapping[str, Question] = {
    "read": lambda router: router.db_for_read(User),
    "read for an instance": lambda router: router.db_for_read(Permission, instance=USER),
    "write": lambda router: router.db_for_write(User),
    "relation": lambda router: router.allow_relation(USER, PERMISSION),
    "read of what no rule claims": lambda router: router.db_for_read(ContentType),
}


def published(
    publish: Publish, rules: int, pin_reads: PinReads = PinReads.NONE
) -> ConnectionRouter:
    """Return every router that is published for so many rules, a hundred in a policy."""
    declared = [a_rule("users", "auth", read=READERS)]
    declared += [a_rule("orders", f"app{number}") for number in range(rules - 1)]
    policies = [  # what is asked for stands in the last one
        a_policy(f"p{at}", *declared[at : at + RULES_IN_A_POLICY], order=-at, pin_reads=pin_reads)
        for at in range(0, rules, RULES_IN_A_POLICY)
    ]
    return a_chain(publish, document_of(*policies))


@pytest.fixture
def candidates(publish: Publish) -> Iterator[Mapping[str, ConnectionRouter]]:
    """Yield what is measured, by name."""
    with override_settings(REPLICA_DATABASES=list(READERS)):
        yield {
            "published, 1 rule": published(publish, 1),
            "published, 1000 rules": published(publish, 1000),
            "hand-written, 1 rule": ConnectionRouter([HandWritten(1)]),
            "hand-written, 1000 rules": ConnectionRouter([HandWritten(1000)]),
            "django-multidb-router": ConnectionRouter(["multidb.ReplicaRouter"]),
            "django-multidb-router, pinning": ConnectionRouter(["multidb.PinningReplicaRouter"]),
            "published, pinReads Request": published(publish, 1, PinReads.REQUEST),
            "published, pinReads Transaction": published(publish, 1, PinReads.TRANSACTION),
            "none": ConnectionRouter([]),
        }


def sample(router: ConnectionRouter, question: Question) -> list[int]:
    """Return the nanoseconds of each look-up of a block."""
    clock, found = time.perf_counter_ns, []
    for _ in range(BLOCK):
        begun = clock()
        question(router)
        found.append(clock() - begun)
    return found


def in_threads(candidates: Mapping[str, ConnectionRouter], question: Question) -> Times:
    """Measure in threads that run at once."""

    def work(_: int) -> Times:
        found: dict[str, list[int]] = {name: [] for name in candidates}
        for _ in range(ROUNDS // WORKERS):
            for name, router in candidates.items():
                found[name] += sample(router, question)
        return found

    with ThreadPoolExecutor(WORKERS) as pool:
        return together(pool.map(work, range(WORKERS)))


def in_tasks(candidates: Mapping[str, ConnectionRouter], question: Question) -> Times:
    """Measure in asyncio tasks that take turns."""

    async def work() -> Times:
        found: dict[str, list[int]] = {name: [] for name in candidates}
        for _ in range(ROUNDS // WORKERS):
            for name, router in candidates.items():
                found[name] += sample(router, question)
                await asyncio.sleep(0)
        return found

    async def all_work() -> list[Times]:
        return await asyncio.gather(*(work() for _ in range(WORKERS)))

    return together(asyncio.run(all_work()))


def together(parts: Any) -> Times:
    """Return the samples of all workers, less what reading the clock takes."""
    clock = statistics.median(sample(ConnectionRouter([]), lambda _: None))
    found: dict[str, list[int]] = {}
    for part in parts:
        for name, times in part.items():
            found.setdefault(name, []).extend(int(taken - clock) for taken in times)
    return found


@pytest.mark.parametrize("measure", [in_threads, in_tasks])
@pytest.mark.parametrize("asked", QUESTIONS)
def test_a_look_up(
    candidates: Mapping[str, ConnectionRouter], asked: str, measure: Callable[..., Times]
) -> None:
    """At most 1.2 times a hand-written router, and the same for a thousand rules."""
    found = measure(candidates, QUESTIONS[asked])
    median = {name: statistics.median(times) for name, times in found.items()}
    last = {name: statistics.quantiles(times, n=100)[98] for name, times in found.items()}
    report(
        f"{asked}, {measure.__name__.replace('_', ' ')}: median and 99th percentile, ns",
        **{name: f"{median[name]:5.0f} {last[name]:6.0f}" for name in candidates},
    )
    for rules in ("1 rule", "1000 rules"):
        assert median[f"published, {rules}"] <= AIM * median[f"hand-written, {rules}"]
    assert median["published, 1000 rules"] <= AIM * median["published, 1 rule"]
