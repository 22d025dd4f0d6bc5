"""What an alias made is dropped on request: all of it, whatever is left of it, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from dbalias.servers.plot import Standing
from dbalias.servers.postgresql.plot import PostgresPlot
from integration.servers.postgresql.site import Site, a_wanted
from integration.servers.wanting import issued


def test_everything_that_was_made_goes(site: Site) -> None:
    """While sessions are open, of logins and of readers."""
    wanted = a_wanted(readers=True, schemas=("app",))
    assert wanted.readers
    site.provide(wanted, {*issued(wanted), wanted.logins.b})
    sessions = [site.log_in(name, wanted.database) for name in (wanted.logins.b, wanted.readers.a)]
    sessions[0].execute("CREATE TABLE t AS SELECT 1 AS i; SELECT * FROM t")
    site.remove(wanted)
    assert not site.has_database(wanted.database)
    assert site.roles(wanted) == set()
    assert site.look(wanted).removal() == ()
    for session in sessions:
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        session.close()


def test_a_template_goes_too(site: Site) -> None:
    """Whoever works in a database may make it one, and PostgreSQL drops none."""
    wanted = site.provide(a_wanted())
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute(f'ALTER DATABASE "{wanted.database}" IS_TEMPLATE true'.encode())
    site.remove(wanted)
    assert not site.has_database(wanted.database)
    assert site.roles(wanted) == set()


def test_a_removal_that_was_cut_short_goes_on(creator: Site) -> None:
    """After every step, from what is left then."""
    wanted = a_wanted(readers=True)
    for count in range(1, 7):
        creator.provide(wanted)
        creator.carry_out(creator.look(wanted).removal()[:count])
        creator.close()
        creator.remove(wanted)
        assert not creator.has_database(wanted.database)
        assert creator.roles(wanted) == set()


def test_what_a_neighbour_made_stays(site: Site) -> None:
    """Its database and its roles, to which nobody but it has a right."""
    wanted, other = site.provide(a_wanted()), site.provide(a_wanted())
    site.remove(wanted)
    site.log_in(other.logins.a, other.database).close()
    assert site.steps(other) == ()


def test_a_second_claimant_takes_nothing_with_it(site: Site) -> None:
    """Its own roles, where it came so far; the database of the first stays."""
    first = site.provide(a_wanted())
    second = replace(a_wanted(), database=first.database)
    claim = replace(site.look(a_wanted(second.mark.name)).found, wanted=second)
    site.carry_out(PostgresPlot(claim).steps(frozenset(), {})[:1])
    plot = site.look(second)
    assert (plot.standing, plot.holder) == (Standing.ANOTHERS, first.mark)
    assert [step.says for step in plot.removal()] == [f"drop owner role {second.owner}"]
    site.remove(second)
    assert site.roles(second) == set()
    site.log_in(first.logins.a, first.database).close()


def test_an_owner_cannot_have_anothers_database_dropped_by_a_forged_mark(site: Site) -> None:
    """Whoever owns a database may comment on it; what counts is the mark of its owner role."""
    mine, other = site.provide(a_wanted()), a_wanted()
    forged = replace(other, database=mine.database)
    with site.log_in(mine.logins.a, mine.database) as session:
        text = other.mark.render()
        session.execute(f"COMMENT ON DATABASE \"{mine.database}\" IS '{text}'".encode())
    plot = site.look(forged)
    assert (plot.standing, plot.holder) == (Standing.ANOTHERS, mine.mark)
    assert plot.removal() == ()
    assert site.look(mine).standing is Standing.OURS
    site.provide(mine)


def test_a_database_that_is_back_under_another_owner_stays(site: Site) -> None:
    """Dropped and made again by hand: it carries no mark, so only our roles go."""
    wanted = site.provide(a_wanted())
    site.sql(f'DROP DATABASE "{wanted.database}"')
    site.sql(f'CREATE DATABASE "{wanted.database}"')
    assert site.look(wanted).standing is Standing.UNMARKED
    site.remove(wanted)
    assert site.has_database(wanted.database)
    assert site.roles(wanted) == set()
    site.sql(f'DROP DATABASE "{wanted.database}"')
