"""The report: JSON within the kubelet's bytes whatever happens."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from dbalias.migrations.report import parse_report
from dbalias_explain import explain
from dbalias_report import LIMIT, Report, encode

RUNTIME = Path(__file__).parents[3] / "operator" / "dbalias" / "runtime"
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=3000)
lists = st.lists(texts, max_size=200)


@given(
    message=texts,
    current=st.none() | texts,
    told=st.fixed_dictionaries({"applied": lists, "errors": lists, "tables": lists}),
    apps=st.lists(lists, max_size=20),
)
def test_a_report_is_json_of_4096_bytes_at_most_whatever_it_says(
    message: str, current: str | None, told: dict[str, list[str]], apps: list[list[str]]
) -> None:
    """Also with broken unicode, control characters and endless lists."""
    content: dict[str, Any] = {**Report("users", None).content}
    content |= {"message": message, "current": current, "applied": told["applied"]}
    content["audit"] = {"errors": told["errors"], "warnings": told["applied"]}
    content["missingTables"] = told["tables"]

    content["routes"] = [{"apps": names, "write": message, "modelsCount": 1} for names in apps]
    data = encode(content)

    assert len(data) <= LIMIT
    assert parse_report(data.decode()) is not None
    assert json.loads(data)["database"] == "users"


FIELDS = {
    name: lists if isinstance(value, list) else texts
    for name, value in Report("users", None).content.items()
    if value is None or isinstance(value, (str, list))
}
"""Every field that may hold a text or a list, with the worst that it may hold."""


@given(
    told=st.fixed_dictionaries({}, optional=FIELDS),
    kind=st.sampled_from(["ValueError", "OperationalError"]),
    is_check=st.booleans(),
)
def test_the_report_of_a_failed_run_is_whole_whatever_its_names_are(
    told: dict[str, Any], kind: str, is_check: bool
) -> None:
    """Names come from the image, from servers and from people: the end is always told."""
    report = Report("users", None)
    report.content |= told
    error = OperationalError(str(told.get("message"))) if kind != "ValueError" else ValueError()
    ending = explain(error, report, is_check=is_check)
    report.ended("failed", code=int(ending.code), reason="MigrationFailed", message=ending.message)

    read = parse_report(encode(report.content).decode())

    assert read is not None
    assert (read.state, read.exit, read.reason) == ("failed", ending.code, "MigrationFailed")
    assert read.message


def test_a_long_list_loses_its_end_and_keeps_its_count() -> None:
    """The first ones and the number are what a person needs."""
    names = [f"shop.{number:04}_a_rather_long_name_of_a_migration" for number in range(500)]

    told = json.loads(
        encode({**Report("users", None).content, "applied": names} | {"appliedCount": 500})
    )

    assert told["appliedCount"] == 500
    assert told["applied"][:2] == names[:2]
    assert 20 < len(told["applied"]) < 500


def test_routes_lose_names_before_they_lose_destinations() -> None:
    """A destination is worth more than its hundredth app; the counts tell what is left out."""
    routes = [
        {
            "apps": [f"app_{number}" for number in range(30)],
            "models": [f"shop.AModelWithARatherLongName{number}" for number in range(30)],
            "read": [f"alias-{where}"],
            "write": f"alias-{where}",
            "migrate": [f"alias-{where}"],
            "modelsCount": 90,
        }
        for where in range(8)
    ]
    content = {**Report("users", None).content, "routes": routes, "routesCount": 8}

    told = parse_report(encode(content).decode())

    assert told is not None
    assert [route.write for route in told.routes] == [f"alias-{where}" for where in range(8)]
    assert all(route.apps and route.models_count == 90 for route in told.routes)


def test_every_state_of_a_report_is_readable_by_the_operator(tmp_path: Path) -> None:
    """Written whole at each step, padded while the run goes on and not when it has ended."""
    path = tmp_path / "termination-log"
    report = Report("users", str(path))
    report.update(state="planning", pendingCount=2)
    report.began("shop.0001_initial", atomic=True)
    during = parse_report(path.read_text())
    report.finished("shop.0001_initial")
    report.update(state="done", exit=0, reason="Migrated")
    after = parse_report(path.read_text())

    assert during is not None
    assert (during.state, during.current, during.current_atomic) == (
        "migrating",
        "shop.0001_initial",
        True,
    )
    assert after is not None
    assert (after.current, after.applied, after.pending_count) == (None, ("shop.0001_initial",), 1)
    assert path.read_text().endswith("}")


def test_a_run_tells_its_progress_in_lines_of_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    """For those who follow its log; a state is said once, and the last line tells the end."""
    report = Report("users", None)
    report.update(state="planning", pendingCount=2)
    report.update(pendingCount=2)
    for name in ("shop.0001_initial", "shop.0002_stock"):
        report.began(name, atomic=True)
        report.finished(name)
    report.ended("done", code=0, reason="Migrated", message="2 migrations applied")

    assert capsys.readouterr().out.splitlines() == [
        "dbalias: state planning",
        "dbalias: state migrating",
        "dbalias: applying shop.0001_initial (1 of 2)",
        "dbalias: applied shop.0001_initial in 0.0 s",
        "dbalias: applying shop.0002_stock (2 of 2)",
        "dbalias: applied shop.0002_stock in 0.0 s",
        "dbalias: ended 0 Migrated: 2 migrations applied",
    ]


def test_a_report_that_cannot_be_written_does_not_stop_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so once."""
    report = Report("users", str(tmp_path / "no" / "such" / "folder"))
    report.update()
    report.update()

    assert capsys.readouterr().out.count("no report is written") == 1


@pytest.mark.parametrize("path", sorted(RUNTIME.glob("*.py")), ids=lambda path: path.name)
def test_runtime_modules_import_only_python_django_and_each_other(path: Path) -> None:
    """And parse with Python 3.9: images are older than the operator's."""
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    ours = {module.stem for module in RUNTIME.glob("dbalias_*.py")}
    assert imported <= sys.stdlib_module_names | ours | {"django", "asgiref", "pymysql"}
