"""TEST across aliases: what Django's test runner could not begin with is a problem."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.conditions import Reason
from dbalias.django.resolve import resolve
from unit.builders import a_project, a_replica, an_alias, an_empty_default

INVALID, UNKNOWN = Reason.INVALID_CONFIGURATION, Reason.ALIAS_NOT_FOUND


def problems_of(*aliases: Any) -> dict[str, list[tuple[str, Reason]]]:
    """Return (field, reason) of the problems of each alias that has any."""
    problems = resolve(a_project(), aliases, {}).problems
    return {name: [(one.field, one.reason) for one in found] for name, found in problems.items()}


def after(alias: str, *dependencies: str, **fields: Any) -> Any:
    """Return an alias whose test database is made after others."""
    return an_alias(alias, test={"DEPENDENCIES": [*dependencies]}, **fields)


def mirroring(alias: str, mirror: str) -> Any:
    """Return an alias that mirrors another one in tests."""
    return an_alias(alias, test={"MIRROR": mirror})


DEFAULT = an_alias("default")
SAME = {"name": "default_data"}


@pytest.mark.parametrize(
    "aliases",
    [
        [DEFAULT, mirroring("a", "default")],
        [DEFAULT, after("a"), after("b", "a", "default")],
        [after("default", "a"), after("a")],
        [DEFAULT, an_alias("a", **SAME)],
        [an_empty_default(), after("a", "default"), mirroring("b", "a")],
        [DEFAULT, a_replica("r", "default"), a_replica("s", "r")],
        [
            an_alias("default", engine="sqlite3", name="x"),
            after("a", "default", engine="sqlite3", name="x"),
        ],
    ],
)
def test_what_django_can_make_is_no_problem(aliases: Any) -> None:
    """Mirrors of originals, and an order without a circle."""
    assert problems_of(*aliases) == {}


MIRROR, DEPENDENCIES = "spec.test.mirror", "spec.test.dependencies"


@pytest.mark.parametrize(
    ("aliases", "problems"),
    [
        ([DEFAULT, mirroring("a", "gone")], {"a": (MIRROR, UNKNOWN)}),
        ([DEFAULT, after("a", "gone")], {"a": (DEPENDENCIES, UNKNOWN)}),
        ([an_empty_default(), mirroring("a", "default")], {"a": (MIRROR, INVALID)}),
        (
            [DEFAULT, mirroring("a", "default"), mirroring("b", "a")],
            {"b": (MIRROR, INVALID)},
        ),
        (
            [DEFAULT, mirroring("a", "default"), after("b", "a")],
            {"b": (DEPENDENCIES, INVALID)},
        ),
        ([DEFAULT, after("a", "default", **SAME)], {"a": (DEPENDENCIES, INVALID)}),
        (
            [DEFAULT, after("a", "b"), after("b", "a")],
            {"a": (DEPENDENCIES, INVALID), "b": (DEPENDENCIES, INVALID)},
        ),
        ([after("default", "a"), an_alias("a")], {"default": (DEPENDENCIES, INVALID)}),
        (
            [DEFAULT, after("a", "b"), after("b", "c"), after("c", "a"), after("d", "a")],
            dict.fromkeys("abc", (DEPENDENCIES, INVALID)),
        ),
    ],
)
def test_what_django_cannot_make_is_a_problem_of_who_says_so(aliases: Any, problems: Any) -> None:
    """What may still appear is waited for; the rest only an edit cures."""
    assert problems_of(*aliases) == {name: [one] for name, one in problems.items()}
