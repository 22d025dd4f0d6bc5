"""The command line in a scratch folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.cli.files import Run


@pytest.fixture
def dbalias(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, to be called with its arguments."""
    return Run(tmp_path, capsys)
