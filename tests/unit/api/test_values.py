"""Digests and secrets: the small values that every room uses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dbalias.api.digest import digest
from dbalias.api.secrets import SecretBytes


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    """One value, one name."""
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})


@pytest.mark.parametrize("value", [{}, {"a": 2}, {"a": "1"}, [1], "text", b"bytes", None])
def test_digest_is_short_lower_case_and_tells_values_apart(value: Any) -> None:
    """Legal in every kind of name."""
    assert re.fullmatch("[a-z2-7]{10}", digest(value))
    assert digest(value) != digest({"a": 1})


def test_digest_of_a_text_is_that_of_its_bytes() -> None:
    """Files are named by content, however they were read."""
    assert digest("grün") == digest("grün".encode())


def test_secret_shows_itself_only_when_asked() -> None:
    """Printing, formatting and errors never show it."""
    secret = SecretBytes(b"hunter2")
    assert secret.reveal() == b"hunter2"
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", f"{[secret]}"]
    assert not [text for text in shown if "hunter2" in text]
