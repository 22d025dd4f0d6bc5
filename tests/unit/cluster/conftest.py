"""Time for Leases."""

from __future__ import annotations

import pytest

from dbalias.cluster import lease
from unit.clocks import now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Lease count on the clock of the test's loop."""
    monkeypatch.setattr(lease, "_now", now)
