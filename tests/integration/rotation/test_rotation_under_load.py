"""Logins change under load, on PostgreSQL and MariaDB, and no query fails for it.

A listed workload keeps its connections, another makes a new one for each request, and a process
that nobody lists sleeps through each rotation. Every process makes tables, and alters and fills
those that were made under the other login.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dbalias.api.ownership import ROTATE_REQUESTED_AT
from integration.operator.objects import project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space
from integration.rotation.conftest import provisioned
from integration.rotation.pods import PATIENCE, Node, Process, deployment
from stage.api import ApiServer

ROUNDS = 5
LEAST = 200
"""Queries that belong to a round; how long they take is the machine's affair."""
ALIASES = {"default": "postgresql", "other": "mariadb"}
WORKLOADS = [{"kind": "Deployment", "name": name} for name in ("web", "worker")]
FRESH = [{"name": "fresh", "aliases": [{"alias": "*", "connMaxAge": 0}]}]
_requests = itertools.count(1)


@dataclass(slots=True)
class Load:
    """A project under load."""

    node: Node
    api: ApiServer
    queries: int = 0

    def status(self, name: str) -> dict[str, Any]:
        """Return the status of an alias."""
        body = self.api.get("DatabaseAlias", self.node.space.name, f"shop-{name}")
        assert body is not None
        return dict(body.get("status") or {})

    def logins(self) -> dict[str, str]:
        """Return the login of each alias that its Secret has."""
        return {one: (self.status(one).get("provision") or {}).get("login", "") for one in ALIASES}

    def wait_for_change(self, before: dict[str, str]) -> None:
        """Wait until the logins of all aliases are others, and all workloads have them."""

        def probe() -> bool:
            now = self.logins()
            return all(
                now[one] not in ("", before[one])
                and self.status(one).get("settledLogin") == now[one]
                for one in ALIASES
            )

        try:
            wait_until(probe, seconds=PATIENCE)
        except AssertionError as error:
            told = {one: self.status(one) for one in ALIASES}
            raise AssertionError(f"no other logins than {before}: {told}") from error

    def wait_for_workloads(self) -> None:
        """Wait until each listed workload serves."""
        for one in WORKLOADS:
            where = ("-n", self.node.space.name, f"--timeout={PATIENCE}s")
            self.node.space.bench.kubectl("rollout", "status", f"deployment/{one['name']}", *where)

    def asleep(self) -> Process:
        """Start a process that sleeps, and wait until it does."""
        process = self.node.process("sleep")
        wait_until(lambda: process.stands == "asleep", what="a sleeper")
        return process

    def awake(self, sleeper: Process, logins: dict[str, str]) -> None:
        """Wake a sleeper, which has had these logins all the time."""
        sleeper.tell()
        said = sleeper.wait()
        assert said["logins"] == logins
        assert said["failed"] == []
        self.queries += said["queries"]

    def ask(self) -> None:
        """Ask for a rotation of every alias."""
        metadata = {"annotations": {ROTATE_REQUESTED_AT: f"request {next(_requests)}"}}
        for one in ALIASES:
            self.api.merge("DatabaseAlias", self.node.space.name, f"shop-{one}", metadata=metadata)

    def wait_for_queries(self, least: int) -> None:
        """Wait until so many have been made, none of which may have failed."""
        wait_until(lambda: self.count() > least, seconds=PATIENCE, what=f"{least} queries")

    def count(self) -> int:
        """Return the queries of all processes until now, none of which may have failed."""
        said = self.node.last_words()
        assert [fault for one in said for fault in one["failed"]] == []
        return self.queries + sum(int(one["queries"]) for one in said)


@pytest.fixture(scope="module")
def load(home: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Two provisioned databases, of which two listed workloads make use."""
    api = home.bench.client()
    kept: dict[str, Any] = {"connMaxAge": "Unlimited", "connHealthChecks": True}
    kept["provision"] = {"password": {"charset": "Printable"}}
    home.apply(
        project(workloads=WORKLOADS, profiles=FRESH),
        *(provisioned(name, server, **kept) for name, server in ALIASES.items()),
    )
    for one in ALIASES:
        home.wait_for("dba", f"shop-{one}", reason="Ready", seconds=PATIENCE)
    with Node(home, api, tmp_path_factory.mktemp("node")) as node:
        assert node.process("prepare").wait()["failed"] == []
        home.apply(deployment("web"), deployment("worker", DBALIAS_PROFILE="fresh"))
        load = Load(node, api)
        load.wait_for_workloads()
        yield load
    api.close()


def test_no_query_fails_during_ten_rotations(load: Load) -> None:
    """Five on PostgreSQL and five on MariaDB, so that either login of each comes again."""
    began, seen = time.monotonic(), [load.logins()]
    for number in range(ROUNDS):
        sleeper, before = load.asleep(), load.logins()
        load.ask()
        load.wait_for_change(before)
        load.awake(sleeper, before)
        seen.append(load.logins())
        load.wait_for_queries(LEAST * (number + 1))
    for one in ALIASES:
        published = [logins[one] for logins in seen]
        assert set(published[::2]) == {published[0]}
        assert set(published[1::2]) == {published[1]} != set(published[::2])
    queries, took, rotations = load.count(), time.monotonic() - began, ROUNDS * len(ALIASES)
    assert queries > LEAST * ROUNDS
    print(f"{rotations} rotations in {took:.0f} s: {queries} queries, none failed")


@pytest.mark.parametrize(("lost", "edited"), list(itertools.permutations(ALIASES)))
def test_no_query_fails_when_binding_secrets_are_lost_or_edited(
    load: Load, lost: str, edited: str
) -> None:
    """The other login is published, the edit never, and whoever has not heard of it goes on."""
    before, sleeper = load.logins(), load.asleep()
    data = secret("x", password="mine")["data"]
    load.node.space.patch("secret", f"shop-{edited}-binding", data=data)
    load.node.space.delete("secret", f"shop-{lost}-binding")
    load.wait_for_change(before)
    load.awake(sleeper, before)
    assert load.count()
