"""A plan is carried out in its order, and what goes wrong stops what would come after it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from dbalias.api.meta import FIELD_MANAGER, JSON, Key, Kind
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.actions import (
    Action,
    CreateJob,
    DeleteObject,
    Plan,
    PublishConfigMap,
    PublishSecret,
    WriteStatus,
)
from dbalias.reconcile.execute import AT_ONCE, execute
from dbalias.reconcile.ports import ConflictError, RefusedError, Resource, Selector
from unit.builders import a_metadata


@dataclass(slots=True)
class Recorder:
    """A cluster that takes a moment for each write and remembers their order."""

    done: list[str] = field(default_factory=list)
    failing: Mapping[str, Exception] = field(default_factory=dict)
    busiest: int = 0
    _busy: int = 0

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Nothing is ever there."""
        return None

    async def list(
        self,
        resource: Resource,
        namespace: str,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Nothing is ever there."""
        return ()

    async def list_everywhere(
        self,
        resource: Resource,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Nothing is ever there."""
        return ()

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Remember a creation."""
        await self._write(f"create {body['kind']}", body["metadata"]["name"])
        return body

    async def apply(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Remember an apply."""
        await self._write(f"apply {body['kind']}", body["metadata"]["name"])
        return body

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, *, manager: str = FIELD_MANAGER
    ) -> None:
        """Remember a status."""
        await self._write("status", body["metadata"]["name"])

    async def patch(self, resource: Resource, namespace: str, name: str, patch: JSON) -> JSON:
        """Remember a patch."""
        await self._write("patch", name)
        return patch

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> None:
        """Remember a deletion."""
        await self._write("delete", name)

    async def _write(self, what: str, name: str) -> None:
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        await asyncio.sleep(0)
        self._busy -= 1
        if name in self.failing:
            raise self.failing[name]
        self.done.append(f"{what} {name}")


def a_plan(*early: Action, late: tuple[Action, ...] = ()) -> Plan:
    """Return a plan of the project ``shop``."""
    return Plan(Key("shop", "shop"), owner=a_metadata("shop"), early=early, late=late)


def a_status(name: str) -> WriteStatus:
    """Return the write of an alias' status."""
    return WriteStatus(Kind.ALIAS, a_metadata(name), {"observedGeneration": 1})


SECRET = PublishSecret("shop-databases", {"users.password": SecretBytes(b"x")})
CONFIG_MAP = PublishConfigMap("shop-databases", {"databases.json": "{}"})
JOB = CreateJob("users", {"kind": "Job", "metadata": {"name": "m-1"}})
OLD_JOB = DeleteObject("Job", "m-0", "uid")


async def test_what_needs_another_object_comes_after_it() -> None:
    """Secret, ConfigMap, all statuses, deletions; Jobs when all that is done."""
    cluster = Recorder()
    statuses = [a_status(f"a{number}") for number in range(20)]
    await execute(cluster, a_plan(SECRET, CONFIG_MAP, *statuses, OLD_JOB, late=(JOB,)))
    assert cluster.done[:2] == ["create Secret shop-databases", "create ConfigMap shop-databases"]
    assert sorted(cluster.done[2:22]) == sorted(f"status a{number}" for number in range(20))
    assert cluster.done[22:] == ["delete m-0", "create Job m-1"]


async def test_neighbouring_statuses_are_written_together() -> None:
    """As many at once as it says, and nothing else beside them."""
    cluster = Recorder()
    await execute(cluster, a_plan(*(a_status(f"a{number}") for number in range(20))))
    assert cluster.busiest == AT_ONCE
    cluster = Recorder()
    await execute(cluster, a_plan(SECRET, CONFIG_MAP, OLD_JOB))
    assert cluster.busiest == 1


async def test_a_status_that_conflicts_keeps_everything_after_it_from_happening() -> None:
    """An outcome that is not stored must not lead to a deletion or to a Job."""
    cluster = Recorder(failing={"a0": ConflictError("changed")})
    statuses = [a_status(f"a{number}") for number in range(20)]
    with pytest.raises(ConflictError):
        await execute(cluster, a_plan(*statuses, OLD_JOB, late=(JOB,)))
    assert not any(one.startswith(("delete", "create")) for one in cluster.done)
    assert len(cluster.done) < AT_ONCE


async def test_an_early_refusal_ends_the_pass_and_is_returned() -> None:
    """By the object's name, with the server's words."""
    cluster = Recorder(failing={"shop-databases": RefusedError("quota")})
    refusals = await execute(cluster, a_plan(SECRET, a_status("a0"), late=(JOB,)))
    assert refusals == {"Secret/shop-databases": "quota"}
    assert cluster.done == []


async def test_a_refused_job_leaves_the_others_alone() -> None:
    """Each stands for itself."""
    other = CreateJob("orders", {"kind": "Job", "metadata": {"name": "m-2"}})
    cluster = Recorder(failing={"m-1": RefusedError("quota")})
    assert await execute(cluster, a_plan(late=(JOB, other))) == {"Job/m-1": "quota"}
    assert cluster.done == ["create Job m-2"]
