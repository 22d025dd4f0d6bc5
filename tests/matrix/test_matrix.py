"""The published files do the same on every Django, Python and driver that is supported."""

from __future__ import annotations

import json
import subprocess

import pytest

from environments import DRIVERS, SERIES, running_interpreter
from integration.runtime.pod import Pod
from matrix.choice import corners, everything
from matrix.shop import ALIASES, PASSWORD, Shop

pytestmark = pytest.mark.timeout(3600)
"""The first tests of a machine wait until each environment is made, one after the other."""

DRIVER_OF_MYSQL = "import dbalias_databases, MySQLdb; print(MySQLdb.__name__)"


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines a process printed on both of its outputs."""
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def printed(shop: Shop, code: str) -> list[str]:
    """Return the lines of JSON that some code prints in the application's shell."""
    lines = shop.pod.manage("shell", "-c", code).splitlines()
    return [line for line in lines if line.startswith("{")]


def test_every_alias_is_migrated_by_the_published_runner(shop: Shop) -> None:
    """The report names the series; each server has its tables and no other's."""
    for alias in ALIASES:
        outcome = shop.migrated[alias]
        assert outcome.code == 0, outcome.output
        assert outcome.report["django"].startswith(shop.cell.series.name)
        assert outcome.report["state"] == "done"
    assert {"catalog_product_tags", "auth_user"} <= shop.databases["default"].tables
    assert shop.databases["users"].tables == {
        "customers_customer",
        "django_migrations",
        "orders_order",
        "orders_orderline",
        "orders_shippingmethod",
    }


def test_waiting_ends_once_all_is_migrated(shop: Shop) -> None:
    """Exit 1 and what is missing before, 0 after."""
    assert shop.waited_before.code == 1
    assert '"users" lacks' in shop.waited_before.output
    assert shop.waited_after.code == 0, shop.waited_after.output


def test_a_finished_migration_has_nothing_left_to_do(shop: Shop) -> None:
    """Run again: no migration, no missing table, exit 0."""
    outcome = shop.pod.run("users")
    assert outcome.code == 0, outcome.output
    assert outcome.report["appliedCount"] == 0


def test_django_checks_models_and_databases_without_a_word(shop: Shop) -> None:
    """`check --database` of every alias, and makemigrations, which asks the routers."""
    named = [word for alias in ALIASES for word in ("--database", alias)]
    assert "no issues" in shop.pod.manage("check", *named)
    assert "No changes detected" in shop.pod.manage("makemigrations", "--check", "--dry-run")


def test_models_are_written_and_read_where_the_policy_says(shop: Shop) -> None:
    """By a command of the application."""
    rows = json.loads(shop.pod.manage("shop_report", "--json"))
    written = {row["model"]: row["written"] for row in rows}
    assert written["catalog.Product"] == written["auth.User"] == "default"
    assert written["customers.Customer"] == written["orders.OrderLine"] == "users"


def test_a_request_reads_replicas_until_it_writes_over_encrypted_connections(shop: Shop) -> None:
    """Twice: nothing is left of the first request's pins in the second."""
    asked = (
        "from django.test import Client\n"
        "for who in ('grace', 'alan'): print(Client().get('/', {'who': who}).content.decode())"
    )
    answers = [json.loads(line) for line in printed(shop, asked)]

    assert [answer["read"] for answer in answers] == [["grace", "Æ 密"], ["alan", "Æ 密"]]
    for answer in answers:
        assert answer["before"] == ["default_copy", "users_copy"]
        assert answer["written"] == answer["after"] == ["default", "users"]
        assert set(answer["encrypted"]) == {*ALIASES, "default_copy", "users_copy"}
        assert all(answer["encrypted"].values())


def test_the_driver_is_the_one_that_is_installed(shop: Shop) -> None:
    """PyMySQL stands in for mysqlclient only where mysqlclient is not there."""
    expected = {"pymysql": "pymysql", "mysqlclient": "MySQLdb"}[shop.cell.driver]
    assert expected in shop.pod.manage("shell", "-c", DRIVER_OF_MYSQL).splitlines()


@pytest.mark.parametrize("program", ["dbalias_migrate.py", "dbalias_wait.py", "manage.py"])
def test_a_missing_credential_is_one_line_and_exit_code_2(shop: Shop, program: str) -> None:
    """It names alias and file, without a traceback or a value.

    The runner's log always begins with the alias that it was asked for.
    """
    folder = shop.pod.mount / "..data"
    passwords = {file: file.read_bytes() for file in folder.glob("users.*password")}
    for file in passwords:
        file.unlink()
    try:
        code, lines = _start(shop.pod, program)
    finally:
        for file, content in passwords.items():
            file.write_bytes(content)

    assert code == 2, lines
    *heading, line = lines
    assert len(heading) == (program == "dbalias_migrate.py")
    assert 'alias "users"' in line
    assert any(file.name in line for file in passwords)
    assert PASSWORD not in line


def _start(pod: Pod, program: str) -> tuple[int, list[str]]:
    if program == "manage.py":
        done = pod.try_manage("check")
        return done.returncode, said(done)
    outcome = pod.start("users" if "migrate" in program else "", program=program).end()
    return outcome.code, outcome.output.splitlines()


def test_the_combinations_of_this_machine_are_tried() -> None:
    """Every series that a Python at hand can run, the running Python, the oldest and the newest."""
    found = everything()
    kept = corners(found)
    assert {cell.series.name for cell in kept} == {cell.series.name for cell in found}
    assert running_interpreter() in {cell.interpreter for cell in kept}
    assert {cell.driver for cell in kept} == {cell.driver for cell in found} <= set(DRIVERS)
    for series in SERIES.values():
        of_it = [cell.interpreter for cell in found if cell.series == series]
        tried = {cell.interpreter for cell in kept if cell.series == series}
        assert {*of_it[:1], *of_it[-1:]} <= tried
