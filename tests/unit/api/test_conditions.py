"""Conditions: rendered for the API, stable while nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dbalias.api.conditions import (
    MESSAGE_LIMIT,
    Condition,
    ConditionValue,
    Reason,
    Status,
    parse_timestamp,
    render_conditions,
    timestamp,
)

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
READY = ConditionValue(Condition.READY, Status.TRUE, Reason.READY, "all is well")


def test_condition_has_every_field_of_the_conventions() -> None:
    """Type, status, reason, message, generation and time."""
    assert render_conditions([READY], previous=(), generation=3, now=NOW) == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Ready",
            "message": "all is well",
            "observedGeneration": 3,
            "lastTransitionTime": "2026-05-01T08:00:00Z",
        }
    ]


@pytest.mark.parametrize(("status", "hour"), [(Status.TRUE, 8), (Status.FALSE, 9)])
def test_time_of_a_condition_moves_with_its_status_only(status: Status, hour: int) -> None:
    """Another reason or message is no transition."""
    before = render_conditions([READY], previous=(), generation=1, now=NOW)
    value = ConditionValue(Condition.READY, status, Reason.MIGRATING, "later")
    later = NOW + timedelta(hours=1)
    [condition] = render_conditions([value], previous=before, generation=2, now=later)
    assert condition["lastTransitionTime"] == f"2026-05-01T{hour:02}:00:00Z"


def test_long_message_is_cut() -> None:
    """A status is no log."""
    value = ConditionValue(Condition.READY, Status.TRUE, Reason.READY, "x" * 5000)
    [condition] = render_conditions([value], previous=(), generation=1, now=NOW)
    assert len(condition["message"]) == MESSAGE_LIMIT


@pytest.mark.parametrize("text", ["2026-05-01T08:00:00Z", "2026-05-01T08:00:00.000000Z"])
def test_time_is_read_as_kubernetes_writes_it(text: str) -> None:
    """With and without fractions."""
    assert parse_timestamp(text) == NOW
    assert parse_timestamp(timestamp(NOW)) == NOW


@pytest.mark.parametrize("text", [None, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_no_time_is_none(text: str | None) -> None:
    """A field that is absent or empty, or that somebody wrote: before the first year is no time."""
    assert parse_timestamp(text) is None
