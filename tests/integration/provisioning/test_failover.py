"""A replica as a DatabaseServer's host, and a primary that dies in the middle of a pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dbalias.reconcile.ports import Resource
from integration.provisioning.mortal import Fate
from integration.provisioning.relay import Relay, relayed
from integration.provisioning.rig import ADMIN_PASSWORD, ADMINISTRATOR, Rig, rigged
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer
from localkube.replicas import SOURCE_SETTINGS, MariaDBReplica, PostgresStandby, Replica

NAMES = [f"users{number}" for number in range(6)]
PASSES = 40
UNHEARD_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary, its replica, and an address that leads to the primary until it died."""

    primary: DatabaseServer
    replica: Replica
    relay: Relay

    async def fail_over(self) -> None:
        """Let the primary die with its last answers unheard; the replica takes its place.

        A server that only died might do so between two statements, which nobody would notice.
        """
        self.relay.is_mute = True
        await asyncio.sleep(UNHEARD_SECONDS)
        await asyncio.to_thread(self._replace)

    def _replace(self) -> None:
        self.primary.kill()
        self.replica.promote()
        # In this order: the replica's greeting would be lost as well.
        self.relay.is_mute = False
        self.relay.target = self.replica


@dataclass(slots=True)
class Misfortune(Fate):
    """Lets the process live, and strikes something else at the ``fatal`` moment."""

    strike: Callable[[], Coroutine[None, None, None]] = lambda: asyncio.sleep(0)
    struck: asyncio.Task[None] | None = None

    def _moment(self, what: str) -> None:
        self.said.append(what)
        if len(self.said) == self.fatal:
            self.struck = asyncio.create_task(self.strike())


@pytest.fixture(params=["postgresql", "mariadb"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """PostgreSQL with a hot standby, and MariaDB with a replica that is read-only."""
    folder: Path = tmp_path_factory.mktemp("pair")
    settings = SOURCE_SETTINGS[request.param]
    with ExitStack() as stack:
        replica: MariaDBReplica | PostgresStandby
        if request.param == "postgresql":
            postgres = stack.enter_context(PostgresServer(folder / "primary", settings=settings))
            replica = PostgresStandby(folder / "replica", of=postgres)
        else:
            mariadb = stack.enter_context(MariaDBServer(folder / "primary", settings=settings))
            replica = MariaDBReplica(folder / "replica", of=mariadb)
        stack.enter_context(replica)
        replica.follow()
        replica.source.create_administrator(ADMINISTRATOR, ADMIN_PASSWORD)
        replica.catch_up()
        relay = stack.enter_context(relayed(replica.source))
        yield Pair(replica.source, replica, relay)


async def test_a_replica_is_told_to_take_no_writes_and_told_so_once(
    kubeconfig: Path, pair: Pair
) -> None:
    """What was made on the primary is looked at there, and what is new waits."""
    async with rigged(kubeconfig, pair.replica) as rig:
        await rig.declare()
        await rig.alias()
        await rig.run()
        told = await _told(rig)
        connected = (await rig.server_status())["conditions"]["Connected"]
        assert connected["reason"] == "ServerReadOnly"
        assert "name the primary in spec.host" in connected["message"]
        assert (await rig.provisioned())["reason"] == "ServerUnavailable"
        await asyncio.sleep(1.1)
        await rig.run()
        assert await _told(rig) == told


async def test_a_failover_in_the_middle_of_a_pass_changes_nothing_of_its_end(
    kubeconfig: Path, pair: Pair
) -> None:
    """The primary dies with half of the statements done; the same process goes on."""
    async with rigged(kubeconfig, pair.primary) as rig:
        await rig.declare(port=pair.relay.port)
        for name in NAMES:
            await rig.alias(name)
        misfortune = Misfortune(fatal=len(NAMES) * 6, strike=pair.fail_over)
        rig.restart(connect=misfortune.connect)
        await rig.run()
        assert misfortune.struck is not None
        await misfortune.struck
        assert not await _are_provisioned(rig)
        rig.database = pair.replica
        for _ in range(PASSES):
            again = await rig.run()
            if await _are_provisioned(rig):
                break
            assert again is not None
            await asyncio.sleep(min(again, 3))
        assert await _are_provisioned(rig), misfortune.said
        assert rig.databases() == {f"{rig.namespace}_{name}" for name in NAMES}
        for name in NAMES:
            assert rig.logins(name) == {"_a"}
            assert rig.opens(await rig.binding(f"{name}-binding"))


async def _are_provisioned(rig: Rig) -> bool:
    return all([(await rig.provisioned(name))["status"] == "True" for name in NAMES])


async def _told(rig: Rig) -> tuple[object, ...]:
    """Return all that is said of a server and its alias, but when it is tried again."""
    return (
        (await rig.server_status())["conditions"],
        await rig.version(Resource.ALIASES, "users"),
        await rig.events("main"),
        await rig.events("users"),
    )
