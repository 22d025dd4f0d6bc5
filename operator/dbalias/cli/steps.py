"""How far a run has come, read from the lines that the runner writes into its log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

PREFIX = "dbalias: "
_STATE = re.compile(r"state (\S+)")
_APPLYING = re.compile(r"applying (\S+) \((\d+) of (\d+)\)")
_APPLIED = re.compile(r"applied (\S+) in [\d.]+ s")
_STILL = re.compile(r"still applying \S+ for \d+ s: (.*)")
_LOCK = re.compile(r"waiting for the database lock for \d+ s: (.*)")
_ENDED = re.compile(r"ended \d+ \S+: ")


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run is. ``number`` and ``total`` count migrations; 0: none was begun yet.

    ``current`` is the migration in progress; ``waits`` says on what it or the run waits.
    """

    state: str = ""
    current: str = ""
    number: int = 0
    total: int = 0
    waits: str = ""

    @property
    def applied(self) -> int:
        """How many migrations of the run are done."""
        return self.number - 1 if self.current else self.number


def read_step(lines: Iterable[str]) -> Step | None:
    """Return the step that the last of these lines tell; None where they tell none."""
    step = None
    for line in lines:
        if line.startswith(PREFIX):
            step = _after(step or Step(), line.removeprefix(PREFIX)) or step
    return step


def _after(step: Step, said: str) -> Step | None:
    """Return the step after a line of ours; None for a line that tells of none."""
    if told := _STATE.fullmatch(said):
        return replace(step, state=told[1], waits="")
    if told := _APPLYING.fullmatch(said):
        return Step("migrating", told[1], int(told[2]), int(told[3]))
    if _APPLIED.fullmatch(said):
        return replace(step, current="", waits="")
    if told := _STILL.fullmatch(said):
        return replace(step, waits=told[1])
    if told := _LOCK.fullmatch(said):
        return Step("locking", waits=f"the database lock is {told[1]}")
    return Step("ended") if _ENDED.match(said) else None
