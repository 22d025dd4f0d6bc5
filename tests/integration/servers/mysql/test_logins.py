"""What a provisioned login may do, tried: what Django needs, and nothing at the neighbours'."""

from __future__ import annotations

import contextlib

import pymysql
import pytest

from dbalias.servers.faults import Fault, ServerFaultError
from integration.servers.mysql.site import Site, a_wanted, ask
from integration.servers.wanting import NAMESPACE

DJANGO_NEEDS = (
    "CREATE TABLE author (id INT PRIMARY KEY, name VARCHAR(10)) ENGINE=InnoDB",
    "CREATE TABLE book (id INT PRIMARY KEY, author_id INT) ENGINE=InnoDB",
    "ALTER TABLE book ADD CONSTRAINT of_author FOREIGN KEY (author_id) REFERENCES author (id)",
    "CREATE INDEX by_name ON author (name)",
    "INSERT INTO author VALUES (1, 'ü')",
    "UPDATE author SET name = 'Z' WHERE id = 1",
    "CREATE VIEW authors AS SELECT name FROM author",
    "CREATE TRIGGER upper BEFORE INSERT ON author FOR EACH ROW SET NEW.name = UPPER(NEW.name)",
    "CREATE PROCEDURE nothing() SELECT 1",
    "CREATE TEMPORARY TABLE scratch (id INT)",
    "LOCK TABLES author WRITE",
    "UNLOCK TABLES",
    "SELECT GET_LOCK('migrate', 0)",
    "DELETE FROM author",
    "DROP VIEW authors",
    "DROP PROCEDURE nothing",
    "DROP TABLE book",
    "DROP TABLE author",
)


def refused(site: Site, login: str, text: str) -> bool:
    """Tell whether the server denies a statement to a login."""
    with site.log_in(login) as connection, pytest.raises(pymysql.Error) as refusal:
        ask(connection, text)
    return refusal.value.args[0] in {1044, 1045, 1142, 1227, 1410}


def test_a_login_can_do_what_django_needs(site: Site) -> None:
    """Tables, relations, indices, views, triggers and routines of RunSQL, locks."""
    wanted = site.provide(a_wanted())
    with site.log_in(wanted.logins.a, wanted.database) as connection:
        ask(connection, *DJANGO_NEEDS)


def test_both_logins_of_a_pair_work_on_the_same_tables(site: Site) -> None:
    """What one made the other alters and drops: there is nothing to hand over at a rotation."""
    wanted = a_wanted()
    site.provide(wanted, [wanted.logins.a, wanted.logins.b])
    with site.log_in(wanted.logins.a, wanted.database) as first:
        ask(first, "CREATE TABLE made_by_a (id INT)", "CREATE VIEW seen AS SELECT * FROM made_by_a")
    with site.log_in(wanted.logins.b, wanted.database) as second:
        ask(second, "SELECT * FROM seen", "ALTER TABLE made_by_a ADD more INT", "DROP VIEW seen")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM `{other}`.secret",
        "INSERT INTO `{other}`.secret VALUES (1)",
        "CREATE TABLE `{other}`.mine (id INT)",
        "DROP DATABASE `{other}`",
        "SELECT * FROM mysql.user",
        "SELECT * FROM dbalias.claims",
        "CREATE DATABASE mine",
        "CREATE USER mine",
        "GRANT SELECT ON `{own}`.* TO `{neighbour}`@`%`",
    ],
)
def test_a_login_can_do_nothing_elsewhere(site: Site, text: str) -> None:
    """Not at its neighbours', not on the server, and it hands its own rights to nobody."""
    own, other = site.provide(a_wanted()), site.provide(a_wanted())
    with site.log_in(other.logins.a, other.database) as connection:
        ask(connection, "CREATE TABLE secret (id INT)")
    names = {"own": own.database, "other": other.database, "neighbour": other.logins.a}
    assert refused(site, own.logins.a, text.format(**names))


def test_an_underscore_opens_no_neighbour(site: Site) -> None:
    """In a grant it stands for any character: unescaped, `team_one` would open `teamXone`."""
    wanted = site.provide(a_wanted("one"))
    other = wanted.database.replace("_", "x")
    site.sql(f"CREATE DATABASE {other}")
    try:
        assert refused(site, wanted.logins.a, f"CREATE TABLE {other}.mine (id INT)")
    finally:
        site.sql(f"DROP DATABASE {other}")
        site.remove(wanted)


def test_a_reader_reads_and_does_nothing_else(site: Site) -> None:
    """Tables and views, also those made after it."""
    wanted = site.provide(a_wanted(readers=True))
    with site.log_in(wanted.logins.a, wanted.database) as connection:
        ask(connection, "CREATE TABLE t (id INT)", "CREATE VIEW v AS SELECT * FROM t")
    assert wanted.readers
    with site.log_in(wanted.readers.a, wanted.database) as connection:
        ask(connection, "SELECT * FROM t", "SELECT * FROM v", "SHOW CREATE VIEW v")
    for text in ("INSERT INTO {}.t VALUES (1)", "CREATE TABLE {}.mine (id INT)", "DROP TABLE {}.t"):
        assert refused(site, wanted.readers.a, text.format(f"`{wanted.database}`"))


def test_tls_is_required_where_the_server_has_it(site: Site) -> None:
    """A login without it is refused, so that no password goes over the wire for want of care."""
    wanted = site.provide(a_wanted(require_tls=True))
    with contextlib.suppress(pymysql.OperationalError):
        # MySQL takes a password that it has seen before; else the driver would need RSA.
        site.log_in(wanted.logins.a).close()
    with pytest.raises(pymysql.OperationalError):
        site.log_in(wanted.logins.a, wanted.database, tls=False)
    [(required,)] = site.sql("SELECT ssl_type FROM mysql.user WHERE User = %s", [wanted.logins.a])
    assert required == "ANY"


def test_connections_are_limited_for_each_login(site: Site) -> None:
    """One more than declared is refused."""
    wanted = site.provide(a_wanted(connection_limit=2))
    login = wanted.logins.a
    with (
        site.log_in(login),
        site.log_in(login),
        pytest.raises(pymysql.OperationalError) as refusal,
    ):
        site.log_in(login)
    assert refusal.value.args[0] == 1226


def test_a_database_is_utf8mb4_unless_declared(site: Site) -> None:
    """The server's own default may be anything."""
    plain = site.provide(a_wanted())
    declared = site.provide(a_wanted(charset="latin1", collation="latin1_german1_ci"))
    old = site.provide(a_wanted(charset="utf8", collation="utf8_unicode_ci"))
    found = {
        name: (charset, collation)
        for name, charset, collation in site.sql(
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME "
            "FROM information_schema.SCHEMATA"
        )
    }
    assert found[plain.database][0] == "utf8mb4"
    assert found[declared.database] == ("latin1", "latin1_german1_ci")
    assert found[old.database][0] in {"utf8mb3", "utf8"}


def test_an_administrator_of_a_prefix_is_refused_elsewhere_in_words(site: Site) -> None:
    """The least administrator has no right on other prefixes; nothing is half made there."""
    wanted = a_wanted(database="elsewhere")
    assert not wanted.database.startswith(NAMESPACE)
    with pytest.raises(ServerFaultError, match="grant the administrator") as refusal:
        site.carry_out(site.steps(wanted))
    assert refusal.value.fault is Fault.PRIVILEGE
    assert not site.has_database("elsewhere")
    assert not site.users(wanted)
    site.remove(wanted)
    assert site.leaves_nothing(wanted)
