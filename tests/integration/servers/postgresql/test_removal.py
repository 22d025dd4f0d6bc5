"""What an alias made is dropped on request: all of it, whatever is left of it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from dbalias.servers.plot import Standing
from dbalias.servers.postgresql.plot import PostgresPlot
from integration.servers.postgresql.site import Site, a_wanted
from integration.servers.wanting import issued
from localkube.databases import PostgresServer

DILIGENT = {
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_cost_delay": "100ms",
    "autovacuum_vacuum_cost_limit": "1",
}


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


@pytest.fixture
def diligent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose autovacuum begins at once and takes long; its administrator may not end it."""
    with PostgresServer(tmp_path_factory.mktemp("diligent"), settings=DILIGENT) as server:
        server.create_administrator("creator", "of-the-creator")
        with closing(Site(server, "creator", "of-the-creator")) as made:
            yield made


def test_a_database_in_which_autovacuum_works_goes_too(diligent: Site) -> None:
    """PostgreSQL lets only superusers end it, and so refuses to force its end."""
    wanted = diligent.provide(a_wanted())
    with diligent.log_in(wanted.logins.a, wanted.database) as session:
        session.execute(
            "CREATE TABLE t AS SELECT i, repeat('x', 500) FROM generate_series(1, 50000) AS i; "
            "DELETE FROM t WHERE i % 2 = 0"
        )
    deadline = time.monotonic() + 60
    while not diligent.sql(
        "SELECT 1 FROM pg_stat_activity "
        f"WHERE datname = '{wanted.database}' AND backend_type = 'autovacuum worker'"
    ):
        assert time.monotonic() < deadline, "autovacuum does not begin"
        time.sleep(0.05)
    diligent.remove(wanted)
    assert not diligent.has_database(wanted.database)
    assert diligent.roles(wanted) == set()


def test_a_removal_that_was_cut_short_goes_on(creator: Site) -> None:
    """After every step, from what is left then."""
    wanted = a_wanted(readers=True)
    for count in range(1, 9):
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
    site.server.drop_database(wanted.database)
    site.sql(f'CREATE DATABASE "{wanted.database}"')
    assert site.look(wanted).standing is Standing.UNMARKED
    site.remove(wanted)
    assert site.has_database(wanted.database)
    assert site.roles(wanted) == set()
    site.server.drop_database(wanted.database)
