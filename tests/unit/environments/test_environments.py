"""Which environments there can be: Pythons that really run, Django's own support, locked parts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import environments.interpreters
import environments.virtual
from environments import DRIVERS, SERIES, cells, find_interpreters, running_interpreter
from environments.interpreters import Interpreter
from environments.virtual import lock_file, planned

PARTS = sorted({s.part for s in SERIES.values()} | {p for d in DRIVERS.values() for p in d})


def an_interpreter(*version: int) -> Interpreter:
    """Return an interpreter that nobody runs."""
    major, minor, patch = version
    return Interpreter((major, minor, patch), Path(f"/python{major}.{minor}"), has_headers=True)


def test_the_running_interpreter_is_always_at_hand() -> None:
    """So that every machine has cells of the matrix."""
    ours = running_interpreter()
    assert ours.version == sys.version_info[:3]
    assert ours in find_interpreters()
    assert list(cells([ours]))


def test_interpreters_are_one_of_each_minor_version_oldest_first() -> None:
    """Two patches of one version would try the same thing twice."""
    found = find_interpreters()
    assert [one.minor for one in found] == list(dict.fromkeys(one.minor for one in found))
    assert list(found) == sorted(found)


def test_a_stand_in_that_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version managers put programs on the PATH that only print how to choose a version."""
    stand_in = tmp_path / "python3.9"
    stand_in.write_text("#!/bin/sh\nexit 127\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    assert find_interpreters.__wrapped__() == (running_interpreter(),)


def test_a_python_that_is_slow_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes of one test run would choose other combinations, and none of them run."""
    slow = tmp_path / "python3.9"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    running_interpreter()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    monkeypatch.setattr(environments.interpreters, "_PATIENCE_SECONDS", 0.1)

    with pytest.raises(subprocess.TimeoutExpired):
        find_interpreters.__wrapped__()


def test_cells_are_what_django_supports() -> None:
    """4.2 ends with Python 3.12, 6.1 begins there."""
    tried = [an_interpreter(3, 9, 18), an_interpreter(3, 12, 1), an_interpreter(3, 13, 0)]
    found = [(cell.interpreter.minor, cell.series.name) for cell in cells(tried)]
    assert found == [
        ("3.9", "4.2"),
        ("3.12", "4.2"),
        ("3.12", "5.2"),
        ("3.12", "6.1"),
        ("3.13", "5.2"),
        ("3.13", "6.1"),
    ]


def test_drivers_for_mysql_never_share_an_environment() -> None:
    """PyMySQL would take the place of mysqlclient."""
    for cell in cells([an_interpreter(3, 12, 1)], DRIVERS):
        assert not {"pymysql", "mysqlclient"} <= set(cell.parts)


@pytest.mark.parametrize("part", [*PARTS, "django-suite"])
def test_every_part_is_locked_with_hashes(part: str) -> None:
    """`make lock` makes them; what is not in a lock could be anything."""
    pinned = re.findall(r"^[\w.-]+==\S+.*\n +(--hash)?", lock_file(part).read_text(), re.M)
    assert pinned
    assert set(pinned) == {"--hash"}


def test_a_lock_that_changes_makes_another_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does another interpreter; the same ones are found again."""
    monkeypatch.setenv("DBALIAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(environments.virtual, "LOCKS", tmp_path)
    python, lock = an_interpreter(3, 12, 1), tmp_path / "app.txt"
    lock.write_text("app==1\n")
    first, again = planned(python, "app"), planned(python, "app")
    patched = planned(an_interpreter(3, 12, 2), "app")
    lock.write_text("app==2\n")
    changed = planned(python, "app")

    assert first == again
    assert len({first.folder, patched.folder, changed.folder}) == 3
