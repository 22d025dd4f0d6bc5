"""Projects that people run: declared as in examples/real-projects, loaded by Django, compared.

Each folder here has ``expected.yaml``, and ``image/`` with as much of the project's code as its
settings name, written for this test. ``expected.yaml`` has

- ``databases``: the dictionary that the project uses, ``settings`` beside it, and ``derived``
  entries that its own code makes of ``default``;
- ``vendors``: which server each backend of the project's own is for;
- ``otherwise``: where ours differs from it, and why;
- ``profiles`` and ``migrating``: what changes for DBALIAS_PROFILE, and in the Job of an alias;
- ``router``: the project's own, beside which ours is asked about all of its ``models``;
- ``differs``: questions that the two answer differently (``*`` matches), and why.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias_command import run_child
from golden.publishing import publish

HERE = Path(__file__).parent
MANIFESTS = HERE.parents[2] / "examples" / "real-projects"
PROJECTS = sorted(path.stem for path in MANIFESTS.glob("*.yaml"))
PROBE = HERE / "probe.py"


@dataclass(frozen=True, slots=True)
class Expected:
    """One ``expected.yaml``."""

    databases: dict[str, Any]
    settings_module: str
    routers: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    otherwise: list[dict[str, Any]] = field(default_factory=list)
    vendors: dict[str, str] = field(default_factory=dict)
    derived: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, Any] = field(default_factory=dict)
    migrating: dict[str, Any] = field(default_factory=dict)
    router: list[str] = field(default_factory=list)
    models: dict[str, list[str]] = field(default_factory=dict)
    unmanaged: list[str] = field(default_factory=list)
    differs: list[dict[str, Any]] = field(default_factory=list)

    def question(self) -> str:
        """Return what the probe is asked."""
        asked = (
            *("databases", "settings", "vendors", "derived"),
            *("router", "models", "unmanaged"),
        )
        return json.dumps({name: getattr(self, name) for name in asked})


@functools.cache
def expected(project: str) -> Expected:
    """Return what is known of a project."""
    return Expected(**yaml.safe_load((HERE / project / "expected.yaml").read_text("utf-8")))


@functools.cache
def asked(project: str, **env: str) -> Any:
    """Return the probe's answers from a process of the project with this environment."""
    with tempfile.TemporaryDirectory() as mount:
        publish(MANIFESTS / f"{project}.yaml").mount(Path(mount))
        path = [mount, str(HERE / project / "image")]
        settings = {"DJANGO_SETTINGS_MODULE": expected(project).settings_module, "MOUNT": mount}
        done = subprocess.run(
            [sys.executable, str(PROBE)],
            input=expected(project).question(),
            env={"PYTHONPATH": os.pathsep.join(path), **settings, **env},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=PROJECTS)
def project(request: pytest.FixtureRequest) -> str:
    """Each project in turn."""
    return str(request.param)


def test_every_project_declared_is_compared() -> None:
    """And nothing is compared that no manifest declares."""
    assert sorted(path.parent.name for path in HERE.glob("*/expected.yaml")) == PROJECTS


def test_django_loads_the_dictionary_that_the_project_uses(project: str) -> None:
    """Key by key, defaults filled in by Django's own handler; differences are told one by one."""
    answers = asked(project)
    used = answers["used"]
    derived = {alias: used["default"] | one for alias, one in expected(project).derived.items()}
    wanted = changed(used | derived, expected(project).otherwise)
    assert answers["published"] == wanted


def test_what_is_said_to_be_otherwise_is_otherwise(project: str) -> None:
    """A difference that is none any more has to go."""
    for one in expected(project).otherwise:
        used = asked(project)["used"][one["alias"]]
        assert used.get(one["key"]) != asked(project)["published"][one["alias"]][one["key"]]
        assert one["because"]


def test_routers_and_further_settings_are_the_projects(project: str) -> None:
    """DATABASE_ROUTERS in order, what the project's code reads beside it, its own backends."""
    answers = asked(project)
    assert answers["routers"] == expected(project).routers
    assert answers["settings"] == expected(project).settings
    assert answers["vendors"] == expected(project).vendors


def changes(kind: str) -> list[Any]:
    """Return each profile, or each alias with a connection of its own for migrations."""
    return [
        pytest.param(project, name, change, id=f"{project}-{name}")
        for project in PROJECTS
        for name, change in getattr(expected(project), kind).items()
    ]


@pytest.mark.parametrize(("project", "name", "change"), changes("profiles"))
def test_a_profile_changes_what_it_names_and_nothing_else(
    project: str, name: str, change: Mapping[str, Any]
) -> None:
    """DBALIAS_PROFILE in the pods of one kind of process."""
    plain, profiled = asked(project), asked(project, DBALIAS_PROFILE=name)
    assert profiled["published"] == overlaid(plain["published"], change)


@pytest.mark.parametrize(("project", "alias", "change"), changes("migrating"))
def test_a_job_has_the_connection_meant_for_migrations(
    project: str, alias: str, change: Mapping[str, Any]
) -> None:
    """On its own alias alone."""
    plain, migrating = asked(project), asked(project, DBALIAS_MIGRATE_ALIAS=alias)
    assert migrating["published"] == overlaid(plain["published"], {alias: change})


def test_a_command_that_knows_no_database_is_started_without_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`sentry upgrade`: the runner appends the option, the declared words swallow it."""
    declared = yaml.safe_load_all((MANIFESTS / "sentry.yaml").read_text("utf-8"))
    command = next(body for body in declared if body["kind"] == "DjangoProject")
    words = command["spec"]["migrate"]["command"]
    monkeypatch.setenv("PATH", str(HERE / "sentry/image/bin"), prepend=os.pathsep)

    ended = run_child([*words, "--database=default"], why_stop=lambda: None)

    assert ended == (0, None)
    assert capfd.readouterr().out == "upgrade --noinput\n"


def test_models_go_where_the_projects_own_router_sends_them(project: str) -> None:
    """Reads, reads after a write, writes, tables, migrations without a model, and relations."""
    answers, told = asked(project), expected(project).differs
    differing = {
        question: (ours, answers["theirs"][question])
        for question, ours in answers["ours"].items()
        if ours != answers["theirs"][question]
    }
    untold = {
        question: pair
        for question, pair in differing.items()
        if not any(tells(one, question, pair) for one in told)
    }
    assert untold == {}
    for one in told:
        assert any(tells(one, question, pair) for question, pair in differing.items()), one
        assert one["because"]


def tells(one: Mapping[str, Any], question: str, pair: tuple[Any, Any]) -> bool:
    """Return whether an entry of ``differs`` is about this difference."""
    return fnmatchcase(question, one["question"]) and (one["ours"], one["theirs"]) == pair


def changed(databases: Mapping[str, Any], otherwise: list[dict[str, Any]]) -> Any:
    """Return the project's dictionary with what ours has otherwise."""
    result = copy.deepcopy(dict(databases))
    for one in otherwise:
        value = one["value"]
        old = result[one["alias"]].get(one["key"])
        result[one["alias"]][one["key"]] = old | value if isinstance(old, dict) else value
    return result


def overlaid(databases: Mapping[str, Any], change: Mapping[str, Any]) -> Any:
    """Return a dictionary with some keys of some aliases replaced."""
    return {alias: entry | change.get(alias, {}) for alias, entry in databases.items()}
