"""The command line in a scratch folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unit.cli.files import Run
from unit.cli.settings_project import SettingsProject


@pytest.fixture
def dbalias(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, to be called with its arguments."""
    return Run(tmp_path, capsys)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own for scratch folders, and no variables of the tester's."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in [name for name in os.environ if name.startswith("DBALIAS_")]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture
def project(dbalias: Run, monkeypatch: pytest.MonkeyPatch) -> SettingsProject:
    """Return an empty project, whose folder is the current one."""
    monkeypatch.chdir(dbalias.folder)
    return SettingsProject(dbalias)
