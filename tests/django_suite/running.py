"""One run of Django's own tests with one settings module, and how each of its tests ended."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments import Environment

FIXTURES = Path(__file__).parent / "settings_fixtures"
OUTCOMES = ("passed", "failed", "error", "skipped", "expected failure", "unexpected success")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    ``tests``: full name → outcome; ``settings``: the module that Django says it ran with;
    ``servers``: alias → what answered there; ``log``: everything that was printed.
    """

    tests: Mapping[str, str]
    settings: str
    servers: Mapping[str, str]
    seconds: float
    log: Path

    @property
    def counts(self) -> tuple[int, ...]:
        """How many ended in each way, in the order of OUTCOMES."""
        counted = Counter(self.tests.values())
        return tuple(counted[outcome] for outcome in OUTCOMES)

    @property
    def bad(self) -> list[str]:
        """The names of the tests that failed, with how."""
        ends = ("failed", "error", "unexpected success")
        return sorted(f"{name}: {end}" for name, end in self.tests.items() if end in ends)


def run_suites(
    made: Environment, source: Path, suites: Sequence[str], *, settings: str, folder: Path
) -> Outcome:
    """Run these suites with the settings module of this name, which lies in ``folder``.

    Raises RuntimeError with the end of the log when they did not come to an end.
    """
    record, log = folder.with_suffix(".json"), folder.with_suffix(".log")
    scratch = folder.with_suffix(".scratch")
    scratch.mkdir()
    words = ["runtests.py", f"--settings={settings}", "--parallel=1", "--noinput"]
    env = {
        "HOME": os.environ["HOME"],
        "LANG": "C.UTF-8",
        "PATH": made.path,
        "PYTHONPATH": os.pathsep.join([str(folder), str(FIXTURES)]),
        "RECORD": str(record),
        "TMPDIR": str(scratch),
    }
    started = time.monotonic()
    with log.open("w") as out:
        subprocess.run(
            [made.python, *words, *suites],
            cwd=source / "tests",
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=False,
        )
    if not record.exists():
        end = "\n".join(log.read_text().splitlines()[-25:])
        raise RuntimeError(f"Django's tests did not end. The end of {log}:\n{end}")
    told = json.loads(record.read_text())
    return Outcome(**told, seconds=time.monotonic() - started, log=log)
