"""Of which alias a rotation is asked for, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.cli.refusal import RefusedError
from dbalias.cli.rotate import Progress, demand_provisioned, find_request, read_progress

REQUEST = "2026-01-31T00:00:00.000001Z"
WAITING = {"type": "Provisioned", "status": "True", "message": "waiting for the listed workloads"}


def an_alias(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return a DatabaseAlias as the API server has it."""
    return {"metadata": {"name": "users"} | metadata, "spec": spec}


def test_provisioned_alias_is_asked() -> None:
    """Also one that sets nothing of it."""
    demand_provisioned(an_alias({"provision": {}}), "users")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            an_alias({"credentials": {"secretRef": {"name": "login"}}}),
            "users is not provisioned: change the login in the Secret login",
        ),
        (
            an_alias({"engine": "sqlite3"}),
            "users is not provisioned: change the login in its credentials",
        ),
        (an_alias({"provision": {}}, deletionTimestamp="now"), "users is being deleted"),
    ],
    ids=["a login of its own", "no login", "deleting"],
)
def test_alias_without_a_login_of_ours_is_refused_with_the_remedy(
    body: dict[str, Any], said: str
) -> None:
    """Before anything is written."""
    with pytest.raises(RefusedError) as refused:
        demand_provisioned(body, "users")
    assert refused.value.lines == (said,)


def test_request_that_another_came_after_is_met_with_it() -> None:
    """The first is never acknowledged: two who ask at once would wait until one gives up."""
    later = an_alias({}, annotations={ROTATE_REQUESTED_AT: "later"})
    assert find_request(later, REQUEST) == "later"
    assert find_request(an_alias({}), REQUEST) == REQUEST


def test_progress_tells_why_it_has_not_begun() -> None:
    """In the operator's own words."""
    status = {"lastHandledRotateRequest": "before", "conditions": [WAITING]}
    assert read_progress(status, REQUEST) == Progress(
        "not begun yet: waiting for the listed workloads"
    )
    assert read_progress({}, REQUEST) == Progress("not begun yet")


def test_progress_goes_on_until_the_workloads_have_the_login() -> None:
    """Published is not yet in use."""
    status = {
        "lastHandledRotateRequest": REQUEST,
        "provision": {"login": "shop_users_b"},
        "binding": {"name": "users-binding"},
        "settledLogin": "shop_users_a",
    }
    assert read_progress(status, REQUEST) == Progress(
        "shop_users_b is published in the Secret users-binding; workloads get it next"
    )
    assert read_progress(status, REQUEST, has_project=False).is_over
    over = read_progress(status | {"settledLogin": "shop_users_b"}, REQUEST)
    assert over.is_over
    assert "shop_users_b" in over.line
