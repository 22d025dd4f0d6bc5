"""``check`` finds every problem at once, each at its line, for people and for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unit.cli.files import DEFAULT, LOGIN, POLICY, PROJECT, USERS, Run

REPOSITORY = Path(__file__).parents[3]
REAL = REPOSITORY / "examples" / "real-projects"
EXAMPLES = sorted({path.parent for path in (REPOSITORY / "examples").glob("*/*.yaml")} - {REAL})
GOLDEN = sorted((REPOSITORY / "tests/golden").glob("*/input.yaml"))


@pytest.mark.parametrize("path", [*EXAMPLES, *GOLDEN], ids=lambda path: path.parts[-2])
def test_the_examples_have_no_problem(path: Path, dbalias: Run) -> None:
    """Nor a note: they are complete."""
    assert dbalias("check", str(path), "--strict") == 0, dbalias.out
    assert dbalias.out == ""
    assert "no problem" in dbalias.err


def test_the_manifests_of_real_projects_have_no_problem(dbalias: Run) -> None:
    """All at once, each in a namespace of its own; their Secrets are the cluster's."""
    assert dbalias("check", str(REAL)) == 0, dbalias.out
    assert "no problem" in dbalias.err


def test_all_problems_of_all_files_are_told_at_once(dbalias: Run) -> None:
    """In the order of the files and lines, those of the schema with those across objects."""
    first = dbalias.write(PROJECT.replace("{}", "{imgae: x}"), DEFAULT, LOGIN, name="a.yaml")
    second = dbalias.write(USERS.replace("name: user_data", "port: 99999"), name="b.yaml")
    third = dbalias.write(POLICY.replace("users", "usrs"), name="c.yaml")
    assert dbalias("check", first, second, third) == 1
    assert [line for line, _, _ in dbalias.places()] == [4, 7, 8]
    messages = [message for _, _, message in dbalias.places()]
    assert "no field imgae. Did you mean image?" in messages[0]
    assert "port" in messages[1]
    assert "there is no alias usrs" in messages[2]
    assert "3 problem(s)" in dbalias.err


def _depends(alias: str, on: str) -> str:
    return f"{alias}  migrate: {{dependsOn: [{on}]}}\n"


def _inherits(name: str, parent: str) -> str:
    return USERS.replace("users", name).replace("engine: mysql", f"inheritFrom: {parent}")


def _command(alias: str) -> str:
    return f"{{commands: [{{name: look, args: [check], databases: [{alias}]}}]}}"


ACROSS = {
    "an alias that waitFor names": (
        [PROJECT.replace("{}", "\n  waitFor:\n    aliases: [default, gone]"), DEFAULT],
        (6, "DjangoProject/shop spec.waitFor.aliases[1]: there is no alias gone"),
    ),
    "a policy that waitFor names": (
        [PROJECT.replace("{}", "{waitFor: {policies: [gone]}}"), DEFAULT],
        (4, "there is no routing policy gone"),
    ),
    "an alias that dependsOn names": (
        [PROJECT, DEFAULT + "  migrate: {dependsOn: [gone]}\n"],
        (15, "spec.migrate.dependsOn[0]: there is no alias gone"),
    ),
    "an alias that a profile names": (
        [PROJECT.replace("{}", "{profiles: [{name: web, aliases: [{alias: gone}]}]}"), DEFAULT],
        (4, "there is no alias gone"),
    ),
    "an alias that a command names": (
        [PROJECT.replace("{}", _command("gone")), DEFAULT],
        (4, "there is no alias gone"),
    ),
    "a replica that a command names": (
        [PROJECT.replace("{}", _command("users")), DEFAULT, USERS + "  role: Replica\n"],
        (4, "no command can run on the alias users: it is a replica"),
    ),
    "an alias that a test mirrors": (
        [PROJECT, DEFAULT + "  test: {mirror: gone}\n"],
        (15, "spec.test.mirror: there is no alias gone"),
    ),
    "an alias to inherit from": (
        [PROJECT, DEFAULT, USERS.replace("engine: mysql", "inheritFrom: gone")],
        (21, "there is no alias gone"),
    ),
    "a circle of dependencies": (
        [PROJECT, _depends(DEFAULT, "users"), _depends(USERS, "default")],
        (15, "depends on itself: default → users → default"),
    ),
    "a circle of inheritance": (
        [PROJECT, DEFAULT, _inherits("users", "child"), _inherits("child", "users")],
        (21, "inheriting from child closes a circle"),
    ),
    "two claimants of one alias": (
        [PROJECT, DEFAULT, USERS + "  alias: default\n"],
        (23, "already declares the alias default"),
    ),
    "a policy that writes to a replica": (
        [PROJECT, DEFAULT, USERS + "  role: Replica\n", POLICY],
        (32, "users is a replica"),
    ),
    "no alias default": ([PROJECT, USERS], (1, "no DatabaseAlias declares the alias default")),
    "an option of another engine": (
        [PROJECT, DEFAULT, _inherits("users", "default") + "  options: {charset: utf8mb4}\n"],
        (23, "charset"),
    ),
    "the same object twice": ([PROJECT, DEFAULT, DEFAULT], (18, "it is declared twice")),
    "a key that its Secret lacks": (
        [PROJECT, DEFAULT + "  tls: {clientCertificateRef: {name: login}}\n", LOGIN],
        (15, "has no key tls.crt"),
    ),
}


