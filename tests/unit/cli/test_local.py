"""``local`` runs a command with the settings that the operator would publish, and no cluster."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from unit.cli.files import DEFAULT, LOGIN, POLICY, PROJECT, USERS, Run

TELL = """
import json, os, pathlib, stat, sys
folder = os.environ["PYTHONPATH"].split(os.pathsep)[-1]
import dbalias_databases
seen = {
    "databases": dbalias_databases.DATABASES,
    "routers": dbalias_databases.DATABASE_ROUTERS,
    "env": dict(os.environ),
    "folder": folder,
    "mode": stat.S_IMODE(os.stat(folder).st_mode),
    "argv": sys.argv,
}
pathlib.Path(sys.argv[1]).write_text(json.dumps(seen))
sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""
REPLICA = """\
apiVersion: dbalias.dev/v1alpha1
kind: DatabaseAlias
metadata: {name: r1}
spec: {projectRef: {name: shop}, inheritFrom: default, role: Replica, port: 7}
"""
NO_LOGIN = DEFAULT.replace("  credentials: {secretRef: {name: login}}\n", "")

BARE = DEFAULT.replace("  user: django\n", "")
"""As in README: user and password are both in the Secret."""


def default(credentials: str, **replaced: str) -> str:
    """Return the alias default with these credentials, without the fields that they give."""
    text = DEFAULT.replace("{secretRef: {name: login}}", credentials)
    for old, new in replaced.items():
        text = text.replace(f"  {old}: {'django' if old == 'user' else 'app_data'}\n", new)
    return text


def secret(**data: str) -> str:
    """Return the Secret ``login``."""
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\nstringData: {json.dumps(data)}\n"
    )


class Told:
    """``dbalias local`` with a command that tells what it sees."""

    def __init__(self, dbalias: Run, scratch: Path) -> None:
        self.dbalias, self.scratch = dbalias, scratch
        self.file = dbalias.folder / "seen.json"

    def __call__(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run it with these words before the command; demand the exit code, return what it saw."""
        self.file.unlink(missing_ok=True)
        command = (sys.executable, "-c", TELL, str(self.file), str(code))
        ended = self.dbalias("local", *words, "--", *command)
        assert ended == code, self.dbalias.err
        seen: dict[str, Any] = json.loads(self.file.read_text())
        return seen

    def refused(self, *words: str, code: int = 2) -> str:
        """Run it with words that it refuses; return its error, after nothing was run."""
        self.file.unlink(missing_ok=True)
        command = (sys.executable, "-c", TELL, str(self.file))
        assert self.dbalias("local", *words, "--", *command) == code, self.dbalias.err
        assert not self.file.exists()
        assert self.dbalias.out == ""
        assert list(self.scratch.iterdir()) == []
        return self.dbalias.err


@pytest.fixture
def told(dbalias: Run, scratch: Path) -> Told:
    """Return the command that tells what it sees."""
    return Told(dbalias, scratch)


def test_a_command_gets_the_settings_from_a_private_folder_that_is_gone_after_it(
    told: Told, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its own PYTHONPATH, arguments and exit code."""
    monkeypatch.setenv("PYTHONPATH", "/mine")
    seen = told(told.dbalias.write(PROJECT, DEFAULT, LOGIN), code=3)
    assert seen["databases"]["default"] == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "app_data",
        "USER": "django",
        "PASSWORD": "hunter2",
    }
    assert seen["env"]["PYTHONPATH"] == f"/mine:{seen['folder']}"
    assert seen["env"]["DJANGO_SETTINGS_MODULE"] == "dbalias_settings"
    assert seen["mode"] == 0o700
    assert Path(seen["folder"]).parent == scratch
    assert list(scratch.iterdir()) == []
    assert "hunter2" not in told.dbalias.out + told.dbalias.err


