"""A command that ``local`` runs: signals reach it, its end is ours, nothing secret is shown."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unit.cli.files import DEFAULT, LOGIN, PROJECT, Run

WAIT = """
import os, pathlib, signal, sys, time
got = []
def note(signum, frame):
    got.append(signal.Signals(signum).name)
for one in (signal.SIGINT, signal.SIGTERM):
    signal.signal(one, note)
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
while not got:
    time.sleep(0.01)
time.sleep(0.5)
pathlib.Path(sys.argv[2]).write_text(" ".join(got))
sys.exit(5)
"""
Started = Callable[..., tuple[int, int]]


@pytest.fixture
def started(dbalias: Run, scratch: Path) -> Iterator[Started]:
    """Start ``dbalias local`` in a session of its own; return its process id and the child's."""
    running: list[subprocess.Popen[bytes]] = []

    def start(script: str = WAIT) -> tuple[int, int]:
        pid = dbalias.folder / "pid"
        path = dbalias.write(PROJECT, DEFAULT, LOGIN)
        child = (sys.executable, "-c", script, str(pid), str(dbalias.folder / "got"))
        running.append(
            subprocess.Popen([*_program(), "local", path, "--", *child], start_new_session=True)
        )
        return running[-1].pid, wait_for_pid(pid)

    yield start
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _program() -> tuple[str, ...]:
    return (sys.executable, "-c", "import sys; from dbalias.cli.main import main; sys.exit(main())")


def wait_for_pid(file: Path) -> int:
    """Wait until a child has written its process id."""
    deadline = time.monotonic() + 300
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(file.read_text())


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command_and_its_end_is_ours(
    signum: signal.Signals, started: Started, dbalias: Run, scratch: Path
) -> None:
    """Once; then the folder is gone."""
    parent, _ = started()
    os.kill(parent, signum)
    assert os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1]) == 5
    assert (dbalias.folder / "got").read_text() == signum.name
    assert list(scratch.iterdir()) == []


def test_a_command_that_a_signal_ends_gives_its_number(started: Started, scratch: Path) -> None:
    """128 and the signal's number, as shells count."""
    parent, child = started()
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1]) == 128 + signal.SIGKILL
    assert list(scratch.iterdir()) == []


def test_no_secret_is_to_be_seen_from_outside(started: Started, scratch: Path) -> None:
    """Neither on a command line nor in an environment; the files are the owner's alone."""
    for pid in started():
        for view in ("cmdline", "environ"):
            assert b"hunter2" not in Path(f"/proc/{pid}/{view}").read_bytes()
    (folder,) = scratch.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_interrupt_at_a_terminal_reaches_the_command_once(dbalias: Run, scratch: Path) -> None:
    """The terminal tells both; passing it on as well would interrupt the clean-up."""
    pid, got = dbalias.folder / "pid", dbalias.folder / "got"
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    child = (sys.executable, "-c", WAIT, str(pid), str(got))
    parent, terminal = pty.fork()
    if parent == 0:
        os.execv(sys.executable, [*_program(), "local", path, "--", *child])
    wait_for_pid(pid)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1]) == 5
    assert got.read_text() == "SIGINT"
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "code", "why"),
    [
        ("exit 1", 1, "ended with code 1: see that it is the application's (--python)"),
        (
            'echo \'{"message": "nothing to migrate"}\' > "$DBALIAS_REPORT"; kill -9 $$',
            128 + signal.SIGKILL,
            "it was ended by signal 9",
        ),
    ],
)
def test_a_migration_without_a_fitting_last_line_is_told_in_ours(
    script: str, code: int, why: str, dbalias: Run
) -> None:
    """One that never began has no line, and one that a signal ended may say that all went well."""
    python = dbalias.folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    done = subprocess.run(
        [*_program(), "local", path, "--migrate", "--python", str(python)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stderr.startswith("dbalias local: default is not migrated: ")
    assert why in done.stderr
