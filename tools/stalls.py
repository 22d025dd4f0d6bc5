"""Runs a command, and freezes its processes at random: a busy, shared machine, when it is wanted.

    python -m stalls [--seed=N] [--every=1.2] [--longest=4] -- COMMAND [ARG]...

Whatever the command starts is frozen, daemons and the processes of pods too, but only those that
have used a processor since the last time: others would not miss it. Every seventh time it is all
of them at once. Ends with the command's exit code. The seed is printed; how the command itself
runs differs all the same. A thaw also wakes what a test had stopped itself meanwhile: where such a
test fails, look at that first.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # prctl(2): what loses its parent becomes ours, and stays to be found
_STEP_SECONDS = 0.05
_ALL_AT_ONCE = 1 / 7
_STOPPED = frozenset("TtZ")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table; ``used`` is processor time in clock ticks."""

    pid: int
    parent: int
    state: str
    used: int


@dataclass(slots=True)
class Stalls:
    """Freezes at random; spans in seconds: ``every`` on average, at most ``longest`` each."""

    chance: random.Random
    every: float
    longest: float
    count: int = 0
    _used: dict[int, int] = field(default_factory=dict)
    _frozen: dict[int, float] = field(default_factory=dict)
    _due: float = 0.0

    def step(self, now: float) -> None:
        """Thaw whose time is over; freeze when it is time to."""
        self.thaw(now)
        if now < self._due:
            return
        self._due = now + self.chance.expovariate(1 / self.every)
        busy = self._busy()
        if not busy:
            return
        if self.chance.random() < _ALL_AT_ONCE:
            span, victims = self.chance.uniform(0.1, self.longest / 2), busy
        else:
            span = min(self.longest, self.chance.expovariate(3 / self.longest))
            victims = [self.chance.choice(busy)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._frozen[pid] = now + span
                self.count += 1

    def thaw(self, now: float = float("inf")) -> None:
        """Let those go on whose time is over; all, by default."""
        for pid in [pid for pid, until in self._frozen.items() if until <= now]:
            del self._frozen[pid]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _busy(self) -> list[int]:
        """Return who ran since the last look; nobody whom somebody else has stopped."""
        known, self._used = self._used, {}
        busy = []
        for process in descendants(os.getpid()):
            self._used[process.pid] = process.used
            if process.state not in _STOPPED and process.used > known.get(process.pid, -1):
                busy.append(process.pid)
        return busy


def descendants(ancestor: int) -> Iterator[Process]:
    """Yield the processes that somebody started, and theirs; not the ancestor itself."""
    children: dict[int, list[Process]] = {}
    for process in _table():
        children.setdefault(process.parent, []).append(process)
    found = list(children.get(ancestor, ()))
    while found:
        process = found.pop()
        yield process
        found.extend(children.get(process.pid, ()))


def _table() -> Iterator[Process]:
    """Read /proc (proc_pid_stat(5)); a name in brackets may itself hold brackets and blanks."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            rest = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        yield Process(int(folder.name), int(rest[1]), rest[0], int(rest[11]) + int(rest[12]))


def run(command: Sequence[str], stalls: Stalls) -> int:
    """Run a command to its end with stalls in it; return its exit code, 128 + N for signal N."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.posix_spawnp(command[0], list(command), os.environ)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(child, number))
    try:
        while (ended := _reap(child)) is None:
            stalls.step(time.monotonic())
            time.sleep(_STEP_SECONDS)
    finally:
        stalls.thaw()
    return ended if ended >= 0 else 128 - ended


def _reap(child: int) -> int | None:
    """Bury whoever ended; return the child's exit code once it is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return os.waitstatus_to_exitcode(status)
        if pid == 0:
            return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments say (default: the process')."""
    parser = argparse.ArgumentParser(prog="stalls", allow_abbrev=False)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--every", type=float, default=1.2, metavar="SECONDS")
    parser.add_argument("--longest", type=float, default=4.0, metavar="SECONDS")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(argv)
    stalls = Stalls(random.Random(options.seed), options.every, options.longest)
    try:
        code = run(options.command, stalls)
    except FileNotFoundError:
        print(f"stalls: {options.command[0]}: no such command", file=sys.stderr)
        return 127
    print(f"→ {stalls.count} stalls, seed {options.seed}: exit code {code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