def test_imported_settings_and_a_profile_reach_the_command(told: Told) -> None:
    """The project's own module is named where it imports what is published."""
    spec = (
        "spec:\n  settings: {module: shop.settings, mode: Imported}\n"
        "  profiles: [{name: web, aliases: [{alias: '*', connMaxAge: 9}]}]\n"
    )
    path = told.dbalias.write(PROJECT.replace("spec: {}\n", spec), DEFAULT, LOGIN)
    seen = told(path, "--profile", "web")
    assert seen["env"]["DJANGO_SETTINGS_MODULE"] == "shop.settings"
    assert seen["databases"]["default"]["CONN_MAX_AGE"] == 9
    assert "there is no profile wbe: DjangoProject/shop has the profiles web" in (
        told.refused(path, "--profile", "wbe")
    )


@pytest.mark.parametrize(
    ("alias", "variables", "expected"),
    [
        (DEFAULT, {"PASSWORD": "p w"}, {"USER": "django", "PASSWORD": "p w"}),
        (DEFAULT, {"PASSWORD": "p", "HOST": "::1", "PORT": "7"}, {"HOST": "::1", "PORT": "7"}),
        (BARE, {"USER": "u", "PASSWORD": "p"}, {"USER": "u", "PASSWORD": "p"}),
        (NO_LOGIN, {"HOST": "h"}, {"HOST": "h", "USER": "django"}),
        (NO_LOGIN, {"USER": "u", "PASSWORD": "p"}, {"USER": "u", "PASSWORD": "p"}),
        (
            default("{secretRef: {name: login}, preset: BasicAuth}", user=""),
            {"USER": "u", "PASSWORD": "p", "NAME": "n"},
            {"USER": "u", "PASSWORD": "p", "NAME": "n"},
        ),
        (
            default("{secretRef: {name: login}, keys: {password: pw}}"),
            {"PASSWORD": "p"},
            {"USER": "django", "PASSWORD": "p"},
        ),
        (
            default("{secretRef: {name: login}, preset: CloudNativePG}", user="", name=""),
            {"USER": "u", "PASSWORD": "p", "NAME": "n", "HOST": "h"},
            {"USER": "u", "PASSWORD": "p", "NAME": "n", "HOST": "h"},
        ),
        (
            default("{secretRef: {name: login}, preset: URL}", user="", name=""),
            {"URL": "postgres://u:p%2F@h:7/n?sslmode=require"},
            {
                "USER": "u",
                "PASSWORD": "p/",
                "HOST": "h",
                "PORT": "7",
                "NAME": "n",
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            DEFAULT + "  host: db\n  tls: {caRef: {configMapKeyRef: {name: ca, key: ca.pem}}}\n",
            {"URL": "postgres://u@localhost/n"},
            {"USER": "u", "HOST": "localhost", "NAME": "n"},
        ),
    ],
)
def test_the_environment_replaces_what_no_file_has(
    alias: str,
    variables: dict[str, str],
    expected: dict[str, Any],
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With every layout of a Secret; the rest stays as it is declared."""
    for field, value in variables.items():
        monkeypatch.setenv(f"DBALIAS_DEFAULT_{field}", value)
    seen = told(told.dbalias.write(PROJECT, alias))
    assert expected.items() <= seen["databases"]["default"].items()
    assert not [name for name in seen["env"] if name.startswith("DBALIAS_")]


@pytest.mark.parametrize(
    ("credentials", "data"),
    [
        ("{secretRef: {name: login}, preset: URL}", {"uri": "mysql://u:p@db:1/n?charset=utf8mb4"}),
        ("{secretRef: {name: login}, keys: {url: dsn}}", {"dsn": "mysql://u:p@db:1/n?charset=utf8mb4"}),
        (
            "{secretRef: {name: login}, preset: ServiceBinding}",
            {"type": "mysql", "host": "db", "username": "u", "password": "p", "database": "n"},
        ),
    ],
)  # fmt: skip
def test_a_port_forward_replaces_the_address_in_a_secret_and_keeps_its_login(
    credentials: str, data: dict[str, str], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host and port from the environment, all else from the Secret."""
    alias = default(credentials, user="", name="").replace("postgresql", "mysql")
    monkeypatch.setenv("DBALIAS_DEFAULT_HOST", "127.0.0.1")
    monkeypatch.setenv("DBALIAS_DEFAULT_PORT", "13306")
    entry = told(told.dbalias.write(PROJECT, alias, secret(**data)))["databases"]["default"]
    assert (entry["HOST"], entry["PORT"]) == ("127.0.0.1", "13306")
    assert (entry["USER"], entry["PASSWORD"], entry["NAME"]) == ("u", "p", "n")
    assert entry.get("OPTIONS", {"charset": "utf8mb4"}) == {"charset": "utf8mb4"}


def test_variables_replace_the_login_of_a_secret_among_the_files(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the manifest or the Secret names the user."""
    monkeypatch.setenv("DBALIAS_DEFAULT_USER", "me")
    for alias in (DEFAULT, BARE):
        path = told.dbalias.write(PROJECT, alias, secret(username="it", password="p"))
        entry = told(path)["databases"]["default"]
        assert (entry["USER"], entry["PASSWORD"]) == ("me", "p")


def test_a_replica_inherits_what_the_environment_says(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One variable for the primary is enough."""
    monkeypatch.setenv("DBALIAS_DEFAULT_HOST", "localhost")
    monkeypatch.setenv("DBALIAS_DEFAULT_PASSWORD", "p")
    databases = told(told.dbalias.write(PROJECT, DEFAULT, REPLICA))["databases"]
    assert databases["r1"] == {**databases["default"], "PORT": "7", "TEST": {"MIRROR": "default"}}


def test_names_that_no_variable_can_have_are_spelled_with_underscores(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two aliases of one spelling are refused, a variable of none is said."""
    users = f"{USERS}  alias: My-users.v2\n"
    path = told.dbalias.write(PROJECT, DEFAULT, users, LOGIN)
    monkeypatch.setenv("DBALIAS_MY_USERS_V2_HOST", "there")
    monkeypatch.setenv("DBALIAS_OTHER_HOST", "elsewhere")
    assert told(path)["databases"]["My-users.v2"]["HOST"] == "there"
    assert "note: DBALIAS_OTHER_HOST fits no alias of shop" in told.dbalias.err
    twin = users.replace("My-users.v2", "my_users_v2").replace("name: users}", "name: twin}")
    assert "DBALIAS_MY_USERS_V2_HOST stands for My-users.v2 and my_users_v2" in (
        told.refused(path, told.dbalias.write(twin, name="twin.yaml"))
    )


@pytest.mark.parametrize(
    ("documents", "variables", "message"),
    [
        ([PROJECT, DEFAULT], {}, "Secret login is not among the files. Add its manifest, or set "
         "DBALIAS_DEFAULT_PASSWORD or DBALIAS_DEFAULT_URL"),
        ([PROJECT, BARE], {}, "set DBALIAS_DEFAULT_USER and DBALIAS_DEFAULT_PASSWORD or "
         "DBALIAS_DEFAULT_URL"),
        ([PROJECT, BARE], {"PASSWORD": "s3cret"}, "set DBALIAS_DEFAULT_USER or "),
        ([PROJECT, DEFAULT], {"URL": "//s3cret"}, "the key DBALIAS_DEFAULT_URL of Secret"),
        ([PROJECT, DEFAULT], {"URL": "s3cret:", "HOST": "h"}, "DBALIAS_DEFAULT_HOST and "
         "DBALIAS_DEFAULT_URL are set: the URL says everything"),
        ([PROJECT, DEFAULT, LOGIN], {"PORT": "s3cret"}, "the port is no number"),
        ([PROJECT, DEFAULT, POLICY, LOGIN], {}, "there is no alias users"),
        ([DEFAULT, LOGIN], {}, "there is no DjangoProject among the files"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_its_reason_and_no_value(
    documents: list[str],
    variables: dict[str, str],
    message: str,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit code 2; no command, no folder, no secret in what is said."""
    for field, value in variables.items():
        monkeypatch.setenv(f"DBALIAS_DEFAULT_{field}", value)
    said = told.refused(told.dbalias.write(*documents))
    assert message in said
    assert "s3cret" not in said


def test_an_empty_default_takes_no_address(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is meant to be empty."""
    empty = f"{DEFAULT.partition('  engine')[0]}  empty: true\n"
    monkeypatch.setenv("DBALIAS_DEFAULT_HOST", "h")
    said = told.refused(told.dbalias.write(PROJECT, empty, USERS))
    assert "DBALIAS_DEFAULT_HOST is set, and the alias default is intentionally empty" in said


def test_several_projects_need_a_choice(told: Told) -> None:
    """As ``render`` does with a directory."""
    other = [text.replace("name: shop", "name: blog") for text in (PROJECT, DEFAULT)]
    other[1] = other[1].replace("{name: default}", "{name: blog-default}") + "  alias: default\n"
    path = told.dbalias.write(PROJECT, DEFAULT, *other, LOGIN)
    assert "choose one of blog, shop with --project" in told.refused(path)
    assert told(path, "--project", "blog")["databases"].keys() == {"default"}
    assert "there is no DjangoProject/gone" in told.refused(path, "--project", "gone")


def test_without_a_command_the_files_can_be_kept(told: Told) -> None:
    """Credentials for their owner alone; without anything to do it says so."""
    path = told.dbalias.write(PROJECT, DEFAULT, LOGIN)
    out = told.dbalias.folder / "kept"
    assert told.dbalias("local", path, "--output-dir", str(out)) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert stat.S_IMODE((out / "default.password").stat().st_mode) == 0o600
    assert told(path, "--output-dir", str(out))["folder"] == str(out)
    assert told.dbalias("local", path) == 2
    assert "there is nothing to do" in told.dbalias.err
    assert told.dbalias("local", path, "--output-dir", f"{path}/below") == 2
    assert "cannot be written" in told.dbalias.err


def test_a_program_that_is_not_there_is_named_before_anything_is_written(dbalias: Run) -> None:
    """Exit code 127, as shells have it; also for the interpreter of --migrate."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    assert dbalias("local", path, "--", "no-such-program") == 127
    assert "there is no program no-such-program here" in dbalias.err
    arguments = ("local", path, "--migrate", "--python", "no-such-python", "--", "true")
    assert dbalias(*arguments) == 127
    assert "there is no program no-such-python here" in dbalias.err


@pytest.mark.parametrize(
    ("text", "why"),
    [("echo hello\n", "Exec format error"), ("#!/no/such/python\n", "its first line (#!) names")],
)
def test_a_program_that_cannot_be_run_is_one_line(text: str, why: str, dbalias: Run) -> None:
    """Exit code 126, as shells have it, and no traceback."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    program = dbalias.folder / "program"
    program.write_text(text)
    program.chmod(0o755)
    assert dbalias("local", path, "--", str(program)) == 126
    assert f"dbalias local: {program} cannot be run: {why}" in dbalias.err


def test_a_variable_that_makes_an_alias_wrong_is_named(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of the manifest is where the field stands, and not where its value comes from."""
    monkeypatch.setenv("DBALIAS_DEFAULT_PORT", "s3krit")
    said = told.refused(told.dbalias.write(PROJECT, DEFAULT, LOGIN))
    assert "spec.port: the port is no number from 1 to 65535" in said
    assert "in order without DBALIAS_DEFAULT_PORT: correct or unset it" in said
    assert "s3krit" not in said


def test_a_command_without_its_dashes_is_told_of_them(
    dbalias: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its options are none of ours."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    with pytest.raises(SystemExit) as ended:
        dbalias("local", path, "python", "manage.py", "migrate", "--database=users")
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "usage: dbalias local" in said
    assert "unrecognized arguments: --database=users: a command follows --" in said
