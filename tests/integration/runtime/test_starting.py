"""Processes that start over something broken: one line, exit code 2, and no value is shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.runtime.pod import PATIENCE
from unit.runtime.conftest import a_document, a_routing, an_entry

RUNTIME = Path(__file__).parents[3] / "operator" / "dbalias" / "runtime"
PASSWORD = "hunter2"
PROJECT = {
    "base.py": "SECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.contenttypes']\n",
    "imported.py": "from base import *\nfrom dbalias_databases import DATABASES\n",
    "wsgi.py": "from django.core.wsgi import get_wsgi_application as get\napplication = get()\n",
    "asgi.py": "from django.core.asgi import get_asgi_application as get\napplication = get()\n",
    "manage.py": "import sys\nfrom django.core import management\n"
    "management.execute_from_command_line(sys.argv)\n",
    "routers.py": "class Fine:\n    pass\n",
}
OVERLAY = {"DJANGO_SETTINGS_MODULE": "dbalias_settings"}
IMPORTED = {"DJANGO_SETTINGS_MODULE": "imported"}


def start(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a container of the project would."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DBALIAS_")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(folder), "DBALIAS_REPORT": f"{folder}/report"} | env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a process said, on both of its outputs."""
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the runtime modules, a project, and credentials that load."""
    for module in RUNTIME.glob("dbalias_*.py"):
        shutil.copy(module, tmp_path)
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "default.password").write_text(PASSWORD)
    publish(tmp_path)
    return tmp_path


def publish(folder: Path, **fields: Any) -> None:
    """Write a document whose one alias has a password in a file."""
    secret = [[["PASSWORD"], "default.password"]]
    entry = an_entry(secrets=secret, ENGINE="django.db.backends.sqlite3", NAME="shop.sqlite3")
    given = {"databases": {"default": entry}, "settings": {"module": "base", "mode": "Overlay"}}
    (folder / "databases.json").write_text(json.dumps(a_document(**(given | fields))))


STARTS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "manage.py check": (("manage.py", "check"), OVERLAY),
    "manage.py migrate": (("manage.py", "migrate", "--database=default"), OVERLAY),
    "manage.py runserver": (("manage.py", "runserver", "0"), OVERLAY),
    "manage.py with a command of an app": (("manage.py", "remove_stale_contenttypes"), OVERLAY),
    "a script": (("-c", "import django; django.setup()"), OVERLAY),
    "a WSGI server": (("-c", "import wsgi"), OVERLAY),
    "an ASGI server": (("-c", "import asgi"), OVERLAY),
    "settings that import": (("manage.py", "check"), IMPORTED),
    "the loader itself": (("dbalias_databases.py",), {}),
    "dbalias_wait": (("dbalias_wait.py",), {}),
}


@pytest.mark.parametrize("how", STARTS)
def test_a_process_that_lacks_a_credential_says_one_line_and_exits_2(
    how: str, folder: Path
) -> None:
    """With the alias and the file, wherever the settings are loaded from."""
    (folder / "default.password").unlink()
    words, env = STARTS[how]

    done = start(folder, *words, **env)

    (line,) = lines_of(done)
    assert done.returncode == 2
    assert f'alias "default" cannot be loaded from {folder}/default.password (No such file' in line


def test_a_migrate_job_that_lacks_a_credential_says_so_without_a_traceback(folder: Path) -> None:
    """After the line that tells which run it is."""
    (folder / "default.password").unlink()

    done = start(folder, "dbalias_migrate.py", "--database=default")

    said = lines_of(done)
    assert done.returncode == 2
    assert sum(f"{folder}/default.password (No such file" in line for line in said) == 1
    assert not any("Traceback" in line for line in said)


def broken(folder: Path, fault: str) -> dict[str, str]:
    """Break what is published in one way; return the environment that this takes."""
    document = folder / "databases.json"
    if fault == "no document":
        document.unlink()
    elif fault == "a document cut short":
        document.write_text(document.read_text()[:-40])
    elif fault == "a document that is not text":
        document.write_bytes(b"\xff\xfe\x00")
    elif fault == "another format":
        publish(folder, format=7)
    elif fault == "a document of something else":
        document.write_text(json.dumps({"format": 1, "databases": {}}))
    elif fault == "an entry of something else":
        publish(folder, databases={"default": {"PASSWORD": PASSWORD}})
    elif fault == "a credential that is a folder":
        (folder / "default.password").unlink()
        (folder / "default.password").mkdir()
    elif fault == "a credential that is not text":
        (folder / "default.password").write_bytes(PASSWORD.encode() + b"\xff")
    elif fault == "a base module that is not there":
        publish(folder, settings={"module": "gone.settings", "mode": "Overlay"})
    elif fault == "an unknown profile":
        return {"DBALIAS_PROFILE": "wbe"}
    return {}


FAULTS = {
    "no document": "databases.json cannot be read (No such file or directory)",
    "a document cut short": "databases.json is not what dbalias publishes",
    "a document that is not text": "databases.json is not what dbalias publishes",
    "another format": "databases.json has format 7",
    "a document of something else": "is not what dbalias publishes: settings is missing",
    "an entry of something else": 'alias "default", is not what dbalias publishes',
    "a credential that is a folder": "default.password (Is a directory)",
    "a credential that is not text": "default.password (it is not UTF-8 text)",
    "a base module that is not there": "the settings module gone.settings is not in this image",
    "an unknown profile": "DBALIAS_PROFILE is 'wbe', and the project 'shop' has no profiles",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_broken_is_said_in_one_line(fault: str, folder: Path) -> None:
    """Nothing of a value, and no traceback."""
    env = broken(folder, fault)

    done = start(folder, "manage.py", "check", **OVERLAY, **env)

    (line,) = lines_of(done)
    assert done.returncode == 2
    assert FAULTS[fault] in line
    assert PASSWORD not in line


ASK = "import django; django.setup(); from django.db import router; router.routers"


@pytest.mark.parametrize("name", ["gone.Router", "routers.Gone"])
def test_a_router_that_does_not_import_is_named_when_routers_are_loaded(
    name: str, folder: Path
) -> None:
    """Django loads them at the first query; the guard, which is the first, looks at all."""
    publish(folder, routing=a_routing(), routers=["dbalias_routers.Guard", "routers.Fine", name])

    done = start(folder, "-c", ASK, **OVERLAY)

    (line,) = lines_of(done)
    assert done.returncode == 2
    assert f"databases.json names the router {name}, which does not import" in line


def test_what_else_fails_keeps_its_traceback(folder: Path) -> None:
    """Only what is published is told in one line: a bug of the project is the project's."""
    (folder / "base.py").write_text("import something_else\n")

    done = start(folder, "-c", "import django; django.setup()", **OVERLAY)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "No module named 'something_else'" in done.stderr


