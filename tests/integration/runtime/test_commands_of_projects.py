"""``migrate.command``: a child under the runner's lock, whatever becomes of it."""

from __future__ import annotations

import signal
import time

import pytest

from integration.runtime.pod import PATIENCE, Database, Pod, Run, a_database
from localkube.databases import DatabaseServer
from localkube.processes import start_time

PATIENT = """
import signal, sys, time, pathlib
def told(*_):
    print("told to stop", flush=True)
    if {heeds}: sys.exit({code})
signal.signal(signal.SIGTERM, told)
pathlib.Path("up").touch()
while not pathlib.Path("go").exists(): time.sleep(0.02)
"""
FORKS = """
import os, signal, time, pathlib
if os.fork() == 0:
    {heeds}
    pathlib.Path("child").write_text(str(os.getpid()))
    pathlib.Path("up").touch()
    time.sleep(600)
while not pathlib.Path("up").exists(): time.sleep(0.02)
{parent}
"""


@pytest.fixture
def database(pod: Pod, postgres: DatabaseServer) -> Database:
    """Return the empty database of the alias `default`."""
    made = a_database(postgres)
    pod.publish([made.alias("default")], sources=made.sources("default"))
    return made


def start(pod: Pod, program: str) -> Run:
    """Start a run whose command is this program, and wait until that is up."""
    (pod.image / "own.py").write_text(program)
    run = pod.start("default", "--command=python", "--command=own.py")
    deadline = time.monotonic() + PATIENCE
    while not (pod.image / "up").exists():
        assert time.monotonic() < deadline, run.end().output
        time.sleep(0.05)
    return run


def is_alive(pod: Pod) -> bool:
    """Return whether the process that the command forked still runs."""
    return start_time(int((pod.image / "child").read_text())) is not None


def test_sigterm_is_passed_on_and_a_stopped_command_waits_for_a_person(
    pod: Pod, database: Database
) -> None:
    """Exit 13: nobody knows how far it was."""
    run = start(pod, PATIENT.format(heeds=True, code=3))
    run.send(signal.SIGTERM)

    outcome = run.end()

    assert outcome.code == 13, outcome.output
    assert outcome.report["reason"] == "MigrationInterrupted"
    assert "told to stop, and ended by exit code 3" in outcome.report["message"]
    assert outcome.report["current"] == "command: python own.py"


def test_a_command_that_ends_well_although_told_to_stop_is_done(
    pod: Pod, database: Database
) -> None:
    """Exit 0: it has done its work."""
    run = start(pod, PATIENT.format(heeds=True, code=0))
    run.send(signal.SIGTERM)

    assert run.end().code == 0


def test_a_command_that_ignores_sigterm_is_waited_for_under_the_lock(
    pod: Pod, database: Database
) -> None:
    """It was told, it goes on, and another run cannot begin."""
    run = start(pod, PATIENT.format(heeds=False, code=0))
    run.send(signal.SIGTERM)
    other = pod.run("default", "--lock-timeout=1")
    (pod.image / "go").touch()

    outcome = run.end()

    assert other.code == 3, other.output
    assert outcome.code == 0
    assert "told to stop" in outcome.output


def test_a_killed_command_is_a_failed_migration(pod: Pod, database: Database) -> None:
    """Exit 5, by the signal: out of memory, for instance."""
    run = start(pod, "import os, pathlib; pathlib.Path('up').touch(); os.kill(os.getpid(), 9)")

    outcome = run.end()

    assert outcome.code == 5
    assert "ended with signal SIGKILL" in outcome.report["message"]


def test_what_a_command_leaves_running_is_ended_before_the_lock_is_given_back(
    pod: Pod, database: Database
) -> None:
    """A forked process could go on writing."""
    outcome = start(pod, FORKS.format(heeds="", parent="")).end()

    assert outcome.code == 0, outcome.output
    assert "left processes behind" in outcome.output
    assert not is_alive(pod)


def test_sigterm_reaches_the_processes_of_a_command_that_forks(
    pod: Pod, database: Database
) -> None:
    """As a shell does that starts manage.py: the whole group is told, and waited for."""
    heeds = "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), os._exit(0)))"
    run = start(pod, FORKS.format(heeds=heeds, parent="time.sleep(600)"))
    run.send(signal.SIGTERM)

    outcome = run.end()

    assert outcome.code == 13, outcome.output
    assert "by signal SIGTERM" in outcome.report["message"]
    assert not is_alive(pod)


def test_a_command_that_is_not_there_is_named(pod: Pod, database: Database) -> None:
    """Exit 2."""
    outcome = pod.run("default", "--command=./no-such-program")

    assert outcome.code == 2
    assert "./no-such-program cannot be started" in outcome.report["message"]
