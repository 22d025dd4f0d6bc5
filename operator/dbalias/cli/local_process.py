"""Child processes that run one after the other, with signals passed on to the one that runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, Self

from dbalias.cli.refusal import RefusedError

CANNOT_RUN = 126
"""The exit code that shells give for a program that is there and cannot be run."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_FROM_THE_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


class Children:
    """Runs children. A signal never ends this process: the child gets it, and the caller sees
    the child's end. After a signal no further child is started."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {one: signal.signal(one, self._pass_on) for one in _SIGNALS}
        return self

    def __exit__(self, *exc: object) -> None:
        for one, before in self._before.items():
            signal.signal(one, before)

    def run(self, argv: Sequence[str], *, env: Mapping[str, str], stdout: int | None = None) -> int:
        """Run a command to its end; return its exit code, 128 + n where signal n ended it.

        ``stdout``: a file descriptor instead of ours. Raises RefusedError when it cannot start.
        """
        if self._asked is not None:
            return 128 + self._asked
        try:
            self._child = subprocess.Popen(argv, env=env, stdout=stdout)
        except OSError as error:
            why = "its first line (#!) names a program that is not there"
            raise RefusedError(
                f"dbalias local: {argv[0]} cannot be run: "
                f"{why if isinstance(error, FileNotFoundError) else error.strerror}",
                code=CANNOT_RUN,
            ) from None
        self._forward()  # what came while the child was being made
        code = self._child.wait()
        self._child = None
        return code if code >= 0 else 128 - code

    def _pass_on(self, signum: int, frame: FrameType | None) -> None:
        self._asked = signum
        if not _has_reached_all(signum):
            self._forward()

    def _forward(self) -> None:
        if self._child is not None and self._asked is not None:
            self._child.send_signal(self._asked)


def _has_reached_all(signum: int) -> bool:
    """Return whether a terminal sent the signal: then the child, in its foreground, has it too."""
    if signum not in _FROM_THE_KEYBOARD:
        return False
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
