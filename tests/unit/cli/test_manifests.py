"""Manifests are read as kubectl reads them, and every value keeps its line."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from dbalias.cli.manifests import Manifest, Reading, read_manifests

OBJECT = "kind: Thing\nmetadata: {name: one}\n"


def read(folder: Path, text: str) -> Reading:
    """Return what one file of this text holds."""
    path = folder / "file.yaml"
    path.write_text(text)
    return read_manifests([str(path)])


def only(reading: Reading) -> Manifest:
    """Return the one object that was read, without any fault."""
    assert not reading.faults
    (manifest,) = reading.manifests
    return manifest


def test_every_document_of_every_file_is_read_in_order(tmp_path: Path) -> None:
    """Empty documents are passed over; of a directory, what kubectl would take."""
    (tmp_path / "a.yaml").write_text(f"---\n---\n{OBJECT}---\nkind: B\nmetadata: {{name: b}}\n")
    (tmp_path / "b.json").write_text('{"kind": "C", "metadata": {"name": "c"}}')
    (tmp_path / "notes.txt").write_text("no manifest")
    reading = read_manifests([str(tmp_path)])
    assert [one.body["kind"] for one in reading.manifests] == ["Thing", "B", "C"]


def test_standard_input_is_a_file_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` stands for it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(OBJECT))
    assert str(only(read_manifests(["-"])).place("metadata.name")) == "<stdin>:2"


def test_lists_are_taken_apart(tmp_path: Path) -> None:
    """``kubectl get -o yaml`` prints one; each object keeps its own lines."""
    text = (
        "kind: List\nitems:\n- kind: A\n  metadata: {name: a}\n- kind: B\n  metadata: {name: b}\n"
    )
    first, second = read(tmp_path, text).manifests
    assert (first.place().line, second.place("metadata.name").line) == (3, 6)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2026-01-01", "2026-01-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", 1000),
        ("0440", 288),
        ("1e3", 1000.0),
        ("-7", -7),
        ("yes", True),
        ("~", None),
        ("1.5", 1.5),
        ("1.5.0", "1.5.0"),
    ],
)
def test_plain_words_mean_what_they_mean_to_kubectl(
    tmp_path: Path, written: str, value: Any
) -> None:
    """Dates and times stay text: there is no such thing in JSON."""
    assert only(read(tmp_path, f"{OBJECT}spec: {written}\n")).body["spec"] == value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("kind: [\n", 2, "not valid YAML"),
        ("kind: A\nmetadata: {name: a}\nspec:\n  x: 1\n  x: 2\n", 5, "the key x is there twice"),
        ("kind: A\nmetadata: {name: a}\nspec: &a [*a]\n", 3, "contains itself"),
        ("kind: A\nmetadata: {name: a}\nspec: *gone\n", 3, "not valid YAML"),
        ("- just\n- a list\n", 1, "it has no kind"),
        ("kind: A\nmetadata: {}\n", 2, "this A has no name"),
        ("kind: A\nmetadata: {name: a}\nspec: {[1]: 2}\n", 3, "not valid YAML"),
    ],
)
def test_what_is_no_manifest_is_a_fault_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    """And nothing is raised."""
    (fault,) = read(tmp_path, text).faults
    assert fault.place.line == line
    assert message in fault.message


def test_files_that_cannot_be_read_are_named_and_the_others_read(tmp_path: Path) -> None:
    """A missing one, one that is no text, an empty directory."""
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.yaml").write_text(OBJECT)
    names = ("missing.yaml", "bytes.yaml", "empty", "good.yaml")
    reading = read_manifests(str(tmp_path / name) for name in names)
    told = [f"{Path(fault.place.path).name}: {fault.message}" for fault in reading.faults]
    assert told == [
        "missing.yaml: cannot be read: No such file or directory",
        "bytes.yaml: cannot be read: it is not UTF-8",
        "empty: there is no .yaml, .yml or .json file in this directory",
    ]
    assert len(reading.manifests) == 1


DEEP = """\
kind: A
metadata:
  name: a
  labels:
    app.example/part: x
spec:
  rules:
  - write: users
    read: [one]
  - write: default
  optionsJSON: '{"pool": true}'
"""


def test_a_path_that_no_file_can_have_is_a_fault() -> None:
    """As when the text of a manifest is given for its name."""
    [fault] = read_manifests(["kind: " * 1000]).faults
    assert fault.message == "cannot be read: File name too long"


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("", 1),
        ("spec.rules[1].write", 10),
        ("spec.rules[0].read[0]", 9),
        ("metadata.labels[app.example/part]", 5),
        ("metadata.labels.app.example/part", 5),
        ("spec.options.pool", 11),
        ("spec.rules[1].migrate.aliases", 10),
        ("spec.rules[9].write", 7),
        ("spec.engine", 6),
        ("status", 1),
    ],
)
def test_a_field_is_found_or_what_would_hold_it(tmp_path: Path, field: str, line: int) -> None:
    """A missing field points to the nearest thing that is there."""
    assert only(read(tmp_path, DEEP)).place(field).line == line
