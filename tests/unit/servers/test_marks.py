"""Marks on servers and Secrets: ours are read as they were written, and nothing else is one."""

from __future__ import annotations

import json

import pytest

from dbalias.servers.marks import Mark, parse_mark

MARK = Mark("dbalias/dbalias", "shop", "users.eu")


@pytest.mark.parametrize("adopted", [False, True])
def test_mark_is_read_as_it_was_written(adopted: bool) -> None:
    """It decides what may be dropped."""
    mark = Mark("dbalias/dbalias", "shop", "users.eu", adopted=adopted)
    assert parse_mark(mark.render()) == mark


def test_longest_names_fit_in_a_mark() -> None:
    """Kubernetes allows 253 characters for an object, and for either part of an installation."""
    mark = Mark(f"{'n' * 63}/{'r' * 253}", "n" * 63, "x" * 253, adopted=True)
    assert parse_mark(mark.render()) == mark


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "the shop's",
        "[]",
        "1",
        '{"dbalias": 2}',
        '{"dbalias": 1}',
        "[" * 5000,
        "[" * 10**6,
    ],
    ids=["none", "empty", "words", "list", "number", "newer", "no owner", "deep", "endless"],
)
def test_what_others_wrote_is_no_mark(text: str | None) -> None:
    """A tenant may comment on its database: that must not end the look at all the others."""
    assert parse_mark(text) is None


@pytest.mark.parametrize(
    "field",
    [
        {"namespace": "a/b"},
        {"namespace": "shop; reboot"},
        {"namespace": "n" * 64},
        {"name": "users\nreboot"},
        {"name": "$(reboot)"},
        {"name": "x" * 254},
        {"name": 7},
        {"installation": None},
    ],
    ids=str,
)
def test_mark_that_names_no_alias_is_none(field: dict[str, object]) -> None:
    """``dbalias orphans`` shows the names, in commands that people paste."""
    assert parse_mark(json.dumps(json.loads(MARK.render()) | field)) is None
