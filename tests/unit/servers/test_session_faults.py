"""Which code of which engine is which fault, and what is said of it."""

from __future__ import annotations

import pytest

from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.faults import Fault
from dbalias.servers.sessions import mysql_faults, postgresql_faults
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.sessions.words import build_fault, build_silence

ADDRESS = Address(ServerEngine.POSTGRESQL, "db.example", 5432, "admin", SecretBytes(b"pa55"))


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("08006", Fault.UNREACHABLE),
        ("57P03", Fault.UNREACHABLE),
        ("57014", Fault.TIMED_OUT),
        ("55P03", Fault.TIMED_OUT),
        ("28P01", Fault.LOGIN_REFUSED),
        ("28000", Fault.LOGIN_REFUSED),
        ("25006", Fault.READ_ONLY),
        ("53300", Fault.FULL),
        ("53100", Fault.FULL),
        ("42501", Fault.PRIVILEGE),
        ("0LP01", Fault.PRIVILEGE),
        ("42P04", Fault.CHANGED),
        ("42710", Fault.CHANGED),
        ("42704", Fault.CHANGED),
        ("40001", Fault.CHANGED),
        ("2BP01", Fault.IN_USE),
        ("42601", Fault.STATEMENT),
        ("99999", Fault.STATEMENT),
    ],
)
def test_a_sqlstate_is_a_fault(code: str, fault: Fault) -> None:
    """By code, else by its class; what nobody listed is a statement's own."""
    assert postgresql_faults.fault_of(code) is fault


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (2013, Fault.UNREACHABLE),
        (1053, Fault.UNREACHABLE),
        (1205, Fault.TIMED_OUT),
        (1045, Fault.LOGIN_REFUSED),
        (2026, Fault.CERTIFICATE),
        (1290, Fault.READ_ONLY),
        (1040, Fault.FULL),
        (1021, Fault.FULL),
        (1044, Fault.PRIVILEGE),
        (1142, Fault.PRIVILEGE),
        (1227, Fault.PRIVILEGE),
        (1007, Fault.CHANGED),
        (1396, Fault.CHANGED),
        (1064, Fault.STATEMENT),
    ],
)
def test_an_error_number_is_a_fault(number: int, fault: Fault) -> None:
    """The numbers are MySQL's and MariaDB's alike."""
    assert mysql_faults.fault_of(number) is fault


def test_codes_are_told_with_their_names() -> None:
    """A number alone sends people to a search engine."""
    assert postgresql_faults.name_of("42P04") == "42P04 DuplicateDatabase"
    assert postgresql_faults.name_of("XYZ99") == "XYZ99"
    assert mysql_faults.name_of(1007) == "1007 DB_CREATE_EXISTS"
    assert mysql_faults.name_of(9999) == "9999"


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_says_where_it_was_and_never_the_password(fault: Fault) -> None:
    """And what was being done, where a step says it."""
    told = str(build_fault(fault, ADDRESS, code="12345", says="creating database shop"))
    assert told.startswith("creating database shop: db.example:5432 ")
    assert "(error 12345)" in told
    assert "pa55" not in told


def test_a_server_that_says_nothing_may_be_of_another_engine() -> None:
    """PostgreSQL waits for a client of MySQL to begin, and the other way round it hangs up."""
    assert "check that it is a server of postgresql" in str(build_silence(ADDRESS))
    assert "no server of postgresql" in str(build_fault(Fault.UNREACHABLE, ADDRESS))


@pytest.mark.parametrize(
    "text",
    [
        'CREATE DATABASE "shop"',
        "create  database shop",
        "DROP DATABASE shop WITH (FORCE)",
        "\n  CREATE EXTENSION postgis",
        "DROP OWNED BY shop",
        "REASSIGN OWNED BY shop TO admin",
    ],
)
def test_statements_that_take_long_are_given_long(text: str) -> None:
    """A template of gigabytes is copied by one statement."""
    assert Timeouts().of(text) == Timeouts().long


@pytest.mark.parametrize("text", ["SELECT 1", "CREATE ROLE shop", "SELECT 'CREATE DATABASE'"])
def test_other_statements_are_given_less(text: str) -> None:
    """What takes half a minute hangs."""
    assert Timeouts().of(text) == Timeouts().statement