@pytest.mark.parametrize("case", ACROSS.values(), ids=ACROSS.keys())
def test_rules_across_objects_are_checked(
    case: tuple[list[str], tuple[int, str]], dbalias: Run
) -> None:
    """Each with the line that shows it."""
    documents, (line, message) = case
    assert dbalias("check", dbalias.write(*documents)) == 1
    problems = [one for one in dbalias.places() if one[1] == "error"]
    assert [(at, message in text) for at, _, text in problems if message in text] == [(line, True)]


def test_a_broken_alias_is_one_problem_not_many(dbalias: Run) -> None:
    """Whoever names it, or inherits from it, is not blamed for it."""
    child = USERS.replace("engine: mysql", "inheritFrom: default").replace("users", "child")
    path = dbalias.write(PROJECT, DEFAULT + "  colour: red\n", child, USERS, POLICY)
    assert dbalias("check", path) == 1
    assert [message for _, word, message in dbalias.places() if word == "error"] == [
        "DatabaseAlias/default spec.colour: there is no field colour. Known: "
        + dbalias.out.partition("Known: ")[2].partition("\n")[0]
    ]


def test_missing_secrets_are_notes_and_problems_when_strict(dbalias: Run) -> None:
    """They rarely lie beside the manifests; the line names the one."""
    path = dbalias.write(PROJECT, DEFAULT)
    assert dbalias("check", path) == 0
    ((line, severity, message),) = dbalias.places()
    assert (line, severity) == (14, "note")
    assert "Secret login is not among the files" in message
    assert dbalias("check", path, "--strict") == 1
    assert [one[1] for one in dbalias.places()] == ["error"]


def test_an_alias_of_a_project_elsewhere_is_noted(dbalias: Run) -> None:
    """What can be told of it alone is checked."""
    assert dbalias("check", dbalias.write(USERS)) == 0
    ((_, severity, message),) = dbalias.places()
    assert severity == "note"
    assert "DjangoProject/shop is not among the files" in message


def test_namespaces_keep_projects_apart(dbalias: Run) -> None:
    """Objects that state none belong to --namespace."""
    elsewhere = DEFAULT.replace("{name: default}", "{name: default, namespace: there}")
    path = dbalias.write(PROJECT, elsewhere, LOGIN)
    assert dbalias("check", path) == 1
    assert "declares the alias default" in dbalias.out
    assert dbalias("check", path, "-n", "there") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: [", "is not valid YAML"),
        ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n", "no object of dbalias.dev"),
        (
            LOGIN.replace("stringData: {password: hunter2}", "data: {a: '%'}"),
            "in a Secret not base64",
        ),
    ],
)
def test_input_that_cannot_be_read_is_exit_code_2(text: str, message: str, dbalias: Run) -> None:
    """A wrong folder in CI must not look like success."""
    assert dbalias("check", dbalias.write(text)) == 2
    assert message in dbalias.out


def test_programs_get_json(dbalias: Run) -> None:
    """Every part of a finding by itself."""
    path = dbalias.write(PROJECT, USERS, LOGIN)
    assert dbalias("check", path, "-o", "json") == 1
    (finding,) = json.loads(dbalias.out)["findings"]
    assert (finding["file"], finding["line"], finding["severity"]) == (path, 1, "error")
    assert (finding["object"], finding["reason"]) == ("DjangoProject/shop", "DefaultMissing")


def test_github_gets_annotations_that_cannot_break_out(dbalias: Run) -> None:
    """Separators in paths and texts are escaped as its documentation says."""
    path = dbalias.write(PROJECT, USERS, name="a,b%.yaml")
    assert dbalias("check", path, "-o", "github") == 1
    (line,) = dbalias.out.splitlines()
    assert line.startswith("::error file=")
    assert "a%2Cb%25.yaml,line=1,title=DjangoProject/shop::DjangoProject/shop: no" in line


@pytest.mark.parametrize("output", ["text", "json", "github"])
def test_a_secret_is_never_printed(output: str, dbalias: Run) -> None:
    """Whatever is wrong with it."""
    bad = LOGIN.replace("hunter2", "postgres://u:hunter2@:nope/x")
    url = DEFAULT.replace("login}", "login}, keys: {url: password}").replace("  user: django\n", "")
    path = dbalias.write(PROJECT, url.replace("  name: app_data\n", ""), bad)
    assert dbalias("check", path, "-o", output) == 1
    assert "hunter2" not in dbalias.out + dbalias.err
