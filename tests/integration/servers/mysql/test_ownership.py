"""Whose a database is: what is not provably ours is not touched, and never dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dbalias.servers.mysql.statements import account, everything_in
from dbalias.servers.plot import Plot, Standing
from integration.servers.mysql.site import Site, a_wanted, ask
from integration.servers.wanting import issued


@pytest.fixture
def handmade(site: Site) -> Iterator[str]:
    """A database that somebody made by hand, with a table in it."""
    site.sql("CREATE DATABASE team_handmade CHARACTER SET latin1")
    site.sql("CREATE TABLE team_handmade.precious (id INT)")
    yield "team_handmade"
    site.sql("DROP DATABASE IF EXISTS team_handmade")
    site.sql("DELETE FROM dbalias.claims WHERE `database` = 'team_handmade'")


def is_left_alone(plot: Plot) -> bool:
    """Tell whether neither steps nor removal would do anything."""
    return not plot.steps(issued(plot.wanted), {}) and not plot.removal()


def test_a_database_made_by_hand_is_left_alone(site: Site, handmade: str) -> None:
    """What adopting it would change is said beforehand."""
    plot = site.look(a_wanted(database=handmade))
    assert plot.standing is Standing.UNMARKED
    assert is_left_alone(plot)
    said = plot.differences(issued(plot.wanted))
    assert said[0].startswith("take over database team_handmade")
    assert not any("character set" in one.lower() for one in said)


def test_an_adopted_database_is_worked_in_and_never_dropped(site: Site, handmade: str) -> None:
    """Its logins were made for it and are dropped; the data stay."""
    wanted = site.provide(a_wanted(database=handmade, adopt=True))
    assert site.look(wanted).standing is Standing.OURS
    with site.log_in(wanted.logins.a, handmade) as connection:
        ask(connection, "SELECT * FROM precious", "ALTER TABLE precious ADD more INT")
    site.remove(wanted)
    assert site.has_database(handmade)
    assert not site.users(wanted)
    assert site.claims(wanted) == 0


def test_an_adopted_database_stays_adopted_without_the_word(site: Site, handmade: str) -> None:
    """The claim says it, not the alias: `adopt` taken away makes nothing droppable."""
    wanted = site.provide(a_wanted(database=handmade, adopt=True))
    later = replace(wanted, adopt=False)
    assert site.steps(later) == ()
    site.remove(later)
    assert site.has_database(handmade)


def test_a_declared_charset_is_changed_when_adopting(site: Site, handmade: str) -> None:
    """What is not declared stays as it was found."""
    wanted = a_wanted(database=handmade, adopt=True, charset="utf8mb4")
    said = site.look(wanted).differences(issued(wanted))
    assert any("utf8mb4" in one for one in said)
    site.provide(wanted)
    site.remove(wanted)


def test_a_login_made_by_hand_is_left_alone_and_adopted_on_request(site: Site) -> None:
    """It is nobody's proof that the database is ours; adopted, it outlives the alias."""
    wanted = a_wanted()
    site.sql(f"CREATE USER `{wanted.logins.a}`@`%`")
    plot = site.look(wanted)
    assert (plot.standing, plot.incarnation) == (Standing.UNMARKED, None)
    assert is_left_alone(plot)
    rightless = site.look(replace(wanted, adopt=True))
    assert f"login {wanted.logins.a} exists" in str(rightless.obstacle())
    assert is_left_alone(rightless)
    place, login = everything_in(wanted.database), account(wanted.logins.a)
    site.sql(f"GRANT SELECT ON {place} TO {login}")
    adopting = site.provide(replace(wanted, adopt=True))
    site.remove(adopting)
    assert not site.has_database(wanted.database)
    assert site.users(wanted) == {wanted.logins.a}
    site.sql(f"DROP USER `{wanted.logins.a}`@`%`")


@pytest.mark.parametrize("adopt", [False, True])
def test_another_installations_database_is_refused(site: Site, adopt: bool) -> None:
    """The second claimant learns the holder's name, and its deletion harms nothing."""
    ours = site.provide(a_wanted("held"))
    theirs = a_wanted("held", installation="there/dbalias", adopt=adopt)
    plot = site.look(theirs)
    assert (plot.standing, plot.holder) == (Standing.ANOTHERS, ours.mark)
    assert is_left_alone(plot)
    assert site.steps(ours) == ()
    site.remove(ours)


def test_a_cluster_rebuilt_from_git_takes_its_own_back(site: Site) -> None:
    """The same installation, namespace and name: nothing is to be done but a password."""
    site.provide(a_wanted("rebuilt"))
    again = a_wanted("rebuilt")
    plot = site.look(again)
    assert plot.standing is Standing.OURS
    assert plot.logins == issued(again)
    assert site.steps(again) == ()
    site.remove(again)


def test_a_database_between_claim_and_creation_is_ours_only_if_empty(site: Site) -> None:
    """Somebody may have made it in between: what is in it is not ours to drop."""
    wanted = a_wanted()
    site.carry_out(site.steps(wanted)[:1])
    site.sql(f"CREATE DATABASE `{wanted.database}`")
    assert site.look(wanted).standing is Standing.OURS
    site.sql(f"CREATE TABLE `{wanted.database}`.precious (id INT)")
    plot = site.look(wanted)
    assert plot.standing is Standing.UNMARKED
    site.remove(wanted)
    assert site.has_database(wanted.database)
    assert site.claims(wanted) == 0
    site.sql(f"DROP DATABASE `{wanted.database}`")


@pytest.mark.parametrize("name", ["mysql", "dbalias", "information_schema", "sys", "MySQL"])
def test_the_servers_own_databases_are_never_adopted(site: Site, name: str) -> None:
    """Rights in `mysql` are all rights."""
    wanted = a_wanted(database=name, adopt=True)
    plot = site.look(wanted)
    assert plot.obstacle()
    assert is_left_alone(plot)


def test_marks_tell_every_database_that_exists(site: Site) -> None:
    """A claim whose database is gone is no orphan."""
    kept, lost = site.provide(a_wanted()), site.provide(a_wanted())
    site.sql(f"DROP DATABASE `{lost.database}`")
    marked = {one.database: one.mark for one in site.survey().marked}
    assert marked[kept.database] == kept.mark
    assert lost.database not in marked
