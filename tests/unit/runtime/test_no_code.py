"""No input can turn into code: nothing declared is ever evaluated, compiled or imported, but
for the dotted paths that Django itself imports."""

from __future__ import annotations

import importlib.machinery
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import ConnectionHandler, ConnectionRouter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dbalias_databases
import unit.runtime.conftest  # noqa: F401 - configures Django, of which a handler needs settings
from dbalias.api.limits import DOTTED_PATH
from unit.runtime.declared import HOSTILE, Declared, declarations
from unit.runtime.loading import an_alias_body, files_of, handled, load, publish

MODULES = {
    path.name: path.read_bytes()
    for path in Path(dbalias_databases.__file__).parent.glob("dbalias_*.py")
}
WATCHED = (
    "compile",
    "exec",
    "import",
    "os.system",
    "subprocess.Popen",
    "os.exec",
    "pickle.find_class",
)
OFTEN = settings(max_examples=40, suppress_health_check=list(HealthCheck))
_records: list[list[tuple[str, str]]] = []


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if _records and event in WATCHED:
        _records[-1].append((event, str(arguments[0])[:200]))


sys.addaudithook(_record)


@contextmanager
def watched() -> Iterator[list[tuple[str, str]]]:
    """Yield what is compiled, executed, started and imported while the block runs."""
    _records.append([])
    try:
        yield _records[-1]
    finally:
        _records.pop()


def bodies_of(declared: Declared) -> list[dict[str, Any]]:
    """Return the objects of a declaration."""
    named = enumerate(declared.specs.items())
    return [an_alias_body(f"a{index}", alias=alias, **spec) for index, (alias, spec) in named]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Import what reading, publishing and loading import once in a process."""
    body = an_alias_body("default", engine="mysql", name="ü", user="u", timeZone="UTC")
    handled(load(files_of(*publish(body)))["DATABASES"])
    import pymysql  # noqa: F401 - stands in for MySQLdb as soon as a MySQL alias is loaded


def test_what_is_watched_for_is_seen() -> None:
    """Else the tests below would see nothing in anything."""
    with watched() as seen:
        eval("1 + 1")
        with pytest.raises(ImportError):
            __import__("no_such_module")
    assert {event for event, _ in seen} == {"compile", "exec", "import"}


@OFTEN
@given(declarations())
def test_nothing_declared_is_run_or_imported_on_its_way_to_django(declared: Declared) -> None:
    """Parsing, publishing, loading, Django's handler: data all the way."""
    with watched() as seen:
        artefact, resolution = publish(
            *bodies_of(declared), project=declared.project, sources=declared.sources
        )
        files = files_of(artefact, resolution)
        for profile in ("", "web"):
            handled(load(files, DBALIAS_PROFILE=profile)["DATABASES"])
    assert seen == []


@OFTEN
@given(declarations())
def test_published_modules_are_the_packages_own_byte_for_byte(declared: Declared) -> None:
    """Nothing declared is formatted into Python, and no other file could be imported."""
    artefact, resolution = publish(
        *bodies_of(declared), project=declared.project, sources=declared.sources
    )
    files = files_of(artefact, resolution)
    suffixes = tuple(importlib.machinery.all_suffixes())
    assert {name: text for name, text in files.items() if name.endswith(suffixes)} == MODULES
    assert json.loads(files["databases.json"]) == artefact.document


PATHS = st.from_regex(DOTTED_PATH, fullmatch=True).map(lambda path: f"no_such_{path[:60]}x")


def imported(seen: list[tuple[str, str]]) -> set[str]:
    """Return the modules that were looked for; nothing else may have happened."""
    assert {event for event, _ in seen} <= {"import"}
    return {name for _, name in seen}


def parents(path: str) -> set[str]:
    """Return a dotted path and the packages it lies in."""
    parts = path.split(".")
    return {".".join(parts[: count + 1]) for count in range(len(parts))}


@OFTEN
@given(engine=PATHS, router=PATHS)
def test_only_the_dotted_paths_that_were_declared_are_imported(engine: str, router: str) -> None:
    """By Django, at the moment and in the way in which it does so for settings by hand."""
    project = {"routing": {"before": [router]}, "settings": {"module": f"{router}.settings"}}
    body = an_alias_body("default", engine=engine, name=HOSTILE[0], user="u")
    found = load(files_of(*publish(body, project=project)))
    assert found["DATABASE_ROUTERS"][0] == router
    with watched() as seen, pytest.raises(Exception, match="no_such_"):
        ConnectionHandler(found["DATABASES"])["default"]
    assert imported(seen) <= parents(f"{engine}.base")
    with watched() as seen, pytest.raises(ImportError, match="no_such_"):
        _ = ConnectionRouter(found["DATABASE_ROUTERS"]).routers
    assert imported(seen) <= parents(router)
