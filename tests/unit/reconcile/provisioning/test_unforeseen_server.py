"""An error of our own in the work on a server: told there and in its aliases, and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from dbalias.api.meta import JSON, Key
from dbalias.api.ownership import DATABASE_FINALIZER, MANAGER
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.provisioning.deletion import PATIENCE
from dbalias.reconcile.provisioning.ports import Endpoint
from dbalias.reconcile.provisioning.reconciler import ServerReconciler
from dbalias.servers.plot import Plot, Survey
from dbalias.servers.wanted import Wanted
from integration.operator.objects import secret
from unit.reconcile.fake import FakeCluster
from unit.reconcile.provisioning.serving import NOW
from unit.reconcile.serving import made, server

SPACE, ALIAS = "shop", "shop-users"
HIDDEN = "what a driver may have quoted"


class Strange:
    """A server that shows what we cannot read."""

    async def survey(self, wanted: Sequence[Wanted]) -> Survey:
        """Fail."""
        raise LookupError(HIDDEN)

    async def look_up(self, wanted: Wanted) -> Plot:
        """Fail."""
        raise LookupError(HIDDEN)

    async def close(self) -> None:
        """There is nothing to end."""


@dataclass
class Scene:
    """A server with one alias, and the time."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    passed: timedelta = timedelta()

    def __post_init__(self) -> None:
        admin = secret("main-admin", username="admin", password="secret")
        self.cluster.put(Resource.SECRETS, SPACE, admin)
        self.cluster.put(Resource.SERVERS, SPACE, server())
        alias = made("users", provision={"deletionPolicy": "Delete"})
        self.cluster.put(Resource.ALIASES, SPACE, alias)
        self.reconciler = ServerReconciler(
            self.cluster,
            BindingSecrets(self.cluster),
            Metrics(),
            clock=lambda: NOW + self.passed,
            installation=MANAGER,
            connect=lambda address: cast(Endpoint, Strange()),
        )

    def run(self, *, after: timedelta = timedelta()) -> float:
        """Run a pass some time later; return the seconds until the next."""
        self.passed += after
        pause = asyncio.run(self.reconciler.reconcile(Key(SPACE, "main")))
        assert pause is not None
        return pause

    def told(self, resource: Resource, name: str, condition: str) -> JSON:
        """Return a condition of an object."""
        status = self.cluster.objects[resource, SPACE, name]["status"]
        return next(one for one in status["conditions"] if one["type"] == condition)


def test_an_error_nobody_foresaw_is_told_by_its_server_and_what_waits_for_it() -> None:
    """By its type alone: a new alias would seem to wait for a look that never comes."""
    scene = Scene()
    scene.run()
    connected = scene.told(Resource.SERVERS, "main", "Connected")
    assert (connected["status"], connected["reason"]) == ("Unknown", "InternalError")
    provisioned = scene.told(Resource.ALIASES, ALIAS, "Provisioned")
    assert (provisioned["status"], provisioned["reason"]) == ("False", "ServerUnavailable")
    for told in (connected, provisioned):
        assert "LookupError" in told["message"]
    assert HIDDEN not in str(scene.cluster.objects)


def test_a_server_with_an_error_nobody_foresaw_is_tried_later_each_time() -> None:
    """As one that does not answer is."""
    scene = Scene()
    pause = 0.0
    for _ in range(12):
        pause = scene.run(after=timedelta(seconds=pause))
    assert pause > 60


@pytest.mark.parametrize("waited", [timedelta(), PATIENCE])
def test_a_deletion_waits_for_a_server_with_an_error_nobody_foresaw_no_longer_than_for_another(
    waited: timedelta,
) -> None:
    """Or a namespace would hang for ever."""
    scene = Scene()
    place = (Resource.ALIASES, SPACE, ALIAS)
    metadata = scene.cluster.objects[place]["metadata"]
    metadata["finalizers"] = [DATABASE_FINALIZER]
    metadata["deletionTimestamp"] = NOW.isoformat()
    scene.run()
    scene.run(after=waited)
    left = scene.cluster.objects[place]["metadata"]["finalizers"]
    assert left == ([] if waited else [DATABASE_FINALIZER])
