"""Jobs and pods are deleted at the worst moments: no second run, no lost outcome.

`make test` plays the telling cases; `make kill-matrix` every way at every step, on both engines.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from enum import StrEnum

import pytest

from stage.garbage import Way, clear, set_time_to_live
from stage.held import Held, start_all
from stage.kill.cells import HALF_DONE
from stage.kill.holds import ALIAS, allow_refusals
from stage.kill.steps import Engine, Step
from stage.play import NewShop
from stage.setting import Setting

EVERYTHING = os.environ.get("DBALIAS_KILL_MATRIX") == "all"
STEPS = (Step.LOCK, Step.FIRST, Step.BETWEEN, Step.SECOND, Step.LAST, Step.REPORTED, Step.ENDED)


class End(StrEnum):
    """What comes of a run whose Job or pod is cleared away."""

    ONCE = "one run, and its end is known"
    AGAIN = "stopped between two migrations, and repeated by itself"
    PERSON = "killed inside a migration: waits for a person"


@dataclass(frozen=True, slots=True)
class Case:
    """One way at one step."""

    way: Way
    step: Step
    engine: Engine

    def __str__(self) -> str:
        return f"{self.engine}: {self.way.value}; {self.step.value}"

    @property
    def end(self) -> End:
        """What must come of it."""
        ended = self.step in {Step.LAST, Step.REPORTED, Step.ENDED}
        if self.way in {Way.ORPHAN, Way.TTL} or (ended and self.way is not Way.FORCE):
            return End.ONCE
        if self.way is Way.FORCE and self.engine is Engine.MARIADB and self.step in HALF_DONE:
            return End.PERSON
        return End.ONCE if self.step is Step.ENDED else End.AGAIN


def cases() -> list[Case]:
    """Return what is played in this run."""
    if EVERYTHING:
        return [
            Case(way, step, engine) for way in Way for step in STEPS for engine in Engine
            if not (way is Way.DEADLINE and step is Step.ENDED)
        ]  # fmt: skip
    return [
        Case(Way.BACKGROUND, Step.FIRST, Engine.MARIADB),
        Case(Way.BACKGROUND, Step.ENDED, Engine.MARIADB),
        Case(Way.FOREGROUND, Step.LAST, Engine.POSTGRESQL),
        Case(Way.ORPHAN, Step.SECOND, Engine.POSTGRESQL),
        Case(Way.TTL, Step.ENDED, Engine.POSTGRESQL),
        Case(Way.TTL, Step.SECOND, Engine.MARIADB),
        Case(Way.DEADLINE, Step.BETWEEN, Engine.MARIADB),
        Case(Way.FORCE, Step.SECOND, Engine.POSTGRESQL),
        Case(Way.FORCE, Step.FIRST, Engine.MARIADB),
    ]


def held(new_shop: NewShop, case: Case) -> Held:
    """Return a run in a shop of its own that will stand at the case's step."""
    shop = new_shop(f"{case.way.name}-{case.step.name}-{case.engine}")
    make = shop.postgres if case.engine is Engine.POSTGRESQL else shop.mariadb
    return Held(shop, make("gated"), case.step)


@pytest.mark.usefixtures("steady_operator")  # killed before it stores an end, it would run again
def test_cleared_away_at_any_moment_a_run_is_neither_repeated_nor_forgotten(
    new_shop: NewShop, setting: Setting
) -> None:
    """What ended is known, what stopped is repeated, what was killed halfway waits for a person."""
    allow_refusals(setting.cluster)
    played = [(case, held(new_shop, case)) for case in cases()]
    start_all([run for _, run in played])
    for case, run in played:
        clear(run, case.way)
    for _, run in played:
        run.open()
    for case, run in played:
        demand(run, case)
    print("\n".join(f"{case}: {case.end.value}" for case, _ in played))


def demand(run: Held, case: Case) -> None:
    """Wait for the end that the case must have."""
    if case.end is End.PERSON:
        told = run.expect("Stalled", "True", reason="MigrationInterrupted")["message"]
        assert HALF_DONE[case.step] in told, told
        assert run.attempts == 1
        return
    run.shop.wait_ready()
    assert run.attempts == (1 if case.end is End.ONCE else 2), f"{case}\n{run.shop.describe()}"
    run.demand_one_history()


@pytest.mark.usefixtures("steady_operator")
def test_jobs_deleted_after_their_end_was_stored_change_nothing(
    new_shop: NewShop, setting: Setting
) -> None:
    """Whoever cleans up, and however: nothing runs again, and everything stays Ready."""
    shops = [new_shop(way.name) for way in (Way.BACKGROUND, Way.ORPHAN, Way.TTL)]
    runs = [Held(shop, shop.postgres("gated"), Step.BETWEEN) for shop in shops]
    start_all(runs)
    set_time_to_live(shops[2], shops[2].jobs()[0])
    for run in runs:
        run.open()
        run.shop.wait_ready()
    clear(runs[0], Way.BACKGROUND)
    clear(runs[1], Way.ORPHAN)
    for run in runs:
        run.shop.eventually(run.has_no_job, what="no Job to be left")
    time.sleep(6)  # a run would start once everything has stood still for five seconds
    for run in runs:
        assert run.shop.jobs(alias=ALIAS) == []
        assert run.attempts == 1
        assert run.shop.is_ready()
        run.demand_one_history()
