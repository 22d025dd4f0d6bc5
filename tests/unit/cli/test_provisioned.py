"""The offline verbs on aliases that have their place, or their database, from a server."""

from __future__ import annotations

import base64
import json
import sys

import pytest
import yaml

from unit.cli.files import PROJECT, Run

SERVER = """\
apiVersion: dbalias.dev/v1alpha1
kind: DatabaseServer
metadata: {name: main, namespace: databases}
spec:
  engine: postgresql
  host: main.databases.svc
  adminCredentials: {secretRef: {name: main-admin}}
  allowedNamespaces: {from: Names, names: [prod]}
"""

DEFAULT = """\
apiVersion: dbalias.dev/v1alpha1
kind: DatabaseAlias
metadata: {name: default}
spec:
  projectRef: {name: shop}
  serverRef: {name: main, namespace: databases}
  provision: {}
"""

BINDING = """\
apiVersion: v1
kind: Secret
metadata: {name: default-binding}
stringData: {username: prod_default_a, password: hunter2}
"""

SHOW = (
    "import json, sys, dbalias_databases as d; "
    "default = {k: d.DATABASES['default'].get(k) for k in ('NAME', 'USER', 'PASSWORD', 'HOST')}; "
    "open(sys.argv[1], 'w').write(json.dumps(default))"
)


@pytest.fixture
def files(dbalias: Run) -> str:
    """Return a file with a project whose default is made on a server."""
    return dbalias.write(PROJECT, SERVER, DEFAULT)


def test_files_with_a_server_are_complete_without_what_the_operator_makes(
    dbalias: Run, files: str
) -> None:
    """The binding Secret is nobody's to declare."""
    assert dbalias("check", "--strict", "-n", "prod", files) == 0, dbalias.out


def test_server_in_no_file_is_a_note_at_the_alias_that_names_it(dbalias: Run) -> None:
    """The cluster may have it; nothing else is found wrong for want of it."""
    assert dbalias("check", "-n", "prod", dbalias.write(PROJECT, DEFAULT)) == 0
    [(_, severity, message)] = dbalias.places()
    assert severity == "note"
    assert "spec.serverRef: the DatabaseServer databases/main is not among the files" in message


def test_server_that_admits_other_namespaces_is_a_problem(dbalias: Run, files: str) -> None:
    """Both sides have to agree, and the files say that they do not."""
    assert dbalias("check", "-n", "stage", files) == 1
    [(_, severity, message)] = dbalias.places()
    assert (severity, "does not admit namespace stage" in message) == ("error", True)


def test_database_that_two_aliases_ask_for_is_a_problem(dbalias: Run) -> None:
    """Only one can make it; the cluster would refuse the other."""
    one = DEFAULT + "  name: shop\n"
    two = one.replace("metadata: {name: default}", "metadata: {name: users}")
    assert dbalias("check", "-n", "prod", dbalias.write(PROJECT, SERVER, one, two)) == 1
    [(_, severity, message)] = dbalias.places()
    assert severity == "error"
    assert "DatabaseAlias/default of prod/shop asks for the database shop as well" in message


def test_field_of_another_engine_than_the_servers_is_a_problem(dbalias: Run) -> None:
    """The schema cannot see it, the files together can."""
    charset = DEFAULT.replace("provision: {}", "provision: {database: {charset: utf8mb4}}")
    assert dbalias("check", "-n", "prod", dbalias.write(PROJECT, SERVER, charset)) == 1
    assert "charset means nothing to postgresql" in dbalias.out


def test_problems_of_a_server_are_told_once(dbalias: Run) -> None:
    """At the server, not at everybody who names it."""
    broken = SERVER.replace("engine: postgresql", "engine: postgres")
    assert dbalias("check", "-n", "prod", dbalias.write(PROJECT, broken, DEFAULT)) == 1
    assert [severity for _, severity, _ in dbalias.places()] == ["error"]
    assert "DatabaseServer/main" in dbalias.out


def test_rendered_settings_are_complete_and_the_login_is_named_as_missing(
    dbalias: Run, files: str
) -> None:
    """Published settings do not depend on it."""
    assert dbalias("render", "-n", "prod", files) == 3
    assert "Secret default-binding is not among the files" in dbalias.err
    _, config_map = yaml.safe_load_all(dbalias.out)
    settings = json.loads(config_map["data"]["databases.json"])["databases"]["default"]["settings"]
    assert settings["NAME"] == "prod_default"
    assert dbalias("render", "-n", "prod", dbalias.write(PROJECT, SERVER, DEFAULT, BINDING)) == 0
    secret, again = yaml.safe_load_all(dbalias.out)
    assert again == config_map
    assert base64.b64decode(secret["data"]["default.password"]) == b"hunter2"


