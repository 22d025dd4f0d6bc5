"""An error of our own in the work on one alias: told there, tried again, and nobody else's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON
from dbalias.api.parse_alias import parse_alias
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.provisioning.claims import Claim, build_claim
from dbalias.reconcile.provisioning.deletion import PATIENCE
from dbalias.reconcile.provisioning.memory import Memory
from dbalias.reconcile.provisioning.passes import Round
from dbalias.reconcile.provisioning.ports import Endpoint
from dbalias.reconcile.provisioning.sorting import Sorting
from dbalias.reconcile.provisioning.tell import Teller
from dbalias.reconcile.provisioning.work import Work
from dbalias.servers.address import Address
from dbalias.servers.plot import Obstacle, Plot, Standing, Step, Survey
from dbalias.servers.wanted import Wanted
from unit.reconcile.fake import FakeCluster
from unit.reconcile.provisioning.serving import INSTALLATION, NOW, Found, a_plot, a_server
from unit.reconcile.serving import served

ODD, PLAIN = "shop-odd", "shop-plain"
HIDDEN = "what a driver may have quoted"


@dataclass(frozen=True, slots=True)
class Odd(Found):
    """What was found is like nothing that we know."""

    def obstacle(self) -> Obstacle | None:
        """Fail."""
        raise LookupError(HIDDEN)

    def removal(self) -> tuple[Step, ...]:
        """Fail."""
        raise LookupError(HIDDEN)


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A server that was looked at."""

    plots: dict[str, Plot]

    async def survey(self, wanted: Sequence[Wanted]) -> Survey:
        """Return what there is."""
        return Survey("PostgreSQL 15", self.plots)


@dataclass
class Scene:
    """Two aliases on a server whose databases are another's; one is odd besides."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    memory: Memory = field(default_factory=Memory)
    passed: timedelta = timedelta()
    deleted: bool = False

    def __post_init__(self) -> None:
        for name in ("odd", "plain"):
            self.cluster.put(Resource.ALIASES, "shop", served(name, provision={}))

    def run(self, *, odd: bool = True) -> Round:
        """Run a round."""
        claims = [self._claim(name) for name in (ODD, PLAIN)]
        plots: dict[str, Plot] = {
            one.wanted.database: a_plot(one, standing=Standing.ANOTHERS) for one in claims
        }
        if odd:
            plots[claims[0].wanted.database] = Odd(claims[0].wanted)
        now = NOW + self.passed
        round = Round(Sorting(tuple(claims)), Teller(self.cluster, lambda: now), self.memory)
        address = Address(ServerEngine.POSTGRESQL, "db", 5432, "me", SecretBytes(b"x"))
        endpoint = cast(Endpoint, Surveyed(plots))
        secrets = BindingSecrets(self.cluster)
        work = Work(self.cluster, secrets, endpoint, a_server(), address, lambda: now)
        asyncio.run(round.work(work))
        return round

    def _claim(self, name: str) -> Claim:
        alias = parse_alias(self.cluster.objects[Resource.ALIASES, "shop", name]).value
        assert isinstance(alias, DatabaseAlias)
        if self.deleted:
            alias = replace(alias, metadata=replace(alias.metadata, deleted_at=NOW))
        return build_claim(alias, a_server(), INSTALLATION)

    def told(self, name: str) -> JSON:
        """Return the condition Provisioned of an alias."""
        status = self.cluster.objects[Resource.ALIASES, "shop", name]["status"]
        return next(one for one in status["conditions"] if one["type"] == "Provisioned")

    def events(self) -> list[tuple[str, str]]:
        """Return whom events are about, and their reasons."""
        return [
            (body["involvedObject"]["name"], body["reason"])
            for (resource, *_), body in self.cluster.objects.items()
            if resource is Resource.EVENTS
        ]


def test_an_error_nobody_foresaw_is_told_in_its_alias_alone() -> None:
    """In the condition and an event, by its type; the other alias gets its own answer."""
    scene = Scene()
    round = scene.run()
    told = scene.told(ODD)
    assert (told["status"], told["reason"]) == ("False", "InternalError")
    assert "LookupError" in told["message"]
    assert scene.events() == [(ODD, "InternalError")]
    assert scene.told(PLAIN)["reason"] == "DatabaseClaimed"
    assert not round.failed


def test_the_text_of_an_error_nobody_foresaw_goes_to_the_log_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may quote anything, and whoever reads an alias need not be who reads the log."""
    scene = Scene()
    with caplog.at_level(logging.ERROR):
        scene.run()
    assert HIDDEN in caplog.text
    assert HIDDEN not in str(scene.cluster.objects)


def test_an_error_nobody_foresaw_is_met_again_later_each_time() -> None:
    """Until then the alias is not worked on; an edit would be tried at once."""
    scene = Scene()
    scene.run()
    first = scene.memory.due(NOW)
    assert first is not None
    assert first > NOW
    scene.passed = first - NOW
    scene.run()
    second = scene.memory.due(NOW)
    assert second is not None
    assert second - first > first - NOW


def test_an_error_nobody_foresaw_that_stays_is_written_once() -> None:
    """Neither status nor event comes again while nothing changes."""
    scene = Scene()
    scene.run()
    before = len(scene.cluster.writes)
    scene.passed = timedelta(hours=1)
    scene.run()
    assert len(scene.cluster.writes) == before


def test_an_error_nobody_foresaw_is_forgotten_once_it_is_over() -> None:
    """The condition says what was found this time."""
    scene = Scene()
    scene.run()
    scene.passed = timedelta(hours=1)
    scene.run(odd=False)
    assert scene.told(ODD)["reason"] == "DatabaseClaimed"


def test_a_deletion_that_meets_an_error_nobody_foresaw_waits_as_for_a_server() -> None:
    """It is told, tried again, and in the end nobody's namespace hangs for it."""
    scene = Scene(deleted=True)
    round = scene.run()
    assert scene.told(ODD)["reason"] == "InternalError"
    assert (ODD, "InternalError") in scene.events()
    assert round.ends
    assert all(end <= NOW + PATIENCE for end in round.ends)
