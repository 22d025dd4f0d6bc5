"""The keyed queue, on a clock of its own: seconds pass only when every task waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from dbalias.api.meta import Key
from dbalias.reconcile.ports import NotLeadingError
from dbalias.reconcile.queue import BACKOFF_FIRST, BACKOFF_LIMIT, CAP, PROMPT, QUIET, KeyedQueue
from unit.clocks import now, play

SHOP, BLOG = Key("a", "shop"), Key("a", "blog")


@dataclass(slots=True)
class Passes:
    """Runs a queue and remembers when a pass over which key began; each lasts a while."""

    lasting: float = 0.0
    answer: Callable[[Key], float | None] = lambda _: None
    begun: list[tuple[float, Key]] = field(default_factory=list)
    most: int = 0
    failures: list[float] = field(default_factory=list)
    _busy: list[Key] = field(default_factory=list)

    async def handle(self, key: Key) -> float | None:
        """Be one pass."""
        assert key not in self._busy, "two passes over one key at once"
        self._busy.append(key)
        self.most = max(self.most, len(self._busy))
        self.begun.append((round(now(), 3), key))
        await asyncio.sleep(self.lasting)
        self._busy.remove(key)
        return self.answer(key)

    def failed(self, key: Key, error: Exception, after: float) -> None:
        """Remember the pause after a failure."""
        self.failures.append(after)

    async def during(self, script: Callable[[KeyedQueue], Awaitable[None]]) -> None:
        """Play a script against a running queue."""
        queue = KeyedQueue(handle=self.handle, on_error=self.failed)
        running = asyncio.create_task(queue.run())
        try:
            await script(queue)
        finally:
            running.cancel()
            await asyncio.wait({running})

    def times(self, key: Key = SHOP) -> list[float]:
        """Return when the passes over a key began."""
        return [at for at, one in self.begun if one == key]


def test_events_in_quick_succession_are_one_pass_after_a_quiet_second() -> None:
    """500 edited aliases are one revision."""
    passes = Passes()

    async def script(queue: KeyedQueue) -> None:
        for _ in range(10):
            queue.notify(SHOP)
            await asyncio.sleep(0.5)
        await asyncio.sleep(5)

    play(passes.during(script))
    assert passes.times() == [4.5 + QUIET]


def test_events_without_end_are_a_pass_every_fifteen_seconds() -> None:
    """A project that is never quiet is not starved."""
    passes = Passes()

    async def script(queue: KeyedQueue) -> None:
        for _ in range(80):
            queue.notify(SHOP)
            await asyncio.sleep(0.5)

    play(passes.during(script))
    assert passes.times()[0] == CAP
    assert len(passes.times()) == 2


def test_an_event_during_a_pass_is_another_pass_after_it() -> None:
    """What changed while it was read is read again, never twice at once."""
    passes = Passes(lasting=5)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        await asyncio.sleep(2)
        queue.notify(SHOP)
        queue.notify(SHOP)
        await asyncio.sleep(20)

    play(passes.during(script))
    assert passes.times() == [1.0, 6.0]
    assert passes.most == 1


def test_projects_do_not_wait_for_each_other() -> None:
    """One slow key delays no other."""
    passes = Passes(lasting=30)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        queue.notify(BLOG)
        await asyncio.sleep(10)

    play(passes.during(script))
    assert passes.times(SHOP) == passes.times(BLOG) == [1.0]
    assert passes.most == 2


def test_a_pass_says_when_it_is_due_again() -> None:
    """Time alone then starts it, without a wait for quiet."""
    passes = Passes(answer=lambda _: 7.0)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        await asyncio.sleep(16)

    play(passes.during(script))
    assert passes.times() == [1.0, 8.0, 15.0]


def test_the_end_of_a_job_is_seen_at_once_however_much_happens_around_it() -> None:
    """What depends on it starts then; neither earlier nor later events postpone the pass."""
    passes = Passes()

    async def script(queue: KeyedQueue) -> None:
        for number in range(40):
            queue.notify(SHOP)
            if number == 10:
                queue.hurry(SHOP)
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)

    play(passes.during(script))
    assert passes.times() == [0.5 + PROMPT, 1.95 + QUIET]


def test_ends_that_come_together_are_one_pass() -> None:
    """Fifty Jobs of one level that end in the same moment are not fifty passes."""
    passes = Passes()

    async def script(queue: KeyedQueue) -> None:
        for _ in range(50):
            queue.hurry(SHOP)
            await asyncio.sleep(PROMPT / 60)
        await asyncio.sleep(5)

    play(passes.during(script))
    assert passes.times() == [PROMPT]


def test_a_retry_is_not_postponed_by_events() -> None:
    """A busy project's pass after a conflict comes as early as that of a quiet one."""
    passes = Passes()

    async def script(queue: KeyedQueue) -> None:
        queue.wake(SHOP, 0.5)
        queue.notify(SHOP)
        await asyncio.sleep(0.75)
        assert passes.times() == [0.5]

    play(passes.during(script))


