"""``import`` says in one line what it cannot read, with the remedy and without any value."""

from __future__ import annotations

import sys
import time

import pytest

from dbalias.cli.importing.interpreter import Interpreter, UnreadableSettingsError
from unit.cli.settings_project import SettingsProject

FAILING = {
    "an import": ("import no_such_package", "there is no module no_such_package in /"),
    "a variable": ("import os; os.environ['DATABASE_URL']", "KeyError: 'DATABASE_URL'"),
    "a value": ("int('s3krit')", "ValueError at"),
    "a login in a key": ("{}['postgres://u:s3krit@h/db']", "KeyError at"),
    "a login in words": (
        "from django.core.exceptions import ImproperlyConfigured\n"
        "raise ImproperlyConfigured('DB_PASSWORD=s3krit will not do')",
        "ImproperlyConfigured at",
    ),
    "a secret of the environment": (
        "import os; os.environ['DB_PASSWORD'] = 's3krit'; {}[os.environ['DB_PASSWORD']]",
        "KeyError at",
    ),
    "an exit": ("import sys; sys.exit('s3krit')", "SystemExit at"),
    "a sudden end": ("import os; os._exit(7)", "its process ended with code 7 and no answer"),
    "a syntax error": ("DATABASES = {", "SyntaxError at"),
    "no dictionary": ("DATABASES = 's3krit'", "its DATABASES is no dictionary"),
    "no default": ("DATABASES = {'users': {}}", "its DATABASES has no default"),
}


@pytest.mark.parametrize(("text", "said"), FAILING.values(), ids=FAILING.keys())
def test_a_module_that_fails_is_one_line(text: str, said: str, project: SettingsProject) -> None:
    """Exit code 2, no traceback, no value."""
    project.write(text)
    assert project.imported() == 2
    assert project.run.out == ""
    assert project.run.err.startswith("dbalias import: shop.settings cannot be read: ")
    assert said in project.run.err
    assert project.run.err.count("\n") == 1
    assert "s3krit" not in project.run.err


def test_a_module_that_is_not_there_is_said_with_what_to_do(project: SettingsProject) -> None:
    """Most are called from the wrong folder, or with a path."""
    assert project.imported() == 2
    assert "there is no module shop: start in the project's folder" in project.run.err
    assert project.imported(settings="shop/settings.py") == 2
    assert "write it as in DJANGO_SETTINGS_MODULE" in project.run.err
    assert project.run("import", "shop.settings", "--python", "/no/such/python") == 2
    assert "the interpreter /no/such/python cannot be started" in project.run.err


def test_an_interpreter_that_cannot_do_it_is_named_with_what_to_do(
    project: SettingsProject,
) -> None:
    """Most call this in dbalias' own environment, where their packages are not."""
    project.write("import no_such_package")
    for python, remedy in (
        ("/no/such/python", "Name the project's own with --python"),
        ("/bin/true", "see that /bin/true is a Python of 3.9 or later"),
        (sys.executable, "install it, or name the project's interpreter with --python"),
    ):
        assert project.run("import", "shop.settings", "--python", python) == 2
        assert remedy in project.run.err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--project", "My Shop"), ("--project", "s" * 64), ("--namespace", "a.b"), ("--image", " ")],
)
def test_a_name_that_no_object_can_have_is_refused_at_once(
    option: str, value: str, project: SettingsProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instead of manifests that no cluster takes, and one line for each reference in them."""
    project.write("DATABASES = {'default': {}}")
    with pytest.raises(SystemExit) as ended:
        project.imported(option, value)
    assert ended.value.code == 2
    assert f"{option}: {value!r} is no name of" in capsys.readouterr().err


def test_what_is_wrong_with_the_project_keeps_no_alias_from_being_settled(
    project: SettingsProject,
) -> None:
    """And it is said once, in the words of ``dbalias check``."""
    project.write("""
DATABASES = {
    "default": "no dictionary",
    "users": {"ENGINE": "django.db.backends.postgresql", "NAME": "n", "OPTIONS": {"optoins": 1}},
}
""")
    assert project.imported() == 3
    assert "options" not in project.spec("DatabaseAlias", "users")
    assert project.run.err.count("no DatabaseAlias declares the alias default") == 1


def test_a_module_without_end_is_given_up(project: SettingsProject) -> None:
    """After the patience that there is, and its process goes with it."""
    project.write("import time\nwhile True: time.sleep(1)")
    with pytest.raises(UnreadableSettingsError, match=r"it takes longer than 1 seconds"):
        Interpreter(sys.executable, "shop.settings", patience=1).ask("read_settings.py", "settings")


def test_a_child_that_keeps_the_pipe_open_holds_nothing_up(project: SettingsProject) -> None:
    """The answer is one line; who else may write to the pipe is of no concern."""
    project.write("""
import os, time
if os.fork() == 0:
    time.sleep(60)
    os._exit(0)
""")
    started = time.monotonic()
    assert project.imported() == 0, project.run.err
    assert time.monotonic() - started < 60
