"""The project's own interpreter: it runs our scripts there and takes their answer from a pipe."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files

from dbalias.api.meta import JSON

PATIENCE = 300.0
"""Seconds that a settings module, or a comparison of its routers, may take."""


class UnreadableSettingsError(Exception):
    """Why there is no answer: one line, without any value."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python and the settings module that it is asked about."""

    python: str
    module: str
    patience: float = PATIENCE

    def ask(self, script: str, *arguments: str) -> JSON:
        """Return what a script of the runtime folder answers, or raise UnreadableSettingsError.

        The script is called with the arguments, the module and the number of the descriptor.
        """
        source = files("dbalias.runtime").joinpath(script).read_text(encoding="utf-8")
        reading, writing = os.pipe()
        command = [self.python, "-c", source, *arguments, self.module, str(writing)]
        with os.fdopen(reading, "rb", buffering=0) as pipe, _running(command, writing) as process:
            line = self._line(pipe.fileno())
            code = None if line.endswith(b"\n") else self._end(process)
        if code is not None:
            raise UnreadableSettingsError(
                f"its process ended with code {code} and no answer: see that {self.python} is a "
                f"Python of 3.9 or later, and what it says to `import {self.module}`"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise UnreadableSettingsError(answer["error"])
        return answer

    def _line(self, pipe: int) -> bytes:
        """Read one line; other processes may hold the pipe open for ever after it."""
        deadline, found = time.monotonic() + self.patience, b""
        while not found.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise UnreadableSettingsError(f"it takes longer than {self.patience:.0f} seconds")
            part = os.read(pipe, 1 << 20)
            if not part:
                break
            found += part
        return found

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(self.patience)
        except subprocess.TimeoutExpired:
            raise UnreadableSettingsError("its process closed the pipe and goes on") from None


@contextmanager
def _running(command: list[str], writing: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command whose output nobody sees: a settings module may print what is secret."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writing],
        )
    except OSError as error:
        raise UnreadableSettingsError(
            f"the interpreter {command[0]} cannot be started: {error.strerror}. "
            "Name the project's own with --python"
        ) from None
    finally:
        os.close(writing)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
