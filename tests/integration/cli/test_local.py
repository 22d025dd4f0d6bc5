"""``local`` migrates real servers and runs the shop beside them, as a developer does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.runtime.pod import Database, a_database
from localkube.databases import DatabaseServer

EXAMPLES = Path(__file__).parents[3] / "examples"
REPORT = ("python", "manage.py", "shop_report", "--json")
NASTY = "p/w?:@ %41+&='\"\\#[é"

Local = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def local(tmp_path: Path) -> Local:
    """Return ``dbalias local``, run in a checkout of the shop with a developer's environment."""
    checkout, scratch = tmp_path / "shop", tmp_path / "scratch"
    shutil.copytree(EXAMPLES / "shop", checkout, ignore=shutil.ignore_patterns("__pycache__"))
    scratch.mkdir()
    programs = Path(sys.executable).parent
    env = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "TMPDIR": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }

    def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [programs / "dbalias", "local", *words],
            cwd=checkout, env=env | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert list(scratch.iterdir()) == []
        for name in ("PASSWORD", "URL"):
            for variable, value in variables.items():
                assert not variable.endswith(name) or value not in done.stdout + done.stderr
        return done

    return run


def said_of(alias: str, database: Database) -> dict[str, str]:
    """Return the variables that lead an alias to a database."""
    fields = {
        "HOST": database.server.host,
        "PORT": str(database.server.port),
        "NAME": database.name,
        "USER": database.user,
        "PASSWORD": database.password,
    }
    return {f"DBALIAS_{alias.upper()}_{field}": value for field, value in fields.items()}


def test_first_example_is_migrated_and_used_without_a_cluster(
    local: Local, postgres: DatabaseServer, mariadb: DatabaseServer
) -> None:
    """Addresses and awkward passwords from the environment, all else from the manifests."""
    default, users = a_database(postgres, NASTY), a_database(mariadb, NASTY)
    variables = said_of("default", default) | said_of("users", users)

    done = local(EXAMPLES / "guide-first", "--migrate", "--", *REPORT, **variables)

    assert done.returncode == 0, done.stderr
    rows = {row["model"]: row["written"] for row in json.loads(done.stdout)}
    assert rows["catalog.Product"] == "default"
    assert rows["orders.Order"] == rows["customers.Customer"] == "users"
    assert "catalog_product" in default.tables - users.tables
    assert "customers_customer" in users.tables - default.tables
    check = ("python", "manage.py", "check", "--database=users")
    again = local(EXAMPLES / "guide-first", "--migrate", "--", *check, **variables)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("nothing to migrate") == 2
    assert again.stdout == "System check identified no issues (0 silenced).\n"


def test_second_example_skips_its_empty_default(local: Local, mariadb: DatabaseServer) -> None:
    """Two aliases are migrated, in the order of their names."""
    users, customers = a_database(mariadb), a_database(mariadb)
    variables = said_of("users", users) | said_of("customers", customers)

    done = local(EXAMPLES / "guide-second", "--migrate", "--", *REPORT, **variables)

    assert done.returncode == 0, done.stderr
    assert {row["written"] for row in json.loads(done.stdout)} == {"users", "customers"}
    begun = [line.split()[2] for line in done.stderr.splitlines() if "attempt by hand" in line]
    assert begun == ["customers,", "users,"]


def test_a_failed_migration_stops_what_depends_on_it_and_the_command(
    local: Local, postgres: DatabaseServer, mariadb: DatabaseServer, tmp_path: Path
) -> None:
    """The runner's line and exit code; dependsOn decides the order."""
    default, users = a_database(postgres), a_database(mariadb)
    text = (EXAMPLES / "guide-first" / "databases.yaml").read_text()
    waits = text.replace(
        "  name: app_data\n", "  name: app_data\n  migrate: {dependsOn: [users]}\n"
    )
    assert waits != text
    manifests = tmp_path / "databases.yaml"
    manifests.write_text(waits)
    project = EXAMPLES / "guide-first" / "project.yaml"
    variables = said_of("default", default) | said_of("users", users)
    wrong = variables | {"DBALIAS_USERS_PASSWORD": "wrong-one"}

    failed = local(manifests, project, "--migrate", "--", *REPORT, **wrong)

    assert failed.returncode == 8
    assert failed.stdout == ""
    last = failed.stderr.splitlines()[-1]
    assert last.startswith('dbalias local: users is not migrated: database "users": ')
    assert "refuses the login" in last
    assert last.endswith("; not tried: default")
    assert default.tables == set()
    assert local(manifests, project, "--migrate", **variables).returncode == 0
    assert "catalog_product" in default.tables
