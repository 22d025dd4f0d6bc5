"""A pass that ends anywhere is continued by the next: the same end, and nothing left over."""

from __future__ import annotations

import pymysql
import pytest

from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.plot import Standing, Step
from integration.servers.mysql.site import Site, a_wanted, ask
from integration.servers.wanting import issued

STEPS_OF_A_CREATION = 7
STEPS_OF_A_REMOVAL = 6


@pytest.mark.parametrize("done", range(STEPS_OF_A_CREATION + 1))
def test_a_creation_that_ended_anywhere_is_finished(site: Site, done: int) -> None:
    """After each step the next pass finds what there is, and takes it for its own."""
    wanted = a_wanted(readers=True)
    steps = site.steps(wanted)
    assert len(steps) == STEPS_OF_A_CREATION
    site.carry_out(steps[:done])
    site.provide(wanted)
    assert site.look(wanted).standing is Standing.OURS
    assert site.users(wanted) == issued(wanted)
    site.remove(wanted)
    assert site.leaves_nothing(wanted)


@pytest.mark.parametrize("done", range(STEPS_OF_A_CREATION))
def test_a_creation_that_ended_anywhere_is_taken_away(site: Site, done: int) -> None:
    """An alias that is deleted before it was ready leaves nothing."""
    wanted = a_wanted(readers=True)
    site.carry_out(site.steps(wanted)[:done])
    site.remove(wanted)
    assert site.leaves_nothing(wanted)


@pytest.mark.parametrize("done", range(STEPS_OF_A_REMOVAL))
def test_a_removal_that_ended_anywhere_is_finished(site: Site, done: int) -> None:
    """The claims go last, so that what is left is still known to be ours."""
    wanted = site.provide(a_wanted(readers=True))
    steps = site.look(wanted).removal()
    assert len(steps) == STEPS_OF_A_REMOVAL
    site.carry_out(steps[:done])
    site.remove(wanted)
    assert site.leaves_nothing(wanted)


def test_every_step_can_be_repeated_after_a_look(site: Site) -> None:
    """Of a step whose answer was lost nobody knows whether it was done: look, then go on."""
    wanted = a_wanted()
    while steps := site.steps(wanted):
        site.carry_out(steps[:1])
    assert site.look(wanted).standing is Standing.OURS


def test_of_two_claims_one_wins_whole(site: Site) -> None:
    """The other's is rolled back, its logins with it."""
    ours, theirs = a_wanted("dup", database="team_dup"), a_wanted("dap", database="team_dup")
    first, second = site.steps(ours), site.steps(theirs)
    site.carry_out(first[:1])
    with pytest.raises(ServerFaultError) as refusal:
        site.carry_out(second[:1])
    assert refusal.value.fault is Fault.CHANGED
    assert site.look(theirs).standing is Standing.ANOTHERS
    assert site.claims(theirs) == 0
    site.remove(ours)


def test_a_claim_whose_login_is_taken_is_rolled_back(site: Site) -> None:
    """Two installations may want one login for two databases; neither gets half."""
    ours = a_wanted("twin", database="team_one")
    theirs = a_wanted("twin", database="team_two", installation="there/dbalias")
    first, second = site.steps(ours), site.steps(theirs)
    site.carry_out(first)
    with pytest.raises(ServerFaultError):
        site.carry_out(second[:1])
    site.provide(ours)
    assert site.look(theirs).standing is Standing.ANOTHERS
    assert site.look(theirs).holder == ours.mark
    assert [one.database for one in site.survey().marked if one.mark.name == "twin"] == ["team_one"]
    site.remove(ours)


def test_a_removal_ends_sessions_that_hold_a_table(site: Site) -> None:
    """An open transaction would keep DROP DATABASE waiting."""
    wanted = site.provide(a_wanted())
    with site.log_in(wanted.logins.a, wanted.database) as idle:
        ask(idle, "CREATE TABLE t (id INT)", "BEGIN", "SELECT * FROM t")
        site.remove(wanted)
        with pytest.raises(pymysql.OperationalError):
            ask(idle, "SELECT 1")
    assert site.leaves_nothing(wanted)


def test_a_removal_goes_on_where_sessions_may_not_be_ended(site: Site) -> None:
    """Ending them is a courtesy: one that has gone meanwhile keeps nothing from being dropped."""
    wanted = site.provide(a_wanted())
    site.carry_out([Step("end nobody", ("KILL 4000000000",), may_fail=True)])
    site.remove(wanted)
    assert site.leaves_nothing(wanted)


def test_an_application_that_made_views_and_triggers_is_dropped(site: Site) -> None:
    """MySQL drops no login that defined something which is still there."""
    wanted = site.provide(a_wanted())
    with site.log_in(wanted.logins.a, wanted.database) as connection:
        ask(connection, "CREATE TABLE t (id INT)", "CREATE VIEW v AS SELECT * FROM t")
        ask(connection, "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1")
    site.remove(wanted)
    assert site.leaves_nothing(wanted)


def test_a_grant_makes_no_login_that_was_dropped_meanwhile(site: Site) -> None:
    """MariaDB would make it, open to everybody without a password."""
    wanted = a_wanted()
    steps = site.steps(wanted)
    site.carry_out(steps[:-1])
    site.sql(f"DROP USER `{wanted.logins.a}`@`%%`", [])
    with pytest.raises(ServerFaultError) as refusal:
        site.carry_out(steps[-1:])
    assert refusal.value.fault is Fault.CHANGED
    assert not site.users(wanted)
