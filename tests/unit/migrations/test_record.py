"""What is kept in the status, and read back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.migrations.record import Audit, Completed, Outcome, Record
from unit.migrations.builders import NOW, a_running_record

FULL = a_running_record(
    outcome=Outcome.FAILED,
    finished_at=NOW,
    failures=2,
    retry_at=NOW,
    reason=Reason.LOGIN_REFUSED,
    message="no",
    handled_request="2026",
    completed=Completed(
        "identity-0", "shop:0", "job-0", NOW, 3, "shop.0001_a", 1, ("x.1",), image_digest="sha256:0"
    ),
    audit=Audit(("e",), 12, ("w",), 1),
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(FULL.render())), inner),
    max_leaves=20,
)


def test_record_is_read_back_as_it_was_written() -> None:
    """Through JSON, as the API server keeps it."""
    assert Record.parse(json.loads(json.dumps(FULL.render()))) == FULL


def test_record_that_says_nothing_is_empty() -> None:
    """An alias that never needed a Job has no such status."""
    assert Record().render() == {}
    assert Record.parse(None) == Record()


@given(JSON_VALUES)
def test_record_is_read_from_anything_and_then_stable(status: JSON) -> None:
    """A status that someone edited neither stops the operator nor makes it write for ever."""
    record = Record.parse(status)
    assert Record.parse(record.render()).render() == record.render()


@pytest.mark.parametrize(
    ("field", "value"),
    [("outcome", "Sideways"), ("attempt", -1), ("startedAt", "noon"), ("reason", "Because")],
)
def test_record_takes_an_odd_value_as_unset(field: str, value: JSON) -> None:
    """One odd field does not spoil the others."""
    record = Record.parse(FULL.render() | {field: value})
    assert field not in record.render()
    assert record.job == FULL.job


def test_record_keeps_lists_short_and_their_counts() -> None:
    """A status is read by people, and etcd is no archive."""
    long = replace(FULL, audit=Audit(errors=("e",) * 50, error_count=50))
    audit = long.render()["audit"]
    assert len(audit["errors"]) == 10
    assert audit["errorCount"] == 50
