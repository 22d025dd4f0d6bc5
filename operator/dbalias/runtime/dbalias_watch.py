"""A second pair of eyes on a run: says what it waits for, and at once that it was told to stop.

The main thread may be inside a statement that takes hours, and some drivers let no signal
handler run until the server has answered. This thread hears signals from the kernel's side, by
Python's wake-up descriptor, and speaks when a step takes long.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol

from dbalias_report import Report, log

_FIRST_SECONDS = 10.0
_EVERY_SECONDS = 30.0
_TALKATIVE = frozenset({"locking"})
"""States that say themselves what they wait for."""


class Watched(Protocol):
    """What is watched: a run's report, its connection (once there is one) and its lock."""

    report: Report
    connection: Any
    lock: Any

    def stop(self) -> None:
        """Remember to stop before the next migration."""


@contextlib.contextmanager
def watched(run: Watched) -> Iterator[None]:
    """Watch a run while the block lasts; SIGTERM and SIGINT tell it to stop."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: run.stop())
    done = threading.Event()
    eyes = threading.Thread(
        target=_watch, args=(run, told, done), name="dbalias-watch", daemon=True
    )
    eyes.start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(-1)
        os.close(tell)
        eyes.join()
        os.close(told)


def _watch(run: Watched, told: int, done: threading.Event) -> None:
    step, began, next_word = _step(run), time.monotonic(), _FIRST_SECONDS
    is_told = False
    while not done.is_set():
        if select.select([told], [], [], 0.5)[0] and os.read(told, 64) and not is_told:
            is_told = True
            _tell_to_stop(run)
        if _step(run) != step:
            step, began, next_word = _step(run), time.monotonic(), _FIRST_SECONDS
        taken = time.monotonic() - began
        if taken >= next_word and step[0] not in _TALKATIVE:
            next_word = taken + _EVERY_SECONDS
            doing = f"applying {step[1]}" if step[1] else str(step[0])
            log(f"still {doing} for {taken:.0f} s: {_what_delays(run)}")


def _step(run: Watched) -> tuple[Any, Any]:
    return run.report.content["state"], run.report.content["current"]


def _tell_to_stop(run: Watched) -> None:
    run.stop()  # in case Python's own handler has to wait for the driver
    current = run.report.content["current"]
    until = f"when {current} has ended" if current else "before the next migration"
    log(f"told to stop (SIGTERM): the run stops {until}")


def _what_delays(run: Watched) -> str:
    """Return in words what the server knows about the session that works."""
    if run.lock is None:
        return "no lock is held yet"
    if run.lock.silence > _FIRST_SECONDS:
        return f"the database has not answered for {run.lock.silence:.0f} s"
    return run.lock.what_delays(run.connection.connection) or "the database works on it"
