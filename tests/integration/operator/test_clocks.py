"""The operator on a node whose clock is wrong: what was changed when is the API server's word."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import SETTLED, running, wait_until
from integration.operator.workbench import Body, Space, Workbench

SHIFT = """
import time

_right = time.time
time.time = lambda: _right() + {seconds}
"""
"""As `sitecustomize` it is run by every Python process that finds it, before anything else."""
LATER = 3.0
"""Seconds between objects that belong together: less than the five of settling."""
LONG = 300
"""Seconds for a busy machine: far less than an hour, for which a wrong clock would hold it up."""


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
        space, last = two_changes(own_bench)
        (job,) = wait_until(lambda: space.all("job"), seconds=LONG, what="the Job")
    waited = _created(job) - last
    # Both times are whole seconds, so that five of them may look like four.
    assert timedelta(seconds=4) <= waited <= timedelta(seconds=LONG)
    assert "the clocks of this machine and of the API server differ" in operator.log.read_text()


def two_changes(bench: Workbench) -> tuple[Space, datetime]:
    """Declare a project by two changes, the later within the settling of the earlier.

    Return its namespace and the time of the later; on a busy machine it may take another try.
    """
    while True:
        space = bench.namespace("clocks")
        # Without a node the Job never ends, and holds its database.
        database = alias("default", host=f"{space.name}.example")
        space.apply(project(image="shop:1"), secret(), database)
        time.sleep(LATER)
        space.apply(policy("all", everything_to("default")))
        first, last = space.get("dba", "shop-default"), space.get("dbrp", "all")
        assert first is not None
        assert last is not None
        if _created(last) - _created(first) <= timedelta(seconds=LATER):
            return space, _created(last)


def _created(body: Body) -> datetime:
    return datetime.fromisoformat(body["metadata"]["creationTimestamp"])
