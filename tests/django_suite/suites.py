"""Which of Django's own test suites have to do with a second database, read from their source."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable
from pathlib import Path

ALWAYS = ("backends", "migrations", "multiple_database")
NOT_SUITES = ("test_runner_apps", "import_error_package")
"""Folders that runtests.py itself leaves out: material of other suites."""
NEED_GIS = ("gis_tests",)
_ARGUMENTS = {"databases", "database", "using", "db"}
_METHODS = {"using", "db_manager"}


def suites_that_use(alias: str, tests: Path) -> list[str]:
    """Return every suite with a test that names this alias, and those that run in any case."""
    found = {
        file.relative_to(tests).parts[0]
        for file in tests.glob("*/**/*.py")
        if alias.encode() in (text := file.read_bytes()) or b"__all__" in text
        if _uses(alias, _parsed(text))
    }
    return sorted((found | set(ALWAYS)) - {*NOT_SUITES, *NEED_GIS})


def _parsed(text: bytes) -> ast.AST:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except SyntaxError:
            # Some of these files are broken on purpose.
            return ast.Module([], [])


def _uses(alias: str, tree: ast.AST) -> bool:
    return any(_says(alias, place) for node in ast.walk(tree) for place in _places(node))


def _places(node: ast.AST) -> Iterable[ast.AST]:
    """Return where a database is named: a test's ``databases``, an argument, ``connections[…]``."""
    match node:
        case ast.Assign(targets=[ast.Name(id="databases")], value=value):
            return [value]
        case ast.keyword(arg=str() as name, value=value) if name in _ARGUMENTS:
            return [value]
        case ast.Call(func=ast.Attribute(attr=name), args=args) if name in _METHODS:
            return args
        case ast.Subscript(value=ast.Name(id="connections"), slice=value):
            return [value]
    return []


def _says(alias: str, place: ast.AST) -> bool:
    values = {part.value for part in ast.walk(place) if isinstance(part, ast.Constant)}
    return bool({alias, "__all__"} & values)
