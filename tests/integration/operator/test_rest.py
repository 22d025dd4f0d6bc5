"""Twelve minutes at rest. The cluster rests since the run began; this only looks at the outcome."""

from __future__ import annotations

import pytest

from integration.operator.resting import REST, Rest
from integration.operator.scenery import PROJECTS


@pytest.mark.timeout(REST + 600)
def test_nothing_is_written_at_rest(rest: Rest) -> None:
    """With a project in every state that lasts, Jobs and awaited Secrets among them, and databases
    that were made and are looked through for drift, their logins tried.
    """
    found = rest.found()
    assert "error" not in found, found["error"]
    assert found["seconds"] >= REST
    assert found["running"], "the operator ended or lost its Lease"
    assert found["passed"] == list(PROJECTS)
    assert found["reads"] > 0, "the operator was not even looking"
    assert found["logins"] >= 2 or REST < 660, "the logins that were made were not tried"
    assert found["writes"] == []