def test_an_event_comes_before_a_distant_timer() -> None:
    """What is due in ten minutes is due in a second when something changes."""
    passes = Passes(answer=lambda _: 600.0)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        await asyncio.sleep(10)
        queue.notify(SHOP)
        await asyncio.sleep(10)

    play(passes.during(script))
    assert passes.times() == [1.0, 11.0]


def test_a_key_that_fails_is_tried_again_with_growing_pauses_up_to_a_minute() -> None:
    """Each pause is told, so that it can be logged; the others are not held up."""

    def fail(key: Key) -> float | None:
        if key == SHOP:
            raise RuntimeError("out of order")
        return None

    passes = Passes(answer=fail)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        queue.notify(BLOG)
        await asyncio.sleep(600)

    play(passes.during(script))
    assert passes.times(BLOG) == [1.0]
    assert passes.failures[0] <= 1.0
    assert max(passes.failures) <= BACKOFF_LIMIT
    assert passes.failures[-1] >= BACKOFF_LIMIT / 2
    assert len(passes.failures) < 30


def test_pass_without_a_safe_lease_is_tried_again_soon_each_time() -> None:
    """On a busy machine renewals are late: what waits for one must not wait for minutes."""

    def fail(_: Key) -> float | None:
        raise NotLeadingError("nothing was sent")

    passes = Passes(answer=fail)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        await asyncio.sleep(60)

    play(passes.during(script))
    assert set(passes.failures) == {BACKOFF_FIRST}
    assert len(passes.times()) >= 59


def test_success_ends_the_back_off() -> None:
    """The next failure begins with a short pause again."""
    outcomes = iter([1, 1, 1, 0, 1])

    def sometimes(_: Key) -> float | None:
        if next(outcomes, 0):
            raise RuntimeError("out of order")
        return 1.0

    passes = Passes(answer=sometimes)

    async def script(queue: KeyedQueue) -> None:
        queue.notify(SHOP)
        await asyncio.sleep(60)

    play(passes.during(script))
    assert len(passes.failures) == 4
    assert passes.failures[3] <= 1.0 < passes.failures[2]


@pytest.mark.parametrize("count", [1, 100])
def test_keys_that_are_due_and_wait_are_counted(count: int) -> None:
    """The depth is what a graph of the load shows; it falls to nothing."""
    passes = Passes(lasting=1)
    depths = []

    async def script(queue: KeyedQueue) -> None:
        for number in range(count):
            queue.wake(Key("a", str(number)), 0.0)
        await asyncio.sleep(0.5)
        depths.append(queue.depth())
        await asyncio.sleep(30)
        depths.append(queue.depth())

    play(passes.during(script))
    assert depths == [max(0, count - passes.most), 0]
    assert len(passes.begun) == count
