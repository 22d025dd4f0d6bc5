"""Sources are asked for their versions by name, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dbalias.api.meta import Key
from dbalias.reconcile.poll import AWAITED, SPREAD, TICK, USUAL, SourcePoll, version_of
from dbalias.reconcile.ports import Resource
from integration.operator.objects import secret
from unit.clocks import now, play
from unit.reconcile.fake import FakeCluster

SHOP = Key("a", "shop")
LOGIN = (Resource.SECRETS, "a", "login")


@dataclass(slots=True)
class Polling:
    """A poll at work over a namespace, and when it told of a change."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    told: list[float] = field(default_factory=list)

    def put(self, password: str) -> str:
        """Store the Secret; return its version."""
        stored = self.cluster.put(Resource.SECRETS, "a", secret(password=password))
        return str(stored["metadata"]["resourceVersion"])

    async def during(self, script: Callable[[SourcePoll], Awaitable[None]]) -> None:
        """Play a script against the running poll."""
        poll = SourcePoll(self.cluster, changed=lambda _: self.told.append(now()))
        running = asyncio.create_task(poll.run())
        await script(poll)
        assert not running.done()
        running.cancel()


def test_an_unchanged_secret_is_told_of_never() -> None:
    """However long it is looked at."""
    polling = Polling()

    async def script(poll: SourcePoll) -> None:
        poll.watch(SHOP, {LOGIN: polling.put("one")}, awaiting=False)
        await asyncio.sleep(600)

    play(polling.during(script))
    assert polling.told == []


def test_a_changed_secret_is_told_of_within_half_a_minute() -> None:
    """Whenever in between it was changed."""
    polling = Polling()

    async def script(poll: SourcePoll) -> None:
        poll.watch(SHOP, {LOGIN: polling.put("one")}, awaiting=False)
        await asyncio.sleep(100)
        polling.put("two")
        await asyncio.sleep(30)

    play(polling.during(script))
    assert 100 <= polling.told[0] <= 100 + USUAL + SPREAD + TICK


def test_an_awaited_secret_is_told_of_within_seconds() -> None:
    """It appears, and nobody is to wait for it any longer than needed."""
    polling = Polling()

    async def script(poll: SourcePoll) -> None:
        poll.watch(SHOP, {LOGIN: None}, awaiting=True)
        await asyncio.sleep(61)
        polling.put("one")
        await asyncio.sleep(10)

    play(polling.during(script))
    assert 61 < polling.told[0] <= 61 + AWAITED + TICK


def test_what_cannot_be_read_is_no_change() -> None:
    """An API server that does not answer must not look like a Secret that is gone."""
    polling = Polling()

    async def script(poll: SourcePoll) -> None:
        poll.watch(SHOP, {LOGIN: polling.put("one")}, awaiting=False)
        polling.cluster.unreadable = {Resource.SECRETS}
        await asyncio.sleep(120)

    play(polling.during(script))
    assert polling.told == []


def test_a_project_that_is_gone_is_asked_for_no_more() -> None:
    """Also when it goes at the very moment at which it is due: the poll lives on."""
    polling = Polling()

    async def script(poll: SourcePoll) -> None:
        for number in range(200):
            key = Key("a", str(number))
            poll.watch(key, {LOGIN: polling.put("one")}, awaiting=True)
            asyncio.get_running_loop().call_later(AWAITED, forget, poll, key, number % 5)
        polling.put("two")
        await asyncio.sleep(60)
        polling.told.clear()
        await asyncio.sleep(60)

    play(polling.during(script))
    assert polling.told == []


def forget(poll: SourcePoll, key: Key, turns: int) -> None:
    """End the watch over a project so many turns of the loop later."""
    if turns:
        asyncio.get_running_loop().call_soon(forget, poll, key, turns - 1)
    else:
        poll.watch(key, {}, awaiting=False)


def test_a_watched_secret_is_compared_at_once() -> None:
    """Where Secrets may be watched nobody waits for the poll; its own version is no news."""
    polling = Polling()

    async def script(poll: SourcePoll) -> None:
        version = polling.put("one")
        poll.watch(SHOP, {LOGIN: version}, awaiting=False)
        poll.noticed(LOGIN, version)
        poll.noticed((Resource.SECRETS, "b", "login"), "77")
        poll.noticed((Resource.SECRETS, "a", "other"), "77")
        assert polling.told == []
        poll.noticed((Resource.SECRETS, "a", "login"), "77")
        assert polling.told == [now()]

    play(polling.during(script))


def test_a_servers_status_is_no_change_and_its_spec_is_one() -> None:
    """A server that is looked at all the time wakes no project."""
    polling = Polling()
    place = (Resource.SERVERS, "databases", "main")

    def put(generation: int) -> str | None:
        metadata = {"name": "main", "uid": "u", "generation": generation}
        return version_of(polling.cluster.put(place[0], place[1], {"metadata": metadata}))

    async def script(poll: SourcePoll) -> None:
        poll.watch(SHOP, {place: put(1)}, awaiting=False)
        put(1)
        await asyncio.sleep(100)
        assert polling.told == []
        put(2)
        await asyncio.sleep(30)

    play(polling.during(script))
    assert len(polling.told) >= 1