def test_help_is_there_for_whoever_has_to_find_out(folder: Path) -> None:
    """Django lists its commands and says what is wrong."""
    (folder / "default.password").unlink()

    done = start(folder, "manage.py", "help", **OVERLAY)

    assert done.returncode == 0
    assert "default.password (No such file" in done.stdout


def test_a_process_starts_when_all_is_there(folder: Path) -> None:
    """What is broken above is the only thing that is wrong there."""
    assert start(folder, "manage.py", "check", **OVERLAY).returncode == 0
    assert start(folder, "manage.py", "check", **IMPORTED).returncode == 0


def test_waiting_for_what_can_never_be_ready_says_so_at_once(folder: Path) -> None:
    """An empty alias, a backend that does not load, and what Django refuses to connect to."""
    engine = "django.db.backends.{}"
    databases = {
        "default": {"settings": {}},
        "gone": an_entry(ENGINE="no_such.backend"),
        "long": an_entry(ENGINE=engine.format("postgresql"), NAME="x" * 64),
    }
    publish(folder, databases=databases, routing=a_routing(managed=sorted(databases)))

    for alias, said in (
        ("default", 'alias "default" is empty'),
        ("gone", 'alias "gone": its backend does not load'),
        ("long", 'database "long": The database name'),
        ("other", 'there is no alias "other"; there are default, gone, long'),
    ):
        done = start(folder, "dbalias_wait.py", f"--database={alias}")

        (line,) = lines_of(done)
        assert done.returncode == 2
        assert said in line


@pytest.mark.parametrize(
    "words",
    [("dbalias_wait.py", "--timeout=0"), ("dbalias_migrate.py",)],
    ids=["dbalias_wait", "dbalias_migrate"],
)
def test_programs_keep_the_python_path_where_python_adds_no_folder(
    words: tuple[str, ...], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """PYTHONSAFEPATH: what stands first there is the project's, and no folder of the script."""
    project = tmp_path_factory.mktemp("project")
    (folder / "base.py").rename(project / "base.py")

    env = {"PYTHONPATH": str(project), "PYTHONSAFEPATH": "1"}
    done = start(folder, *words, "--database=default", **env)

    assert "base is not in this image" not in done.stdout + done.stderr
    assert "contenttypes.0001_initial" in done.stdout + done.stderr
