"""The Lease, against an API server in memory and a clock that tests move."""

from __future__ import annotations

import asyncio

import pytest

from dbalias.cluster.lease import DURATION, MARGIN
from unit.clocks import now, play
from unit.cluster.leasing import OneLease, a_lease

pytestmark = pytest.mark.usefixtures("clock")


def test_a_free_lease_is_taken_and_kept() -> None:
    """Renewed several times within its duration, for as long as the process runs."""

    async def script() -> None:
        server = OneLease()
        lease = a_lease(server)
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        for _ in range(300):
            await asyncio.sleep(1)
            assert lease.is_held()
        assert server.holder == "one"
        assert 300 / DURATION * 2 < len(server.puts) < 300
        running.cancel()

    play(script())


def test_nothing_may_be_written_before_the_lease_is_ours() -> None:
    """Neither at first nor while another process holds it."""

    async def script() -> None:
        server = OneLease()
        other = a_lease(server, "other")
        leading = asyncio.create_task(other.run())
        await other.acquired.wait()
        lease = a_lease(server)
        assert not lease.is_held()
        waiting = asyncio.create_task(lease.run())
        await asyncio.sleep(120)
        assert not lease.acquired.is_set()
        assert not lease.is_held()
        assert server.holder == "other"
        leading.cancel()
        waiting.cancel()

    play(script())


def test_a_lease_that_nobody_renews_is_taken_over_after_its_duration() -> None:
    """Not before the dead holder would have stopped writing, and soon after."""

    async def script() -> None:
        server = OneLease()
        dead = a_lease(server, "dead")
        leading = asyncio.create_task(dead.run())
        await dead.acquired.wait()
        lease = a_lease(server)
        waiting = asyncio.create_task(lease.run())
        await asyncio.sleep(30)
        leading.cancel()
        died = now()
        await lease.acquired.wait()
        assert not dead.is_held()
        assert DURATION / 2 < now() - died < DURATION + 5
        assert server.body["spec"]["leaseTransitions"] == 1
        waiting.cancel()

    play(script())


@pytest.mark.parametrize("written", ["1999-01-01T00:00:00.000000Z", "2199-01-01T00:00:00.000000Z"])
def test_the_clock_of_another_holder_is_not_compared_with_ours(written: str) -> None:
    """Its Lease is over when it has not changed for its duration, whatever time it wrote."""

    async def script() -> None:
        spec = {"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": written}
        server = OneLease({"metadata": {"resourceVersion": "0"}, "spec": spec})
        lease = a_lease(server)
        waiting = asyncio.create_task(lease.run())
        await asyncio.sleep(DURATION - 1)
        assert not lease.acquired.is_set()
        await asyncio.sleep(DURATION)
        assert lease.acquired.is_set()
        waiting.cancel()

    play(script())


def test_a_holder_that_cannot_renew_stops_writing_before_another_may_begin() -> None:
    """With a margin; then its run returns, so that the process ends."""

    async def script() -> None:
        server = OneLease()
        lease = a_lease(server)
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        await asyncio.sleep(30)
        server.away, since = True, now()
        await running
        assert not lease.is_held()
        assert now() - since <= DURATION - MARGIN + 1

    play(script())


def test_a_short_silence_of_the_api_server_loses_nothing() -> None:
    """One missed renewal is made up for by the next."""

    async def script() -> None:
        server = OneLease()
        lease = a_lease(server)
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        for _ in range(5):
            server.away = True
            await asyncio.sleep(6)
            server.away = False
            await asyncio.sleep(6)
            assert lease.is_held()
        running.cancel()

    play(script())


def test_validity_counts_from_before_the_request_that_renewed() -> None:
    """Answers that took four seconds have used up four."""

    async def script() -> None:
        lease = a_lease(OneLease(delay=2.0))
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        assert lease.remaining() == pytest.approx(DURATION - MARGIN - 4.0)
        running.cancel()

    play(script())


def test_a_lease_that_was_taken_from_us_is_lost_at_once() -> None:
    """Somebody with rights gave it away: whatever our clock says, another one writes."""

    async def script() -> None:
        server = OneLease()
        lease = a_lease(server)
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        server.body["spec"]["holderIdentity"] = "other"
        await asyncio.wait_for(running, 10)
        assert not lease.is_held()

    play(script())


def test_a_released_lease_is_free_for_the_next() -> None:
    """A process that ends in peace makes nobody wait."""

    async def script() -> None:
        server = OneLease()
        first, second = a_lease(server, "first"), a_lease(server, "second")
        running = asyncio.create_task(first.run())
        await first.acquired.wait()
        running.cancel()
        await first.release()
        assert not first.is_held()
        waiting = asyncio.create_task(second.run())
        await asyncio.wait_for(second.acquired.wait(), 5)
        waiting.cancel()

    play(script())


def test_a_renewal_that_comes_between_keeps_no_lease_held() -> None:
    """It was under way when the process was told to end; nobody waits 15 s for that."""

    async def script() -> None:
        server = OneLease()
        lease = a_lease(server)
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        running.cancel()
        server.delay = 1.0
        releasing = asyncio.create_task(lease.release())
        await asyncio.sleep(1.5)
        server.version += 1
        server.body["metadata"]["resourceVersion"] = str(server.version)
        await releasing
        assert server.holder is None

    play(script())


def test_releasing_takes_no_lease_from_another() -> None:
    """Who has lost it gives nothing up."""

    async def script() -> None:
        server = OneLease()
        holder, other = a_lease(server, "holder"), a_lease(server, "other")
        running = asyncio.create_task(holder.run())
        await holder.acquired.wait()
        await other.release()
        assert server.holder == "holder"
        running.cancel()

    play(script())


def test_of_two_that_come_at_once_one_leads() -> None:
    """The API server's comparison of versions decides."""

    async def script() -> None:
        server = OneLease()
        leases = [a_lease(server, name) for name in ("one", "two", "three")]
        tasks = [asyncio.create_task(lease.run()) for lease in leases]
        await asyncio.sleep(60)
        assert sum(lease.is_held() for lease in leases) == 1
        for task in tasks:
            task.cancel()

    play(script())


def test_whoever_led_meanwhile_and_is_gone_has_ended_our_time() -> None:
    """What a process planned before it slept knows nothing of what the other one did."""

    async def script() -> None:
        server = OneLease()
        sleeper, other = a_lease(server, "sleeper"), a_lease(server, "other")
        sleeping = asyncio.create_task(sleeper.run())
        await sleeper.acquired.wait()
        server.body["spec"]["holderIdentity"] = None
        working = asyncio.create_task(other.run())
        await other.acquired.wait()
        working.cancel()
        await other.release()
        await asyncio.wait_for(sleeping, 10)
        assert not sleeper.is_held()
        assert server.holder is None

    play(script())
