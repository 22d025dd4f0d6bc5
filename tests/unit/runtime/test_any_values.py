"""Any values that may be declared → published files → Django's own handler → the same values."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, given, settings

import dbalias_databases
import unit.runtime.conftest  # noqa: F401 - configures Django, of which a handler needs settings
from dbalias.api.limits import SETTING_NAME
from unit.runtime.declared import Declared, declarations
from unit.runtime.loading import an_alias_body, files_of, handled, load, publish, read

SLOW = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def published(declared: Declared) -> dict[str, bytes]:
    """Return the files that the operator publishes, which must be all that was declared."""
    bodies = [
        an_alias_body(f"a{i}", alias=a, **s) for i, (a, s) in enumerate(declared.specs.items())
    ]
    artefact, resolution = publish(*bodies, project=declared.project, sources=declared.sources)
    assert not resolution.problems
    return files_of(artefact, resolution)


def spelled(value: Any) -> Any:
    """Return a value with the type of everything in it, so that 1, 1.0 and True differ."""
    match value:
        case dict():
            return type(value), sorted((key, type(key), spelled(one)) for key, one in value.items())
        case list():
            return type(value), [spelled(one) for one in value]
        case _:
            return type(value), repr(value)


def differences(found: Any, expected: Any) -> list[tuple[str, str, Any, Any]]:
    """Return alias, key, what was found and what was expected, where they are not the same."""
    assert found.keys() == expected.keys()
    return [
        (alias, key, found[alias].get(key), entry.get(key))
        for alias, entry in expected.items()
        for key in entry.keys() | found[alias].keys()
        if spelled(found[alias].get(key)) != spelled(entry.get(key))
    ]


@SLOW
@given(declarations())
def test_any_values_reach_djangos_handler_as_they_were_declared(declared: Declared) -> None:
    """With the same types, as plain dictionaries, lists and texts, for every kind of engine."""
    found = load(published(declared))
    assert differences(handled(found.pop("DATABASES")), handled(declared.expected)) == []
    assert spelled(found) == spelled({"DATABASE_ROUTERS": [], **declared.further})


@SLOW
@given(declarations())
def test_any_profile_reaches_djangos_handler_as_it_was_declared(declared: Declared) -> None:
    """On top of each alias: values replaced, OPTIONS merged by key."""
    found = load(published(declared), DBALIAS_PROFILE="web")
    assert differences(handled(found["DATABASES"]), handled(declared.profiled)) == []


@SLOW
@given(declarations())
def test_every_reading_is_fresh(declared: Declared) -> None:
    """Django changes dictionaries in place; whoever reads next must not see that."""
    reading = read(published(declared))
    before = spelled(reading.settings())
    for entry in handled(reading.settings()["DATABASES"]).values():
        entry["OPTIONS"].clear()
        entry["TEST"]["NAME"] = "changed"
    assert spelled(reading.settings()) == before


def test_no_name_of_the_module_hides_a_setting() -> None:
    """``from dbalias_databases import ANY_NAME`` gives what was declared under that name."""
    names = vars(dbalias_databases)
    assert [name for name in names if re.fullmatch(SETTING_NAME, name)] == []
