"""Reading by shape: what is kept, what is refused, and how it is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dbalias.api.reader import Reader
from dbalias.api.shapes import (
    AnyObject,
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    NumberOrText,
    Record,
    Table,
    Text,
)

SHAPE = Record(
    {
        "name": Text(5, pattern="^[a-z]+$"),
        "word": Choice(("On", "Off")),
        "count": Number(1, 9),
        "flag": Flag(),
        "age": NumberOrText(9),
        "names": Items(Text(5), 2, distinct=True),
        "entries": Items(Record({"key": Text(5)}, required=("key",)), 3, keys=("key",)),
        "table": Table(Number(0, 9), 2),
        "options": AnyObject(2),
        "value": Anything(),
    }
)
LEGAL = {
    "name": "abc",
    "word": "On",
    "count": 9,
    "flag": False,
    "age": "Unlimited",
    "names": ["a", "b"],
    "entries": [{"key": "a"}],
    "table": {"a": 0},
    "options": {"a": None},
    "value": [1.5],
}


def _read(body: Any) -> tuple[Any, list[str]]:
    reader = Reader("Thing/one")
    kept = reader.read(body, SHAPE, at="spec")
    return kept, [problem.field for problem in reader.problems]


def test_legal_record_is_kept_whole() -> None:
    """Nothing is changed or dropped."""
    assert _read(LEGAL) == (LEGAL, [])


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        pytest.param("name", "", "spec.name", id="an empty text"),
        pytest.param("name", "abcdef", "spec.name", id="a long text"),
        pytest.param("name", "ab\n", "spec.name", id="a line's end after a legal text"),
        pytest.param("name", 3, "spec.name", id="a number for a text"),
        pytest.param("word", "on", "spec.word", id="a word in another case"),
        pytest.param("word", True, "spec.word", id="a YAML boolean for a word"),
        pytest.param("count", 0, "spec.count", id="a small number"),
        pytest.param("count", 10, "spec.count", id="a large number"),
        pytest.param("count", "3", "spec.count", id="a quoted number"),
        pytest.param("count", True, "spec.count", id="a boolean for a number"),
        pytest.param("count", 1.5, "spec.count", id="a fraction"),
        pytest.param("flag", "false", "spec.flag", id="a quoted boolean"),
        pytest.param("flag", 0, "spec.flag", id="a number for a boolean"),
        pytest.param("age", 1.5, "spec.age", id="a fraction for a number or text"),
        pytest.param("age", True, "spec.age", id="a boolean for a number or text"),
        pytest.param("names", "a", "spec.names", id="a text for a list"),
        pytest.param("names", ["a", "b", "c"], "spec.names", id="a long list"),
        pytest.param("names", ["a", None], "spec.names[1]", id="a null in a list"),
        pytest.param("names", ["a", "a"], "spec.names[1]", id="a value twice"),
        pytest.param("entries", [{}], "spec.entries[0].key", id="a missing key"),
        pytest.param("entries", [{"key": "a"}] * 2, "spec.entries[1]", id="a key twice"),
        pytest.param("table", {"a": 10}, "spec.table[a]", id="a large number in a map"),
        pytest.param("table", {"a": 1, "b": 1, "c": 1}, "spec.table", id="a large map"),
        pytest.param("table", {1: 1}, "spec.table", id="a number as a key"),
        pytest.param("options", [], "spec.options", id="a list for a map"),
        pytest.param("nam", "a", "spec.nam", id="an unknown field"),
    ],
)
def test_wrong_value_is_refused_at_its_path(field: str, value: Any, at: str) -> None:
    """One wrong value is one problem, named by its path."""
    assert _read({**LEGAL, field: value})[1] == [at]


@pytest.mark.parametrize(
    "value",
    [date(2026, 5, 1), float("nan"), {"a": {1: "b"}}, {"a": b"c"}],
    ids=["a date", "NaN", "a number as an inner key", "bytes"],
)
@pytest.mark.parametrize("field", ["options", "value"])
def test_open_value_holds_json_alone(field: str, value: Any) -> None:
    """YAML knows values that could not be published."""
    inner = {"a": value} if field == "options" else value
    assert _read({field: inner})[1] == [f"spec.{field}"]


def test_all_wrong_values_are_told_at_once() -> None:
    """A reader does not stop at the first problem; what is legal stays."""
    kept, fields = _read({"name": 1, "count": 0, "names": ["a", 2], "flag": True})
    assert fields == ["spec.name", "spec.count", "spec.names[1]"]
    assert kept == {"names": ["a"], "flag": True}


def test_null_counts_as_absent() -> None:
    """The API server drops nulls, so a file with one means the same."""
    assert _read({"name": None, "value": None}) == ({}, [])


def test_whole_float_is_a_number() -> None:
    """JSON knows one kind of number: 3.0 is 3."""
    assert _read({"count": 3.0}) == ({"count": 3}, [])


def test_unknown_field_is_told_with_the_name_it_resembles() -> None:
    """A typo is answered with the field that was meant, else with all of them."""
    reader = Reader("Thing/one")
    reader.read({"Nmae": "a", "zzz": 1}, SHAPE, at="spec")
    typo, other = (str(problem) for problem in reader.problems)
    assert typo == "Thing/one spec.Nmae: there is no field Nmae. Did you mean name?"
    assert other.startswith("Thing/one spec.zzz: there is no field zzz. Known: name, word, ")


def test_problem_does_not_repeat_the_value() -> None:
    """A password in the wrong place is not printed."""
    reader = Reader("Thing/one")
    reader.read({"name": "S3cret!", "word": "S3cret!", "count": "S3cret!"}, SHAPE, at="spec")
    assert len(reader.problems) == 3
    assert "S3cret!" not in "".join(map(str, reader.problems))


@pytest.mark.parametrize(
    "text",
    ["", "{", "{'a': 1}", '{"a": NaN}', '{"a": -Infinity}', '{"a": 1, "a": 2}', "[" * 100_000],
    ids=["nothing", "half", "quotes", "NaN", "infinity", "a key twice", "too deep"],
)
def test_text_that_is_no_json_is_refused(text: str) -> None:
    """Only JSON as its standard has it, each key once."""
    reader = Reader("Thing/one")
    assert reader.read_json(text, at="spec.valueJSON") is None
    [problem] = reader.problems
    assert problem.message == "valueJSON is not valid JSON"


def test_json_text_keeps_what_yaml_would_lose() -> None:
    """Nulls, fractions and wide integers arrive as written."""
    text = '{"a": null, "b": 1.0, "c": 12345678901234567890}'
    value = Reader("Thing/one").read_json_object(text, at="spec.optionsJSON")
    assert value == {"a": None, "b": 1.0, "c": 12345678901234567890}
    assert isinstance(value["b"], float)


@pytest.mark.parametrize("text", ["[]", "null", "1"])
def test_json_text_that_is_no_object_is_refused(text: str) -> None:
    """Options are an object."""
    reader = Reader("Thing/one")
    assert reader.read_json_object(text, at="spec.optionsJSON") == {}
    [problem] = reader.problems
    assert problem.message == "optionsJSON is not a JSON object"


def test_rule_about_a_refused_field_is_not_added() -> None:
    """One wrong value is one problem, not the problems that follow from it too."""
    reader = Reader("Thing/one")
    reader.refuse("spec.name", "name has the wrong type", "Write a string")
    reader.demand(False, "spec.name", "name is missing", "Set name")
    reader.demand(False, "spec.host", "host is missing", "Set host")
    assert [problem.field for problem in reader.problems] == ["spec.name", "spec.host"]
