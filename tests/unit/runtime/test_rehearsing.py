"""Mirrors and dependencies of test databases: the operator and Django's test runner agree."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler
from django.test.utils import get_unique_databases_and_mirrors
from hypothesis import given, settings
from hypothesis import strategies as st

import unit.runtime.conftest  # noqa: F401 - configures Django, of which a handler needs settings
from dbalias.django.resolve import resolve
from unit.builders import a_project, an_alias

NAMES = ("default", "a", "b", "c")


@st.composite
def rehearsals(draw: st.DrawFn) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return a database's name and a TEST for each alias; none names itself."""
    kinds = st.sampled_from(["nothing", "nothing", "mirror", "dependencies", "dependencies"])
    found = {}
    for alias in NAMES[: draw(st.integers(1, len(NAMES)))]:
        others = st.sampled_from([name for name in (*NAMES, "gone") if name != alias])
        kind = draw(kinds)
        test: dict[str, Any] = {}
        if kind == "mirror" and alias != "default":
            test = {"MIRROR": draw(others)}
        elif kind == "dependencies":
            test = {"DEPENDENCIES": draw(st.lists(others, max_size=2))}
        found[alias] = (draw(st.sampled_from(["one", "other", alias])), test)
    return found


def can_begin(declared: dict[str, tuple[str, dict[str, Any]]]) -> bool:
    """Tell whether Django's test runner could make these databases and mirrors of them."""
    handler = ConnectionHandler(
        {
            alias: {"ENGINE": "django.db.backends.postgresql", "NAME": name, "TEST": {**test}}
            for alias, (name, test) in declared.items()
        }
    )
    with patch("django.test.utils.connections", handler):
        try:
            _, mirrors = get_unique_databases_and_mirrors()
        except ImproperlyConfigured:
            return False
    return all(one in declared and one not in mirrors for one in mirrors.values())


@settings(max_examples=300)
@given(rehearsals())
def test_test_databases_are_refused_where_django_cannot_make_them(declared: Any) -> None:
    """A circle, a mirror of a mirror, names of nothing; and nothing else is refused."""
    aliases = [an_alias(alias, name=name, test=test) for alias, (name, test) in declared.items()]
    problems = resolve(a_project(), aliases, {}).problems
    assert (not problems) is can_begin(declared)
