"""A command of the project instead of the built-in migrate: a child process under the same lock."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

import dbalias_databases
from dbalias_errors import Exit, RunError

_POLL_SECONDS = 0.2


def run_command(words: Sequence[str], *, why_stop: Callable[[], str | None]) -> None:
    """Run a command to its end; raise RunError when it fails, cannot start, or is stopped.

    As soon as ``why_stop`` gives a reason the child gets SIGTERM, once, and is waited for.
    """
    try:
        child = subprocess.Popen(words, env=_environment())
    except OSError as error:
        raise RunError(
            Exit.CONFIGURATION, f"the command {words[0]} cannot be started: {error.strerror}"
        ) from None
    reason = None
    while child.poll() is None:
        if reason is None:
            reason = why_stop()
            if reason is not None:
                child.send_signal(signal.SIGTERM)
        time.sleep(_POLL_SECONDS)
    if reason is not None and child.returncode:
        raise RunError(Exit.STOPPED, f"{reason}; the command {words[0]} was told to stop")
    if child.returncode:
        raise RunError(
            Exit.MIGRATION,
            f"the command {' '.join(words)} ended with {_ending(child.returncode)}: see the log",
        )


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    """Return this environment, with the published modules added to the image's own path."""
    folder = str(dbalias_databases.stable_folder())
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))
    return {**os.environ, "PYTHONPATH": path}
