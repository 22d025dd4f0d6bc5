"""The house's own rules, where a person's care is not enough to keep them."""

import ast
import fnmatch
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "operator" / "dbalias"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

# Which rooms each may import from; the order of imports, room by room.
ROOMS = {
    "api": set(),
    "django": {"api"},
    "migrations": {"api", "django"},
    "servers": {"api"},
    "reconcile": {"api", "django", "migrations", "servers"},
    "cluster": {"api", "django", "migrations", "servers", "reconcile"},
    "cli": {"api", "django", "migrations", "servers", "reconcile", "cluster"},
    "runtime": set(),
}
# Who alone may import what comes from outside.
OUTSIDE = {
    "kopf": {"cluster"},
    "kubernetes": {"cluster"},
    "aiohttp": {"cluster", "cli"},  # the client below kubernetes.aio; the server of /healthz
    "psycopg": {"servers", "runtime"},
    "pymysql": {"servers", "runtime"},
    "django": {"runtime"},
}
# In pieces, so that this file does not hold what it forbids.
REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "proxy.go" + "lang.org", "npm" + "js.org"]
MACHINE_PATHS = [r"(?<![\w.$}])/wo" + r"rk/", "/tmp/ho" + "use"]


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file of the checkout that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file())


def python_files() -> list[Path]:
    """Return every Python file of the checkout."""
    return [path for path in tracked() if path.suffix == ".py"]


def room_files() -> Iterator[tuple[str, Path]]:
    """Yield every module that lies in a room, with the room's name."""
    for path in python_files():
        if path.is_relative_to(SOURCE) and path.parent != SOURCE:
            yield path.relative_to(SOURCE).parts[0], path


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute dotted name of everything a module imports, at any depth."""
    package = path.relative_to(ROOT / "operator").parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, node.module or "")).strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def report(path: Path) -> str:
    """Return a path as people say it."""
    return str(path.relative_to(ROOT))


def test_the_source_root_is_no_package() -> None:
    """operator/__init__.py would shadow the standard library's operator for all who start here."""
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_every_room_is_known_and_every_module_lies_in_one() -> None:
    """A new folder is a decision about the house: name it above and in pyproject.toml."""
    assert {room for room, _ in room_files()} <= set(ROOMS)
    loose = {path.name for path in python_files() if path.parent == SOURCE}
    assert loose <= {"__init__.py", "__main__.py"}


def test_rooms_import_only_from_the_rooms_below_them() -> None:
    """Imports run one way, and `runtime` stands alone in both directions."""
    wrong = [
        f"{report(path)} imports {name}"
        for room, path in room_files()
        for name in imported(path)
        if name.startswith("dbalias.")
        and name.split(".")[1] not in {room, "__version__"} | ROOMS[room]
    ]
    assert not wrong


def test_clients_and_drivers_are_imported_in_their_own_room_alone() -> None:
    """Kubernetes is spoken in `cluster`, SQL in `servers`, Django in `runtime`."""
    wrong = [
        f"{report(path)} imports {name}"
        for room, path in room_files()
        for name in imported(path)
        if room not in OUTSIDE.get(name.split(".")[0], {room})
    ]
    assert not wrong


def test_runtime_modules_need_the_standard_library_and_django_only() -> None:
    """They run in images of which nothing else is known."""
    own = {path.stem for path in (SOURCE / "runtime").glob("*.py")}
    django = {"django", "asgiref"}  # which Django itself is built on
    # What a project may bring: its drivers, looked for with a fallback.
    drivers = {"psycopg", "psycopg2", "pymysql", "MySQLdb"}
    allowed = own | drivers | sys.stdlib_module_names | django
    wrong = [
        f"{report(path)} imports {name}"
        for room, path in room_files()
        for name in imported(path)
        if room == "runtime" and name.split(".")[0] not in allowed
    ]
    assert not wrong


def test_runtime_modules_are_python_3_9() -> None:
    """The application's interpreter may be older than the operator's."""
    for path in (SOURCE / "runtime").glob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), filename=path.name, feature_version=(3, 9))


def test_no_file_is_longer_than_one_sitting() -> None:
    """A longer one has two subjects."""
    lines = {report(path): len(path.read_text("utf-8").splitlines()) for path in python_files()}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    """Most are under fifteen lines; a test may hold a table, and ruff counts its statements."""
    long = [
        f"{report(path)}:{node.lineno} {node.name}"
        for path in python_files()
        if not report(path).startswith("tests/")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.body[0].lineno >= LONGEST_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("pattern", [*map(re.escape, REGISTRIES), *MACHINE_PATHS])
def test_nothing_names_a_registry_or_one_persons_machine(pattern: str) -> None:
    """Where packages come from is configured where they are installed."""
    found = [
        report(path)
        for path in tracked()
        if path.suffix not in {".png", ".sum"}
        and re.search(pattern, path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found


def test_names_say_a_word_of_the_domain() -> None:
    """`utils`, `helpers`, `common` and `…Manager` say that nobody found the word."""
    vague = {"utils", "util", "helpers", "common", "misc", "manager"}
    wrong = [report(path) for path in python_files() if path.stem in vague]
    assert not wrong


def test_continuous_integration_runs_the_command_people_run() -> None:
    """Two ways to test would soon be two results."""
    commands = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]


def test_no_folder_of_tests_is_passed_over() -> None:
    """A name that pytest does not enter would silence all that lies below it."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    passed_over = config["tool"]["pytest"]["ini_options"]["norecursedirs"]
    for file in (ROOT / "tests").rglob("test_*.py"):
        folders = file.relative_to(ROOT / "tests").parts[:-1]
        assert not [f for f in folders for pattern in passed_over if fnmatch.fnmatch(f, pattern)]