def test_server_that_is_missing_leaves_its_aliases_out_of_what_is_rendered(dbalias: Run) -> None:
    """And is named; without default nothing can be published."""
    assert dbalias("render", "-n", "prod", dbalias.write(PROJECT, DEFAULT)) == 3
    assert "the DatabaseServer databases/main is not among the files" in dbalias.err


def test_name_that_is_made_of_an_unknown_namespace_is_asked_for(dbalias: Run, files: str) -> None:
    """A database ``_default`` is nowhere."""
    for verb in (["render", files], ["graph", files], ["local", files, "--", "true"]):
        assert dbalias(*verb) == 2
        assert "say it with --namespace" in dbalias.err


def test_declared_name_needs_no_namespace(dbalias: Run) -> None:
    """It is what it is."""
    named = DEFAULT + "  name: shop\n"
    server = SERVER.replace("from: Names, names: [prod]", "from: All")
    assert dbalias("render", dbalias.write(PROJECT, server, named, BINDING)) == 0


def loaded(dbalias: Run, path: str) -> dict[str, str]:
    """Return what a local command loads as its default database."""
    target = dbalias.folder / "loaded.json"
    arguments = ["local", path, "-n", "prod", "--", sys.executable, "-c", SHOW, str(target)]
    assert dbalias(*arguments) == 0, dbalias.err
    found: dict[str, str] = json.loads(target.read_text())
    return found


def test_local_command_has_the_login_of_a_manifest(dbalias: Run) -> None:
    """Called as the operator would call it."""
    assert loaded(dbalias, dbalias.write(PROJECT, SERVER, DEFAULT, BINDING)) == {
        "NAME": "prod_default",
        "USER": "prod_default_a",
        "PASSWORD": "hunter2",
        "HOST": "main.databases.svc",
    }


def test_local_command_has_the_login_of_the_environment(
    dbalias: Run, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its place, where no server of the cluster can be reached."""
    for field, value in {"USER": "me", "PASSWORD": "mine", "HOST": "127.0.0.1"}.items():
        monkeypatch.setenv(f"DBALIAS_DEFAULT_{field}", value)
    shown = loaded(dbalias, files)
    assert (shown["USER"], shown["PASSWORD"], shown["HOST"]) == ("me", "mine", "127.0.0.1")


def test_local_command_needs_no_server_when_the_environment_gives_a_place(
    dbalias: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever server the cluster has."""
    monkeypatch.setenv("DBALIAS_DEFAULT_URL", "postgresql://me:mine@127.0.0.1/here")
    engine = DEFAULT + "  engine: postgresql\n"
    shown = loaded(dbalias, dbalias.write(PROJECT, engine))
    assert (shown["NAME"], shown["HOST"]) == ("here", "127.0.0.1")


def test_local_command_without_login_names_the_manifest_and_the_variables(
    dbalias: Run, files: str
) -> None:
    """Nothing is run."""
    assert dbalias("local", files, "-n", "prod", "--", "true") == 2
    assert "spec.provision: Secret default-binding is not among the files" in dbalias.err
    assert "DBALIAS_DEFAULT_USER and DBALIAS_DEFAULT_PASSWORD" in dbalias.err


def test_local_command_without_server_names_it_and_the_variables(dbalias: Run) -> None:
    """A place from the environment would do as well."""
    assert dbalias("local", dbalias.write(PROJECT, DEFAULT), "-n", "prod", "--", "true") == 2
    assert "the DatabaseServer databases/main is not among the files" in dbalias.err
    assert "DBALIAS_DEFAULT_HOST or DBALIAS_DEFAULT_URL" in dbalias.err


def test_drawing_names_the_server_behind_a_database(dbalias: Run, files: str) -> None:
    """It is where the database is made."""
    assert dbalias("graph", "-n", "prod", files) == 0
    assert "prod_default<br/>main.databases.svc<br/>DatabaseServer main" in dbalias.out


def test_drawing_says_that_a_server_is_not_known(dbalias: Run) -> None:
    """The alias is drawn all the same."""
    assert dbalias("graph", "-n", "prod", dbalias.write(PROJECT, DEFAULT)) == 0
    assert "its DatabaseServer is not among the files" in dbalias.out
