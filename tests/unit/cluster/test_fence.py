"""What the Lease lets through to database servers, by a clock that tests move."""

from __future__ import annotations

import asyncio
import time

import pytest

from dbalias.cluster import lease as leases
from dbalias.cluster.lease import DURATION, MARGIN, PATIENCE, Lease
from dbalias.reconcile.ports import NotLeadingError
from dbalias.servers.sessions.timeouts import Timeouts
from unit.clocks import now, play
from unit.cluster.leasing import OneLease, a_lease

LATE = Timeouts().late
"""Seconds for which a statement asks to be covered."""


def covers(lease: Lease) -> bool:
    """Tell whether a statement is let through."""
    try:
        lease.cover(LATE)
    except NotLeadingError:
        return False
    return True


@pytest.mark.usefixtures("clock")
def test_nothing_is_covered_before_the_lease_is_ours() -> None:
    """A statement needs the Lease as a write does."""

    async def script() -> None:
        assert not covers(a_lease(OneLease()))

    play(script())


@pytest.mark.usefixtures("clock")
def test_a_lease_that_is_renewed_covers_all_that_is_sent() -> None:
    """While the API server answers, no statement is refused."""

    async def script() -> None:
        lease = a_lease(OneLease(delay=0.4))
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        for _ in range(300):
            assert covers(lease)
            await asyncio.sleep(0.1)
        running.cancel()

    play(script())


@pytest.mark.usefixtures("clock")
def test_what_is_covered_is_over_before_another_may_lead() -> None:
    """However late it begins, with the margin for clocks that differ."""

    async def script() -> None:
        server = OneLease()
        dead, lease = a_lease(server, "dead"), a_lease(server)
        leading = asyncio.create_task(dead.run())
        await dead.acquired.wait()
        waiting = asyncio.create_task(lease.run())
        await asyncio.sleep(30)
        leading.cancel()
        last = now()
        while covers(dead):
            last = now()
            await asyncio.sleep(0.05)
        await lease.acquired.wait()
        assert now() - last >= LATE + MARGIN
        waiting.cancel()

    play(script())


@pytest.mark.usefixtures("clock")
def test_a_released_lease_stays_closed_until_what_was_covered_is_over() -> None:
    """A statement that waits for a lock may still take effect when its sender has ended."""

    async def script() -> None:
        server = OneLease()
        first, second = a_lease(server, "first"), a_lease(server, "second")
        running = asyncio.create_task(first.run())
        await first.acquired.wait()
        waiting = asyncio.create_task(second.run())
        await asyncio.sleep(10)
        first.cover(LATE)
        sent = now()
        running.cancel()
        await first.release()
        assert not covers(first)
        await second.acquired.wait()
        assert LATE <= now() - sent < DURATION
        waiting.cancel()

    play(script())


def test_a_renewal_that_is_a_little_late_is_waited_for_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine each of them is; a pass that ended would begin all over again."""
    monkeypatch.setattr(leases, "PATIENCE", 60.0)  # the thread may be starved after a renewal

    async def script() -> None:
        lease = a_lease(OneLease())
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        await asyncio.sleep(1.6)
        only_after_a_renewal = DURATION - MARGIN - 1.5
        with pytest.raises(NotLeadingError):
            lease.cover(only_after_a_renewal)
        await asyncio.to_thread(lease.wait_until_covered, only_after_a_renewal)
        running.cancel()

    asyncio.run(script())


def test_a_renewal_that_does_not_come_is_not_waited_for_much_longer() -> None:
    """The server would end the session first, and nobody would say why."""

    async def script() -> None:
        lease = a_lease(OneLease())
        running = asyncio.create_task(lease.run())
        await lease.acquired.wait()
        running.cancel()
        begun = time.monotonic()
        with pytest.raises(NotLeadingError):
            await asyncio.to_thread(lease.wait_until_covered, DURATION - MARGIN)
        assert time.monotonic() - begun >= PATIENCE

    asyncio.run(script())


def test_no_wait_for_a_renewal_outlasts_the_silence_that_ends_a_session() -> None:
    """A session may have been idle before: its server would seem to be gone, for all aliases."""
    given = Timeouts()
    assert given.idle + PATIENCE < given.silence
