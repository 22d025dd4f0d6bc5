"""What a person sees while something slow runs: what, why, how long, and where its log is."""

import contextlib
import fcntl
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from localkube.errors import LocalkubeError

_REPORT_EVERY_SECONDS = 15.0
_LINES_SHOWN_ON_FAILURE = 25


def say(text: str) -> None:
    """Write one line for a person to stderr."""
    print(f"[localkube] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(what: str, *, expect: str = "", detail: Callable[[], str] = str) -> Iterator[None]:
    """Announce a step, repeat its elapsed time while it runs, and say when it is done.

    `expect` is how long it usually takes; `detail` is asked for a word on the state at each report.
    """
    started = time.monotonic()
    done = threading.Event()

    def report() -> None:
        while not done.wait(_REPORT_EVERY_SECONDS):
            state = detail()
            say(f"  {what}: {time.monotonic() - started:.0f} s{', ' + state if state else ''}")

    say(f"{what}{f' (about {expect})' if expect else ''} …")
    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()
    say(f"{what}: done in {time.monotonic() - started:.1f} s")


def run_logged(
    argv: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command with its output appended to a log file.

    Raises LocalkubeError with the last lines and the log's path when the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in argv]
    with log.open("ab") as out:
        out.write(f"$ {' '.join(words)}\n".encode())
        out.flush()
        code = subprocess.call(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env
        )
    if code:
        raise LocalkubeError(
            f"{words[0]} failed with exit code {code}. Its last lines, from {log}:\n"
            + last_lines(log)
        )


def last_lines(log: Path, count: int = _LINES_SHOWN_ON_FAILURE) -> str:
    """Return the end of a log file, or a note that there is none."""
    try:
        with log.open(errors="replace") as text:
            return "".join(deque(text, maxlen=count)).rstrip()
    except FileNotFoundError:
        return f"({log} does not exist)"


@contextlib.contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file, so that two runs do not make the same thing twice."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that holds {lock} …")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
