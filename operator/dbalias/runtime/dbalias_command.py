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
    code, reason = run_child(words, why_stop=why_stop)
    if code and reason is not None:
        raise RunError(Exit.STOPPED, f"{reason}; the command {words[0]} was told to stop")
    if code:
        raise RunError(
            Exit.MIGRATION, f"the command {' '.join(words)} ended with {ending(code)}: see the log"
        )


def run_child(
    words: Sequence[str], *, why_stop: Callable[[], str | None]
) -> tuple[int, str | None]:
    """Run a command to its end; return its exit code (-n: signal n) and why it had to stop.

    Raises RunError when it cannot start.
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
    return child.returncode, reason


def ending(code: int) -> str:
    """Return an exit code (-n: signal n) in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    """Return this environment, with the published modules added to the image's own path."""
    folder = str(dbalias_databases.stable_folder())
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))
    # Who follows the log would else see nothing of a Python program until its end.
    return {"PYTHONUNBUFFERED": "1", **os.environ, "PYTHONPATH": path}
