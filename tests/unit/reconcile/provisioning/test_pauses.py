"""When a server is looked at again: as soon as something is due there, and no sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from dbalias.api.meta import JSON, Key
from dbalias.api.ownership import MANAGER
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.ports import ConflictError, Resource
from dbalias.reconcile.provisioning.ports import Endpoint
from dbalias.reconcile.provisioning.reconciler import FAILED, HURRIED, ServerReconciler
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.plot import Standing, Survey
from dbalias.servers.wanted import Wanted
from integration.operator.objects import secret
from unit.reconcile.fake import FakeCluster
from unit.reconcile.provisioning.serving import NOW, Found
from unit.reconcile.serving import a_binding, made, served, server

SPACE, ALIAS = "shop", "shop-users"
ELSEWHERE = "new.db.svc"


@dataclass(slots=True)
class Hasty(FakeCluster):
    """A cluster where others write a status between each read of it and ours, so many times."""

    others: int = 0

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, **how: Any
    ) -> None:
        """Come too late while others write."""
        if resource is Resource.ALIASES and self.others:
            self.others -= 1
            raise ConflictError("another was faster")
        await FakeCluster.apply_status(self, resource, namespace, body, **how)


@dataclass(slots=True)
class Answering:
    """A server on which all databases stand so, or that does not answer."""

    standing: Standing
    down: bool = False

    async def survey(self, wanted: Sequence[Wanted]) -> Survey:
        """Return what there is."""
        if self.down:
            raise ServerFaultError(Fault.UNREACHABLE, "nobody answers")
        plots = {
            one.database: Found(one, self.standing, logins=frozenset({one.logins.a}))
            for one in wanted
        }
        return Survey("PostgreSQL 15", plots)

    async def run(self, steps: object) -> None:
        """Take any statement."""

    async def close(self) -> None:
        """There is nothing to end."""


@dataclass(slots=True)
class Scene:
    """One server with one alias, and the time."""

    standing: Standing
    cluster: Hasty = field(default_factory=Hasty)
    passed: timedelta = timedelta()
    endpoint: Answering = field(init=False)
    reconciler: ServerReconciler = field(init=False)

    def __post_init__(self) -> None:
        admin = secret("main-admin", username="admin", password="secret")
        self.put(Resource.SECRETS, admin)
        self.put(Resource.SECRETS, a_binding("users"))
        self.put(Resource.SERVERS, server())
        self.put(Resource.ALIASES, made("users"))
        self.endpoint = Answering(self.standing)
        self.reconciler = ServerReconciler(
            self.cluster,
            BindingSecrets(self.cluster),
            Metrics(),
            clock=lambda: NOW + self.passed,
            installation=MANAGER,
            connect=lambda address: cast(Endpoint, self.endpoint),
        )

    def put(self, resource: Resource, body: JSON) -> None:
        """Store what somebody applies."""
        self.cluster.put(resource, SPACE, body)

    def run(self, *, after: float = 0.0) -> float:
        """Run a pass some seconds later; return the seconds until the next."""
        self.passed += timedelta(seconds=after)
        pause = asyncio.run(self.reconciler.reconcile(Key(SPACE, "main")))
        assert pause is not None
        return pause

    def place(self) -> str:
        """Return where the alias says that its database was seen."""
        status = self.cluster.objects[Resource.ALIASES, SPACE, ALIAS]["status"]
        return str(status["provision"]["place"])


def test_server_that_is_down_is_asked_no_oftener_for_what_was_due_meanwhile() -> None:
    """None of its aliases can be helped before it answers, and each pass lists them all."""
    scene = Scene(Standing.ANOTHERS)
    scene.run()
    scene.endpoint.down = True
    pause = 0.0
    for _ in range(12):
        pause = scene.run(after=pause)
    assert pause > 60


def test_alias_that_wants_nothing_any_more_is_not_waited_for() -> None:
    """What failed of it was to be tried again, and is not."""
    scene = Scene(Standing.ANOTHERS)
    again = scene.run()
    mended = served("users", credentials={"secretRef": {"name": "login"}})
    before = scene.cluster.objects[Resource.ALIASES, SPACE, ALIAS]
    mended["metadata"]["uid"] = before["metadata"]["uid"]
    scene.put(Resource.ALIASES, mended)
    assert scene.run(after=again) > FAILED


@pytest.mark.parametrize("harm", ["refused", "overtaken"])
def test_word_that_was_not_taken_is_said_in_the_next_pass(harm: str) -> None:
    """Else an alias would not follow its server before the clock's look at everything."""
    scene = Scene(Standing.OURS)
    scene.run()
    scene.put(Resource.SERVERS, server(host=ELSEWHERE))
    scene.cluster.refused = {ALIAS} if harm == "refused" else set()
    scene.cluster.others = 0 if harm == "refused" else 5
    assert scene.run() == (FAILED if harm == "refused" else HURRIED)
    assert scene.place() != ELSEWHERE
    scene.cluster.refused = set()
    scene.run(after=FAILED)
    assert scene.place() == ELSEWHERE
