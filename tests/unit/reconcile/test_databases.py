"""Two projects on one physical database: one run at a time, whoever comes first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON, Key, Kind
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.ports import Resource, UnreadableError
from dbalias.reconcile.reconciler import TAKEN_AGAIN, Reconciler
from integration.operator.objects import alias, project, secret
from unit.clocks import play
from unit.reconcile.fake import FakeCluster
from unit.reconcile.scene import RESOURCES, SETTLED

SHOP, BLOG = Key("tenant-a", "shop"), Key("tenant-b", "blog")
SAME = {"host": "shared.example"}


@dataclass(slots=True)
class Slow(FakeCluster):
    """Every request takes a moment, so that passes run beside each other."""

    late: set[str] = field(default_factory=set)
    """Namespaces in which a Job is created without an answer."""
    asked: list[Resource] = field(default_factory=list)
    """What was looked for in all namespaces."""

    async def list_everywhere(self, resource: Resource, **given: Any) -> Any:
        """Take note, and list."""
        self.asked.append(resource)
        return await FakeCluster.list_everywhere(self, resource, **given)

    async def list(self, *given: Any, **more: Any) -> Any:
        """Wait, then list."""
        await asyncio.sleep(0.01)
        return await FakeCluster.list(self, *given, **more)

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Wait, then create."""
        await asyncio.sleep(0.01)
        if resource is Resource.JOBS and namespace in self.late:
            raise UnreadableError("the API server did not answer")
        return await FakeCluster.create(self, resource, namespace, body)


class World:
    """Both projects, reconciled by one process."""

    def __init__(self, **aliases: JSON) -> None:
        self.cluster = Slow()
        self.now = SETTLED
        for key in (SHOP, BLOG):
            fields = aliases.get(key.name, {"default": SAME})
            declared = [alias(name, of=key.name, **spec) for name, spec in fields.items()]
            self.put(key, project(key.name, image="shop:1"), secret(), *declared)
        self.restart()

    def put(self, key: Key, *bodies: JSON) -> None:
        """Store objects in a project's namespace."""
        for body in bodies:
            self.cluster.put(RESOURCES[body["kind"]], key.namespace, body)

    def restart(self) -> None:
        """Forget all that a process knows."""
        secrets = BindingSecrets(self.cluster)
        self.reconciler = Reconciler(self.cluster, secrets, Metrics(), clock=lambda: self.now)
        self.reconciler._started = self.reconciler.clock().replace(year=2025)

    async def passes(self, *keys: Key) -> list[float | BaseException | None]:
        """Run passes beside each other."""
        self.cluster.created = timestamp(self.now)
        running = (self.reconciler.reconcile(key) for key in keys)
        return await asyncio.gather(*running, return_exceptions=True)

    def jobs(self, key: Key) -> list[JSON]:
        """Return a project's Jobs."""
        return [
            body
            for (resource, space, _), body in self.cluster.objects.items()
            if resource is Resource.JOBS and space == key.namespace
        ]

    def finish(self, key: Key) -> None:
        """Let a project's Jobs complete."""
        end = {"type": "Complete", "status": "True", "lastTransitionTime": timestamp(self.now)}
        for body in self.jobs(key):
            self.put(key, {**body, "status": {"conditions": [end]}})

    def reason(self, key: Key, name: str = "default") -> JSON:
        """Return the condition Migrated of an alias."""
        place = (RESOURCES[Kind.ALIAS.value], key.namespace, f"{key.name}-{name}")
        listed = self.cluster.objects[place]["status"]["conditions"]
        return next(one for one in listed if one["type"] == "Migrated")


def test_of_two_projects_on_one_database_one_starts_and_the_other_says_who_runs() -> None:
    """Their passes run at the same time, so neither finds the other's Job yet."""

    async def script() -> None:
        world = World()
        await world.passes(SHOP, BLOG)
        assert len(world.jobs(SHOP)) + len(world.jobs(BLOG)) == 1
        first, second = (SHOP, BLOG) if world.jobs(SHOP) else (BLOG, SHOP)
        again = await world.passes(second)
        told = world.reason(second)
        assert told["reason"] == "Queued"
        assert world.jobs(first)[0]["metadata"]["name"] in told["message"]
        assert str(first) in told["message"]
        assert again == [pytest.approx(TAKEN_AGAIN, abs=0.1)]

    play(script())


def test_the_other_starts_when_the_first_has_ended() -> None:
    """It is told at once, and reads for itself that the database is free."""

    async def script() -> None:
        world = World()
        await world.passes(SHOP)
        await world.passes(BLOG)
        assert world.jobs(BLOG) == []
        world.finish(SHOP)
        world.reconciler.project_changed(SHOP, vanished=False, ended=True)
        assert {key for key, one in world.reconciler.queue._entries.items() if one.due} == {
            SHOP,
            BLOG,
        }
        await world.passes(BLOG)
        assert len(world.jobs(BLOG)) == 1

    play(script())


def test_a_new_process_sees_who_runs_although_nobody_told_it() -> None:
    """What was claimed is forgotten with the process; the Jobs are there."""

    async def script() -> None:
        world = World()
        await world.passes(SHOP)
        world.restart()
        await world.passes(BLOG)
        assert world.jobs(BLOG) == []

    play(script())


def test_a_job_whose_creation_was_not_answered_may_be_there() -> None:
    """Its project keeps the database until a pass has read what is."""

    async def script() -> None:
        world = World()
        world.cluster.late = {SHOP.namespace}
        (failure,) = await world.passes(SHOP)
        assert isinstance(failure, UnreadableError)
        await world.passes(BLOG)
        assert world.jobs(BLOG) == []
        assert f"project {SHOP} is about to start a Job" in world.reason(BLOG)["message"]
        world.cluster.late = set()
        await world.passes(SHOP)
        assert len(world.jobs(SHOP)) == 1

    play(script())


def test_an_alias_that_waits_for_another_project_leaves_its_turn_to_others() -> None:
    """Of two aliases and a width of one, the one whose database is free goes first."""
    own = {"default": SAME, "users": {}}

    async def script() -> None:
        world = World(blog=own)
        declared = project(BLOG.name, image="shop:1", migrate={"maxParallel": 1})
        world.put(BLOG, declared)
        await world.passes(SHOP)
        await world.passes(BLOG)
        (job,) = world.jobs(BLOG)
        assert job["metadata"]["labels"]["dbalias.dev/alias"] == "users"

    play(script())


def test_projects_with_databases_of_their_own_start_beside_each_other() -> None:
    """Other servers, the same name."""

    async def script() -> None:
        world = World(
            shop={"default": {"host": "shop.example"}}, blog={"default": {"host": "blog.example"}}
        )
        await world.passes(SHOP, BLOG)
        assert len(world.jobs(SHOP)) == len(world.jobs(BLOG)) == 1

    play(script())


def test_nobody_looks_at_other_projects_while_nothing_is_to_start() -> None:
    """At rest a pass costs the same however many projects there are."""

    async def script() -> None:
        world = World(blog={"default": {"host": "blog.example"}})
        await world.passes(SHOP)
        world.finish(SHOP)
        await world.passes(SHOP)
        world.cluster.asked.clear()
        await world.passes(SHOP)
        assert world.cluster.asked == []
        await world.passes(BLOG)
        assert world.cluster.asked == [Resource.JOBS, Resource.PODS]

    play(script())
