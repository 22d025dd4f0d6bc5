"""Plays many cells beside each other: all are held, each victim is killed, all come to ends."""

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stage.kill.cells import Cell
from stage.kill.run import Run
from stage.kill.steps import Engine, Victim
from stage.kill.strikes import Servers, strike
from stage.kill.world import World
from stage.setting import Setting

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one cell; `seconds` from the fault to the end."""

    cell: Cell
    world: World
    attempts: int
    seconds: float

    def __str__(self) -> str:
        who, where = self.cell.victim.value, self.cell.step.value
        return (
            f"{self.cell.engine:<11}{who}; {where}: {self.cell.end.value} "
            f"({self.attempts} attempts, {self.seconds:.0f} s)"
        )


def play(runs: Sequence[Run], *, setting: Setting, servers: Servers) -> list[Result]:
    """Bring every run to its step, kill, and return what came of each."""
    with ThreadPoolExecutor(_AT_ONCE) as pool, contextlib.ExitStack() as stack:
        for run in runs:
            stack.callback(run.open)
        list(pool.map(Run.reach, runs))
        struck = time.monotonic()
        for victim in Victim:
            theirs = [run for run in runs if run.cell.victim is victim]
            if theirs:
                strike(victim, theirs, setting=setting, servers=servers)

        def result(run: Run) -> Result:
            world = run.complete()
            return Result(run.cell, world, run.attempts(), time.monotonic() - struck)

        return list(pool.map(result, runs))


def summary(results: Sequence[Result]) -> str:
    """Return a line for each cell, and the totals."""
    cells = [one for one in results if one.cell.victim is not Victim.NOBODY]
    rows = sum(len(one.world.history) for one in cells)
    twice = sum(len(one.world.history) - len(set(one.world.history)) for one in cells)
    ends = {end: sum(one.cell.end is end for one in cells) for end in {c.cell.end for c in cells}}
    told = "; ".join(f"{count} × {end.value}" for end, count in sorted(ends.items()))
    return "\n".join(
        [
            *map(str, cells),
            f"{len(cells)} cells: {told}",
            f"{sum(one.attempts for one in cells)} Jobs, one for each attempt; "
            f"{rows} rows of django_migrations, {twice} of them twice",
        ]
    )


def references(results: Sequence[Result]) -> dict[Engine, World]:
    """Return what runs without faults left."""
    return {one.cell.engine: one.world for one in results if one.cell.victim is Victim.NOBODY}
