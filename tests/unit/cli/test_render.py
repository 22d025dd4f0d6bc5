"""``render`` prints what the operator publishes, or writes the files of a pod."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from unit.cli.files import DEFAULT, LOGIN, POLICY, PROJECT, USERS, Run

REPOSITORY = Path(__file__).parents[3]
GOLDEN = sorted(path.parent for path in (REPOSITORY / "tests/golden").glob("*/input.yaml"))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda path: path.name)
def test_the_golden_secrets_come_out_of_the_stream(case: Path, dbalias: Run) -> None:
    """The stable Secret and the Jobs' own, with every byte."""
    assert dbalias("render", str(case / "input.yaml")) == 0
    rendered = {
        (body["kind"], body["metadata"]["name"]): body for body in yaml.safe_load_all(dbalias.out)
    }
    expected = yaml.safe_load((case / "secrets.yaml").read_text())
    stable = rendered["Secret", "shop-databases"]["data"]
    assert stable == expected["databases"]
    assert rendered.get(("Secret", "shop-migrate"), {}).get("data", {}) == expected["migrate"]


def test_objects_have_no_namespace_unless_a_file_or_an_option_says_one(dbalias: Run) -> None:
    """So that ``kubectl diff -n`` compares them with the live ones."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    assert dbalias("render", path) == 0
    assert not any("namespace" in one["metadata"] for one in yaml.safe_load_all(dbalias.out))
    assert dbalias("render", path, "-n", "prod") == 0
    assert {one["metadata"]["namespace"] for one in yaml.safe_load_all(dbalias.out)} == {"prod"}


def test_objects_carry_no_owner_and_no_salt(dbalias: Run) -> None:
    """Only a cluster can give these."""
    assert dbalias("render", dbalias.write(PROJECT, DEFAULT, LOGIN)) == 0
    for body in yaml.safe_load_all(dbalias.out):
        assert "ownerReferences" not in body["metadata"]
        assert "dbalias.dev/salt" not in body["metadata"].get("annotations", {})


def test_a_missing_login_is_named_and_the_settings_are_complete(dbalias: Run) -> None:
    """Published settings do not depend on a password: only its file is left out."""
    complete = dbalias.write(PROJECT, DEFAULT, LOGIN, name="complete.yaml")
    assert dbalias("render", complete) == 0
    _, expected = yaml.safe_load_all(dbalias.out)
    assert dbalias("render", dbalias.write(PROJECT, DEFAULT)) == 3
    assert "# DjangoProject/shop: Secret login is not among the files" in dbalias.out
    assert "default.password of Secret/shop-databases" in dbalias.err
    secret, config_map = yaml.safe_load_all(dbalias.out)
    assert config_map == expected
    assert base64.b64decode(secret["data"]["default.user"]) == b"django"
    assert {name.split(".")[-1] for name in secret["data"]} == {"user"}


def test_a_missing_address_leaves_its_alias_out(dbalias: Run) -> None:
    """A URL shapes the settings: its alias is unavailable, as it is in a cluster."""
    users = USERS.replace(
        "  name: user_data\n", "  credentials: {secretRef: {name: url}, preset: URL}\n"
    )
    assert dbalias("render", dbalias.write(PROJECT, DEFAULT, users, LOGIN)) == 3
    _, config_map = yaml.safe_load_all(dbalias.out)
    document = yaml.safe_load(config_map["data"]["databases.json"])
    assert document["unavailable"] == {"users": "SecretNotFound"}
    assert "Secret url is not among the files" in dbalias.err


def test_bad_input_prints_nothing_but_its_problems(dbalias: Run) -> None:
    """Exit code 2, the lines of ``check`` on standard error."""
    assert dbalias("render", dbalias.write(PROJECT, DEFAULT, POLICY, LOGIN)) == 2
    assert dbalias.out == ""
    assert "there is no alias users" in dbalias.err
    assert dbalias("render", "missing.yaml") == 2
    assert "missing.yaml: error: cannot be read" in dbalias.err
    assert dbalias("render", dbalias.write(USERS)) == 2
    assert "there is no DjangoProject among the files" in dbalias.err


def test_several_projects_are_one_stream_or_one_of_them(dbalias: Run) -> None:
    """A directory takes the files of one."""
    other = [text.replace("name: shop", "name: blog") for text in (PROJECT, DEFAULT)]
    other[1] = other[1].replace("{name: default}", "{name: blog-default}") + "  alias: default\n"
    path = dbalias.write(PROJECT, DEFAULT, *other, LOGIN)
    assert dbalias("render", path) == 0
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(dbalias.out)]
    assert names == ["blog-databases"] * 2 + ["shop-databases"] * 2
    assert dbalias("render", path, "--project", "blog") == 0
    assert len(list(yaml.safe_load_all(dbalias.out))) == 2
    assert dbalias("render", path, "--output-dir", str(dbalias.folder / "out")) == 2
    assert "choose one of blog, shop with --project" in dbalias.err
    assert dbalias("render", path, "--project", "gone") == 2


def test_a_directory_holds_what_a_pod_would_mount(dbalias: Run) -> None:
    """Credentials for the owner alone; the modules load, with awkward passwords untouched."""
    awkward = "q'\"\\%s{{x}}$HOME\n ü "
    login = LOGIN.replace("hunter2", yaml.safe_dump(awkward, default_style='"').strip())
    out = dbalias.folder / "out"
    arguments = ("render", dbalias.write(PROJECT, DEFAULT, login), "--output-dir", str(out))
    assert dbalias(*arguments) == 0
    assert dbalias(*arguments) == 0
    assert dbalias.out == ""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()}
    private = {name for name, mode in modes.items() if mode == 0o600}
    assert {"default.password", "default.user", "default.url"} < private
    assert {name.partition(".")[0] for name in private} == {"default"}
    assert modes["databases.json"] == modes["dbalias_databases.py"] == 0o644
    program = "import dbalias_databases as d; print(d.DATABASES['default']['PASSWORD'], end='')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(out), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == awkward


def test_a_directory_that_cannot_be_written_is_said(dbalias: Run) -> None:
    """Exit code 2 and the path, no traceback."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    assert dbalias("render", path, "--output-dir", f"{path}/below") == 2
    assert "cannot be written" in dbalias.err
