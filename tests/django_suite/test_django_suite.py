"""Django's own tests cannot tell published settings from settings that a person wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from django_suite.comparison import COMBINATIONS, Bench, Comparison, table
from django_suite.running import Outcome
from django_suite.settings import ALIASES
from django_suite.suites import suites_that_use
from environments import SERIES, SUITE_PARTS, environment, running_interpreter
from localkube.databases import MariaDBServer, PostgresServer, running

pytestmark = pytest.mark.timeout(3600)
"""The first test of a machine fetches Django's tests, and waits while environments are made."""

SUITES = ("multiple_database", "backends", "sites_tests", "contenttypes_tests", "prefetch_related")
"""Some 500 tests. `make django` runs all of them on every pair of servers."""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Both servers, and the environment with which the operator is tested."""
    series, folder = SERIES["5.2"], tmp_path_factory.mktemp("django-suite")
    made = environment(running_interpreter(), series.part, *SUITE_PARTS)
    postgres, mariadb = PostgresServer(folder / "postgres"), MariaDBServer(folder / "mariadb")
    with running(postgres, mariadb):
        yield Bench(made, series, {"PostgreSQL": postgres, "MariaDB": mariadb}, folder)


@pytest.mark.parametrize("combination", ["PostgreSQL, other MariaDB", "MariaDB, other PostgreSQL"])
def test_published_settings_run_djangos_tests_as_settings_by_hand_do(
    bench: Bench, combination: str
) -> None:
    """The same tests, each with the same end; most of them pass."""
    found = bench.compare(combination, SUITES)

    servers = dict(zip(ALIASES, COMBINATIONS[combination], strict=True))
    assert found.by_hand.servers == found.published.servers == servers
    assert found.published.settings == "dbalias_settings"
    assert found.differences == []
    assert found.published.counts[0] > 400


def test_suites_are_found_by_what_their_tests_say(bench: Bench) -> None:
    """Some that use `other` in one way or another, and none that does not."""
    found = suites_that_use("other", bench.source / "tests")
    assert {*SUITES, "migrations", "auth_tests", "cache", "queries", "test_utils"} <= set(found)
    assert not {"aggregation", "forms_tests", "template_tests", "gis_tests"} & set(found)


def test_suites_are_found_however_a_test_names_the_alias(tmp_path: Path) -> None:
    """The attribute, an argument, a method, the handler; a text that says `other` is none."""
    ways = {
        "attribute": 'class T:\n    databases = {"default", "other"}\n',
        "all": 'class T:\n    databases = "__all__"\n',
        "argument": 'call_command("flush", database="other")\n',
        "method": 'Model.objects.using("other").get()\n',
        "handler": 'connections["other"].cursor()\n',
        "text": 'assert "other" in names["other"]\n',
        "broken": '1nvalid = "other"\n',
    }
    for name, text in ways.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "tests.py").write_text(text)

    found = suites_that_use("other", tmp_path)

    always = {"backends", "migrations", "multiple_database"}
    assert set(found) - always == {"attribute", "all", "argument", "method", "handler"}


def test_a_test_that_ends_in_another_way_is_a_difference() -> None:
    """Also one that ran in one of the two only; equal counts do not hide it."""
    by_hand = an_outcome(same="passed", one="passed", other="failed", gone="skipped")
    published = an_outcome(same="passed", one="failed", other="passed")

    found = Comparison("PostgreSQL twice", by_hand, published)

    assert found.differences == [
        "gone: skipped by hand, not run published",
        "one: passed by hand, failed published",
        "other: failed by hand, passed published",
    ]
    assert "  DIFFERENT: one: passed by hand, failed published" in list(table([found]))


def an_outcome(**tests: str) -> Outcome:
    """Return the outcome of a run with these tests."""
    return Outcome(tests, settings="any", servers={}, seconds=1.0, log=Path("log"))
