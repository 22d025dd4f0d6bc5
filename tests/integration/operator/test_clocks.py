"""The operator on a node whose clock is wrong: what was changed when is the API server's word."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import SETTLED, running, wait_until
from integration.operator.workbench import Workbench

SHIFT = """
import time

_right = time.time
time.time = lambda: _right() + {seconds}
"""
"""As `sitecustomize` it is run by every Python process that finds it, before anything else."""
LATER = 3.0
"""Seconds between objects that belong together: less than the five of settling."""


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "behind"])
def test_a_wrong_clock_starts_no_run_too_early_and_holds_none_up(
    hours: int, own_bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Job comes five seconds after the last of two changes, as it would on any other node."""
    (tmp_path / "sitecustomize.py").write_text(SHIFT.format(seconds=hours * 3600))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with running(own_bench.operator()) as operator:
        wait_until(lambda: operator.is_leading() and operator.is_ready(), what="it leads")
        time.sleep(SETTLED)
        space = own_bench.namespace("clocks")
        # Without a node the Job never ends, and holds its database.
        database = alias("default", host=f"{space.name}.example")
        space.apply(project(image="shop:1"), secret(), database)
        time.sleep(LATER)
        space.apply(policy("all", everything_to("default")))
        (job,) = wait_until(lambda: space.all("job"), seconds=60, what="the Job")
        last = space.get("databaseroutingpolicy", "all")
    assert last is not None
    waited = _created(job) - _created(last)
    # Both times are whole seconds, so that five of them may look like four.
    assert timedelta(seconds=4) <= waited <= timedelta(seconds=15)
    assert "the clocks of this machine and of the API server differ" in operator.log.read_text()


def _created(body: dict[str, dict[str, str]]) -> datetime:
    return datetime.fromisoformat(body["metadata"]["creationTimestamp"])
