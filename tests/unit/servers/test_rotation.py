"""Which login is published next, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.api.secrets import SecretBytes
from dbalias.servers.bindings import (
    Edited,
    Foreign,
    Found,
    Intact,
    Issued,
    Missing,
    read_request,
)
from dbalias.servers.rotation import (
    Decision,
    Keep,
    Logins,
    Refuse,
    Restore,
    Rotate,
    Wait,
    Why,
    Wishes,
    decide,
    is_settled,
)
from dbalias.servers.wanted import Pair

PAIR = Pair("x_a", "x_b")
NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)
PASSWORD = SecretBytes(b"s3cret")
BOTH = frozenset({"x_a", "x_b"})


def issued(
    login: str = "x_a", *, age: timedelta | None = DAY, request: str | None = None
) -> Issued:
    """Return a login that was published ``age`` ago."""
    rotated = None if age is None else NOW - age
    return Issued(login, PASSWORD, rotated, request, salt="salt")


def intact(login: str = "x_a", **fields: Any) -> Intact:
    """Return a Secret that publishes a login."""
    return Intact(issued(login, **fields), "7")


def decided(
    binding: Found, *existing: str, settled: bool = True, reported: str | None = None, **wishes: Any
) -> Decision:
    """Return what is decided; ``existing``: the logins that the server has."""
    disagrees = wishes.pop("disagrees", False)
    logins = Logins(PAIR, frozenset(existing), binding, reported, disagrees)
    return decide(logins, Wishes(settled, **wishes), now=NOW)


CASES = {
    "a new alias gets its first login": (
        decided(Missing()),
        Rotate("x_a", Why.FIRST),
    ),
    "a creation that was cut short goes on with the same login": (
        decided(Missing(), "x_a"),
        Rotate("x_a", Why.FIRST),
    ),
    "a lost Secret moves on to the other login": (
        decided(Missing(), "x_a", reported="x_a"),
        Rotate("x_b", Why.LOST),
    ),
    "a lost Secret does not wait for workloads": (
        decided(Missing(), *BOTH, reported="x_b", settled=False),
        Rotate("x_a", Why.LOST),
    ),
    "an edited Secret moves on to the other login": (
        decided(Edited("x_a", "7"), *BOTH, reported="x_b", settled=False),
        Rotate("x_b", Why.EDITED),
    ),
    "an edited Secret without its annotation goes by the status": (
        decided(Edited(None, "7"), *BOTH, reported="x_a"),
        Rotate("x_b", Why.EDITED),
    ),
    "an edited Secret whose annotation names nobody's login goes by what is ours": (
        decided(Edited("root", "7"), *BOTH, reported="x_a"),
        Rotate("x_b", Why.EDITED),
    ),
    "a login that nobody could have published is replaced": (
        decided(intact("root"), "x_a", reported="x_a"),
        Rotate("x_b", Why.EDITED),
    ),
    "a Secret of somebody else is refused": (
        decided(Foreign(None), *BOTH),
        Refuse(Foreign(None)),
    ),
    "a login at rest is kept": (
        decided(intact(), "x_a"),
        Keep(issued()),
    ),
    "the next rotation on schedule is told": (
        decided(intact(), "x_a", interval=30 * DAY),
        Keep(issued(), NOW + 29 * DAY),
    ),
    "a login that was dropped comes back with the Secret's password": (
        decided(intact(), "x_b"),
        Restore(issued()),
    ),
    "a repair goes before a rotation that is due": (
        decided(intact(), "x_b", interval=DAY, request="now"),
        Restore(issued(), NOW),
    ),
    "a password that the server has otherwise is set back": (
        decided(intact(), "x_a", disagrees=True),
        Restore(issued()),
    ),
    "the other login that was dropped is not missed": (
        decided(intact("x_b"), "x_b"),
        Keep(issued("x_b")),
    ),
    "an interval that is over moves on to the other login": (
        decided(intact("x_b"), *BOTH, interval=DAY),
        Rotate("x_a", Why.SCHEDULED),
    ),
    "an interval that is over waits for the workloads": (
        decided(intact(), "x_a", interval=DAY, settled=False),
        Wait(issued(), Why.SCHEDULED),
    ),
    "a time that was lost was long ago": (
        decided(intact(age=None), "x_a", interval=30 * DAY),
        Rotate("x_b", Why.SCHEDULED),
    ),
    "a time that is far ahead was long ago": (
        decided(intact(age=-365 * DAY), "x_a", interval=30 * DAY),
        Rotate("x_b", Why.SCHEDULED),
    ),
    "a time that is a little ahead is a clock's": (
        decided(intact(age=timedelta(seconds=-9)), "x_a", interval=DAY),
        Keep(issued(age=timedelta(seconds=-9)), NOW + DAY + timedelta(seconds=9)),
    ),
    "a request moves on to the other login": (
        decided(intact(), "x_a", request="today"),
        Rotate("x_b", Why.REQUESTED, "today"),
    ),
    "a request waits for the workloads": (
        decided(intact(), "x_a", request="today", settled=False),
        Wait(issued(), Why.REQUESTED),
    ),
    "a request that was met is not met again": (
        decided(intact(request="today"), "x_a", request="today"),
        Keep(issued(request="today")),
    ),
    "a request from years ahead silences none that is made after it": (
        decided(intact(request="2999-01-01T00:00:00Z"), "x_a", request="2026-01-31T00:00:00Z"),
        Rotate("x_b", Why.REQUESTED, "2026-01-31T00:00:00Z"),
    ),
    "a request that is taken back asks for nothing": (
        decided(intact(request="today"), "x_a"),
        Keep(issued(request="today")),
    ),
    "whatever is rotated meets the request as well": (
        decided(Missing(), "x_a", reported="x_a", request="today"),
        Rotate("x_b", Why.LOST, "today"),
    ),
    "another given password moves on to the other login": (
        decided(intact(), "x_a", given=SecretBytes(b"mine")),
        Rotate("x_b", Why.GIVEN),
    ),
    "another given password waits for the workloads": (
        decided(intact(), "x_a", given=SecretBytes(b"mine"), settled=False),
        Wait(issued(), Why.GIVEN),
    ),
    "the same given password is at rest": (
        decided(intact(), "x_a", given=PASSWORD),
        Keep(issued()),
    ),
    "a password that is no longer given stays until it is rotated": (
        decided(intact(), "x_a", given=None),
        Keep(issued()),
    ),
}


@pytest.mark.parametrize(("decision", "wanted"), CASES.values(), ids=CASES.keys())
def test_login_is_decided(decision: Decision, wanted: Decision) -> None:
    """As the case says."""
    assert decision == wanted


def test_workloads_are_settled_once_they_have_the_published_login() -> None:
    """Nobody waits for the workloads of a project that does not exist."""
    assert is_settled("x_a", settled_login="x_a", has_project=True)
    assert not is_settled("x_a", settled_login="x_b", has_project=True)
    assert not is_settled(None, settled_login=None, has_project=True)
    assert is_settled("x_a", settled_login=None, has_project=False)


def test_request_is_cut_to_what_the_status_can_hold() -> None:
    """A longer one would be refused with the whole status, and be met for ever."""
    assert read_request({ROTATE_REQUESTED_AT: "x" * 300}) == "x" * 253
    assert read_request({ROTATE_REQUESTED_AT: ""}) is None
    assert read_request({}) is None
