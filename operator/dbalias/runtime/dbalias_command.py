"""A command of the project instead of the built-in migrate: a child process under the same lock."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

import dbalias_databases
from dbalias_errors import Exit, RunError
from dbalias_report import Report, log

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 10.0


def migrate_by_command(
    command: Sequence[str],
    args: Sequence[str],
    *,
    connection: Any,
    report: Report,
    why_stop: Callable[[], str | None],
) -> None:
    """Run a project's own migrate for a connection's alias, and report what it has applied.

    Raises RunError when it fails, cannot start, or is stopped: then nobody knows how far it was.
    """
    from dbalias_plan import applied_migrations

    before = set(applied_migrations(connection))
    connection.close()
    words = [*command, f"--database={connection.alias}", *args]
    name = "command: " + " ".join(command)
    report.update(state="migrating", current=name, currentAtomic=False)
    code, reason = run_child(words, why_stop=why_stop)
    if code and reason is not None:
        told = f"{reason}; the command {command[0]} was told to stop, and ended by {ending(code)}"
        raise RunError(Exit.HALFWAY, f"{told}: see what it left half-done")
    if code:
        raise RunError(
            Exit.MIGRATION, f"the command {' '.join(words)} ended with {ending(code)}: see the log"
        )
    after = applied_migrations(connection)
    applied = [name for name in after if name not in before]
    report.update(
        current=None,
        currentAtomic=None,
        applied=applied,
        appliedCount=len(applied),
        pendingCount=max(0, report.content["pendingCount"] - len(applied)),
        last=after[-1] if after else None,
    )


def run_child(
    words: Sequence[str], *, why_stop: Callable[[], str | None]
) -> tuple[int, str | None]:
    """Run a command to its end; return its exit code (-n: signal n) and why it had to stop.

    As soon as ``why_stop`` gives a reason its whole process group gets SIGTERM, once, and is
    waited for; what a command leaves behind is ended with it. Raises RunError when it cannot
    start.
    """
    try:
        child = subprocess.Popen(words, env=_environment(), start_new_session=True)
    except OSError as error:
        raise RunError(
            Exit.CONFIGURATION, f"the command {words[0]} cannot be started: {error.strerror}"
        ) from None
    reason = None
    while child.poll() is None or (reason is not None and _group_lives(child.pid)):
        if reason is None:
            reason = why_stop()
            if reason is not None:
                _signal_group(child.pid, signal.SIGTERM)
        time.sleep(_POLL_SECONDS)
    _end_what_is_left(child.pid)
    return child.returncode, reason


def _end_what_is_left(group: int) -> None:
    """End processes that a command has left running: nothing may write without the lock."""
    if not _group_lives(group):
        return
    log("the command has ended and left processes behind: they are told to end")
    _signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while _group_lives(group):
        if time.monotonic() > deadline:
            _signal_group(group, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _group_lives(group: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # in a pod, orphans become children of this one
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
    return _signal_group(group, 0)


def _signal_group(group: int, signum: int) -> bool:
    """Send a signal to a process group; return whether there is one."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):  # none, or another user's: not for us to end
        return False
    return True


def ending(code: int) -> str:
    """Return an exit code (-n: signal n) in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    """Return this environment, with the published modules added to the image's own path."""
    folder = str(dbalias_databases.stable_folder())
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))
    # Who follows the log would else see nothing of a Python program until its end.
    return {"PYTHONUNBUFFERED": "1", **os.environ, "PYTHONPATH": path}
