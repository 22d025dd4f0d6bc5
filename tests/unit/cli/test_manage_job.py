"""A Job of ``dbalias manage`` whose person is in a hurry."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from dbalias.api.meta import JSON
from dbalias.api.project import Command
from dbalias.cli.manage_job import Watched
from dbalias.cluster.user import UserCluster
from dbalias.migrations.jobs import JobSpec
from dbalias.migrations.management import MANAGE, build_management_job
from dbalias.migrations.marks import Purpose
from unit.builders import a_project


class Endless:
    """A cluster whose Job never gets on, and takes for ever to go."""

    async def create(self, *place: Any) -> JSON:
        """Return the Job as Kubernetes does."""
        self._job = {**place[-1], "metadata": {**place[-1]["metadata"], "uid": "u"}}
        self._job["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
        return self._job

    async def get(self, *_: Any) -> JSON:
        """Return the Job."""
        return self._job

    async def list(self, *_: Any, **__: Any) -> list[JSON]:
        """Return neither pods nor events."""
        return []

    async def delete(self, *_: Any, **__: Any) -> None:
        """Wait."""
        await asyncio.Event().wait()


def a_job() -> JSON:
    """Return what ``dbalias manage`` makes."""
    spec = JobSpec(
        project=a_project(),
        alias=None,
        config_map="shop-databases",
        secret="shop-databases",
        migrate_secret=None,
        purpose=Purpose.COMMAND,
        command=Command(MANAGE, ("check",)),
        identity="0123456789abcdef",
    )
    return build_management_job(spec, lifetime=None)


@pytest.mark.parametrize("steps", range(4))
async def test_second_interrupt_however_soon_after_the_first_ends_the_waiting(steps: int) -> None:
    """Ctrl-C twice at once: the second one leaves."""
    stop = asyncio.Event()
    cluster = cast(UserCluster, Endless())
    task = asyncio.create_task(
        Watched(cluster, a_job(), stop=stop, say=lambda _: None).run(keep=False)
    )
    await asyncio.sleep(0.05)
    stop.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task
