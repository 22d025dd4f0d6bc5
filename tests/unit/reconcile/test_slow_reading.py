"""A pass that reads slowly plans with the time of what it read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from dbalias.api.meta import JSON, Key
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.reconciler import Reconciler
from integration.operator.objects import alias, project, secret
from unit.reconcile.fake import FakeCluster
from unit.reconcile.scene import BEGINNING, SPACE, Scene


def test_what_changes_during_a_slow_reading_opens_no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second after a change policies are read; five seconds later the reading is over."""
    scene = Scene().put(project(image="shop:1"), alias("default"), secret())
    scene.now = BEGINNING
    secrets = BindingSecrets(scene.cluster)
    reconciler = Reconciler(scene.cluster, secrets, Metrics(), clock=lambda: scene.now, listen=0.1)
    swift = FakeCluster.list

    async def slow(
        cluster: FakeCluster, resource: Resource, *words: Any, **named: Any
    ) -> Sequence[JSON]:
        found = await swift(cluster, resource, *words, **named)
        if resource is Resource.POLICIES:
            scene.now += timedelta(seconds=5)
        return found

    scene.now += timedelta(seconds=1)
    monkeypatch.setattr(FakeCluster, "list", slow)
    asyncio.run(reconciler.reconcile(Key(SPACE, "shop")))
    assert scene.jobs("default") == []
    monkeypatch.undo()
    asyncio.run(reconciler.reconcile(Key(SPACE, "shop")))
    assert len(scene.jobs("default")) == 1
