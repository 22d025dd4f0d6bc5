"""What somebody changes by hand is found, said, and put right; or said where that loses data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbalias.servers.plot import Standing
from integration.servers.mysql.site import ENGINE, Counting, Site, a_wanted, ask
from integration.servers.wanting import issued

DRIFTS = {
    "a dropped login": ("DROP USER `{login}`@`%`", "make login"),
    "a revoked grant": ("REVOKE INSERT ON `{pattern}`.* FROM `{login}`@`%`", "grant INSERT"),
    "all grants revoked": ("REVOKE ALL, GRANT OPTION FROM `{login}`@`%`", "grant SELECT"),
    "a right to hand on rights": (
        "GRANT SELECT ON `{pattern}`.* TO `{login}`@`%` WITH GRANT OPTION",
        "revoke GRANT OPTION",
    ),
    "a reader that writes": ("GRANT INSERT ON `{pattern}`.* TO `{reader}`@`%`", "revoke INSERT"),
    "TLS required": ("ALTER USER `{login}`@`%` REQUIRE SSL", "without TLS too"),
    "fewer connections": (
        "ALTER USER `{login}`@`%` WITH MAX_USER_CONNECTIONS 1",
        "any number of connections",
    ),
    "another charset": ("ALTER DATABASE `{database}` CHARACTER SET latin1", "new tables"),
}


@pytest.mark.parametrize(("change", "said"), DRIFTS.values(), ids=DRIFTS)
def test_drift_is_said_and_repaired(site: Site, change: str, said: str) -> None:
    """And nothing else is touched: one or two steps."""
    wanted = site.provide(a_wanted(readers=True))
    assert wanted.readers
    names = {"login": wanted.logins.a, "reader": wanted.readers.a, "database": wanted.database}
    pattern = wanted.database.replace("_", r"\_")
    site.sql(change.format(pattern=pattern, **names))
    differences = site.look(wanted).differences(issued(wanted))
    assert len(differences) in {1, 2}
    assert any(said in one for one in differences)
    site.provide(wanted)


def test_rights_elsewhere_are_neither_given_nor_taken(site: Site) -> None:
    """An administrator gave them on purpose; only those in the own database are ours to say."""
    own, other = site.provide(a_wanted()), site.provide(a_wanted())
    pattern = other.database.replace("_", r"\_")
    site.sql(f"GRANT SELECT ON `{pattern}`.* TO `{own.logins.a}`@`%`")
    assert site.steps(own) == ()
    assert site.grants(own.logins.a, other.database) == 1


def test_tables_keep_their_charset_when_the_databases_is_repaired(site: Site) -> None:
    """So no data is converted."""
    wanted = site.provide(a_wanted())
    with site.log_in(wanted.logins.a, wanted.database) as connection:
        ask(connection, "CREATE TABLE old (t TEXT) CHARACTER SET latin1")
    site.sql(f"ALTER DATABASE `{wanted.database}` CHARACTER SET latin1")
    site.provide(wanted)
    with site.log_in(wanted.logins.a, wanted.database) as connection:
        [(_, made)] = ask(connection, "SHOW CREATE TABLE old")
    assert "latin1" in made


def test_a_dropped_database_is_gone_until_it_is_made_again(site: Site) -> None:
    """The claim stays, the incarnation goes; a new database has a new one, to be migrated."""
    wanted = site.provide(a_wanted())
    first = site.look(wanted).incarnation
    site.sql(f"DROP DATABASE `{wanted.database}`")
    lost = site.look(wanted)
    assert (lost.standing, lost.incarnation) == (Standing.CLAIMED, None)
    site.provide(wanted)
    assert site.look(wanted).incarnation not in {None, first}


@pytest.mark.parametrize("change", ["DROP TABLE `{0}`.t", "DROP DATABASE `{0}`"])
def test_a_database_that_was_emptied_or_made_again_by_hand_is_another_one(
    site: Site, change: str
) -> None:
    """Neither server tells when a database was made: that nothing is left in it does."""
    wanted = site.provide(a_wanted())
    first = site.look(wanted).incarnation
    with site.log_in(wanted.logins.a, wanted.database) as connection:
        ask(connection, "CREATE TABLE t (id INT)")
    assert [step.says for step in site.steps(wanted)] == [
        f"note that database {wanted.database} holds something"
    ]
    site.provide(wanted)
    assert site.look(wanted).incarnation == first
    site.sql(change.format(wanted.database))
    site.sql(f"CREATE DATABASE IF NOT EXISTS `{wanted.database}` CHARACTER SET utf8mb4")
    assert site.look(wanted).standing is Standing.OURS
    site.provide(wanted)
    second = site.look(wanted).incarnation
    assert second not in {None, first}
    assert site.look(wanted).incarnation == second


def test_the_incarnation_stays_while_the_database_does(site: Site) -> None:
    """From the first claim on: what was migrated is not migrated again after a crash."""
    wanted = a_wanted()
    steps = site.steps(wanted)
    site.carry_out(steps[:2])
    first = site.look(wanted).incarnation
    assert first
    site.provide(wanted)
    assert site.look(wanted).incarnation == first


@pytest.mark.parametrize("count", [1, 40])
def test_a_survey_takes_as_many_statements_for_one_as_for_many(site: Site, count: int) -> None:
    """A thousand aliases of a server are looked up at once."""
    site.provide(a_wanted())
    session = Counting(site.session(), [])
    ENGINE.survey(session, [a_wanted() for _ in range(count)])
    assert len([text for text in session.texts if text.startswith("SELECT")]) == 9


def test_a_look_at_one_sees_what_a_survey_sees(site: Site) -> None:
    """Absent, claimed, there with its logins, another's, made by hand."""
    absent, claimed, there = a_wanted(), a_wanted(), site.provide(a_wanted(readers=True))
    site.carry_out(site.steps(claimed)[:1])
    anothers = replace(there, mark=replace(there.mark, installation="there/dbalias"))
    by_hand = a_wanted()
    site.sql(f"CREATE DATABASE `{by_hand.database}`")
    for wanted in (absent, claimed, there, anothers, by_hand):
        one, other = site.look(wanted), ENGINE.look_up(site.session(), wanted)
        assert (one.standing, one.holder, one.logins) == (
            other.standing,
            other.holder,
            other.logins,
        )
        assert one.incarnation == other.incarnation
        assert one.differences(issued(wanted)) == other.differences(issued(wanted))
        assert one.removal() == other.removal()
    site.sql(f"DROP DATABASE `{by_hand.database}`")
