"""The Pythons at hand: on the PATH, kept by pyenv, and the one that runs this."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOOKED_FOR = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""From the oldest that the published modules support to the newest that Django does."""

_PATIENCE_SECONDS = 120
# The base interpreter, because this may be asked from a virtual environment on the PATH.
_PROBE = """\
import ensurepip, json, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
base = getattr(sys, "_base_executable", sys.executable)
print(json.dumps([list(sys.version_info[:3]), base, os.path.exists(header)]))
"""


@dataclass(frozen=True, slots=True, order=True)
class Interpreter:
    """One Python that can make virtual environments."""

    version: tuple[int, int, int]
    path: Path
    has_headers: bool
    """Whether C extensions can be built for it."""

    @property
    def minor(self) -> str:
        """The version as people say it: 3.11."""
        return f"{self.version[0]}.{self.version[1]}"

    def __str__(self) -> str:
        return "Python " + ".".join(map(str, self.version))


@cache
def running_interpreter() -> Interpreter:
    """Return the one that runs this, outside of its virtual environment."""
    found = _probe(Path(sys.executable))
    if found is None:
        raise RuntimeError(f"{sys.executable} lacks venv or ensurepip: install python3-venv")
    return found


@cache
def find_interpreters() -> tuple[Interpreter, ...]:
    """Return one of each minor version, oldest first.

    The newest patch that is there; of the running minor version the one that runs.
    """
    chosen = {found.minor: found for found in sorted(set(_probe_all(_candidates())))}
    ours = running_interpreter()
    return tuple(sorted((chosen | {ours.minor: ours}).values()))


def _candidates() -> Iterator[Path]:
    for minor in LOOKED_FOR:
        # Every folder of the PATH: the first may hold a stand-in for a version that is not chosen.
        for folder in os.get_exec_path():
            found = shutil.which(f"python{minor}", path=folder)
            if found:
                yield Path(found)
    for versions in _pyenv_versions():
        yield from versions.glob("*/bin/python3")


def _pyenv_versions() -> Iterator[Path]:
    root = os.environ.get("PYENV_ROOT")
    if not root and shutil.which("pyenv"):
        told = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
        root = told.stdout.strip()
    if root:
        yield Path(root) / "versions"


def _probe_all(candidates: Iterable[Path]) -> Iterator[Interpreter]:
    for path in dict.fromkeys(candidates):
        found = _probe(path)
        if found is not None and found.minor in LOOKED_FOR:
            yield found


def _probe(path: Path) -> Interpreter | None:
    """Return the interpreter behind a path; None if it does not run or cannot make environments.

    Raises TimeoutExpired rather than pass over one that is slow: the processes of one test run
    have to find the same ones.
    """
    try:
        told = subprocess.run(
            [path, "-I", "-c", _PROBE],
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE_SECONDS,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version, executable, has_headers = json.loads(told.stdout)
    return Interpreter(tuple(version), Path(executable).resolve(), has_headers)
