"""The API server's time, from answers that tell it in whole seconds."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.cluster.server_clock import ServerClock

HOUR = 3600.0
BEGINNING = 1_800_000_000.25


@dataclass(slots=True)
class World:
    """A true time, and how far the clock of our machine is off it."""

    behind: float = 0.0
    now: float = BEGINNING
    clock: ServerClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = ServerClock(local=lambda: self.now - self.behind)

    def ask(self, *, there: float = 0.01, back: float = 0.01) -> None:
        """Send a request that takes so long on its way there and back."""
        sent_at = self.clock.local()
        self.now += there
        date = formatdate(math.floor(self.now), usegmt=True)
        self.now += back
        self.clock.observe(date, sent_at=sent_at)

    def error(self) -> float:
        """Return by how much the clock is ahead of the API server's."""
        return self.clock.now().timestamp() - self.now


@pytest.mark.parametrize("behind", [-24 * HOUR, -30.0, 30.0, HOUR], ids=str)
def test_a_clock_that_is_off_is_set_right_by_one_answer(behind: float) -> None:
    """Neither does a run start hours early, nor is it held up for hours."""
    world = World(behind)
    world.ask()
    assert abs(world.error()) <= 1.02


@given(
    behind=st.floats(-1e5, 1e5),
    ways=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(0, 5)), min_size=1),
)
def test_the_error_is_bounded_by_a_second_and_the_fastest_answer(
    behind: float, ways: list[tuple[float, float, float]]
) -> None:
    """However slow the answers are; more of them never make it worse."""
    world = World(behind)
    bound = math.inf
    for there, back, pause in ways:
        world.ask(there=there, back=back)
        bound = min(bound, 1.0 + there + back)
        assert abs(world.error()) <= bound + 1e-3
        world.now += pause


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(0, 5))))
def test_a_right_clock_is_left_as_it_is(ways: list[tuple[float, float, float]]) -> None:
    """The fraction of a second that no answer tells must not move it."""
    world = World()
    for there, back, pause in ways:
        world.ask(there=there, back=back)
        world.now += pause
        assert abs(world.error()) < 1e-3


def test_a_clock_that_is_set_is_followed() -> None:
    """What was known of the difference holds no more."""
    world = World(HOUR)
    world.ask()
    world.behind = -HOUR
    world.ask()
    assert abs(world.error()) <= 1.02


@pytest.mark.parametrize("date", [None, "", "yesterday"], ids=str)
def test_an_answer_without_a_date_changes_nothing(date: str | None) -> None:
    """A proxy's own error page may lack it."""
    world = World(HOUR)
    world.clock.observe(date, sent_at=world.clock.local())
    assert world.error() == pytest.approx(-HOUR)


def test_the_log_says_once_that_clocks_differ(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever wonders about times in status finds it there."""
    world = World(HOUR)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            world.ask()
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "+3599 s" in caplog.text or "+3600 s" in caplog.text
