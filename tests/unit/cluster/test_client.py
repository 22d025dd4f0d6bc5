"""An apply is read as YAML by the server: what JSON text may hold must survive that."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dbalias.cluster.client import as_yaml


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_as_yaml_and_as_json(text: str) -> None:
    """Both readers find the same text again."""
    body = as_yaml({"text": text})
    assert json.loads(body) == {"text": text}
    assert yaml.safe_load(body) == {"text": text}


@pytest.mark.parametrize("half", ["\ud83d", "x\udc00y"])
def test_half_a_surrogate_pair_becomes_the_replacement_character(half: str) -> None:
    """It is no text, and must not refuse the whole status it is quoted in."""
    text = json.loads(as_yaml({"text": half}))["text"]
    assert "\ufffd" in text
