"""Whose a database is: only marks prove it, and the owner role's goes before the database's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbalias.api.provision import DatabaseSpec
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Standing
from dbalias.servers.postgresql.found import Admin, Database, Found, Role
from dbalias.servers.postgresql.plot import PostgresPlot
from dbalias.servers.wanted import Pair, Wanted

MINE = Mark("here/dbalias", "team", "shop")
OTHER = Mark("elsewhere/dbalias", "team", "shop")
WANTED = Wanted(
    mark=MINE,
    database="team_shop",
    owner="team_shop",
    logins=Pair("team_shop_a", "team_shop_b"),
    readers=None,
    spec=DatabaseSpec(),
)
DATABASE = Database("team_shop", "16400", "team_shop", mark=MINE, owner_mark=MINE)
OWNER = Role("team_shop", mark=MINE)
LOGIN = Role("team_shop_a", mark=MINE, can_login=True, groups=frozenset({"team_shop"}))


def a_plot(database: Database | None = None, *roles: Role, adopt: bool = False) -> PostgresPlot:
    """Return what was found of the wanted database."""
    return PostgresPlot(
        Found(
            wanted=replace(WANTED, adopt=adopt),
            admin=Admin("creator", 150018),
            database=database,
            roles={role.name: role for role in roles},
        )
    )


@pytest.mark.parametrize(
    ("plot", "standing"),
    [
        (a_plot(), Standing.ABSENT),
        (a_plot(None, OWNER), Standing.CLAIMED),
        (a_plot(None, replace(OWNER, mark=None)), Standing.UNMARKED),
        (a_plot(None, replace(OWNER, mark=OTHER)), Standing.ANOTHERS),
        (a_plot(DATABASE, OWNER, LOGIN), Standing.OURS),
        (a_plot(replace(DATABASE, mark=None), OWNER), Standing.OURS),
        (a_plot(replace(DATABASE, owner="postgres", owner_mark=None), OWNER), Standing.OURS),
        (a_plot(replace(DATABASE, owner_mark=None), replace(OWNER, mark=None)), Standing.OURS),
        (a_plot(replace(DATABASE, mark=None, owner_mark=None)), Standing.UNMARKED),
        (a_plot(replace(DATABASE, owner="other", owner_mark=OTHER), OWNER), Standing.ANOTHERS),
        (a_plot(replace(DATABASE, mark=OTHER), OWNER), Standing.OURS),
        (a_plot(DATABASE, OWNER, replace(LOGIN, mark=OTHER)), Standing.ANOTHERS),
    ],
    ids=[
        "nothing is there",
        "our claim without a database",
        "a role of our name without a mark",
        "another's claim",
        "all is marked",
        "the database lost its mark",
        "the database has another owner, and our mark",
        "the owner role lost its mark",
        "nothing is marked",
        "our mark on what another's role owns",
        "another's mark on what our role owns",
        "a login is marked as another's",
    ],
)
def test_a_standing_follows_from_the_marks(plot: PostgresPlot, standing: Standing) -> None:
    """One row a case."""
    assert plot.standing is standing


@pytest.mark.parametrize("adopted", ["database", "owner"])
def test_what_was_adopted_is_never_dropped(adopted: str) -> None:
    """Whichever of the two marks is left to say so."""
    mark = replace(MINE, adopted=True)
    database = replace(DATABASE, mark=mark if adopted == "database" else None, owner_mark=mark)
    removal = a_plot(database, replace(OWNER, mark=mark), LOGIN).removal()
    texts = [text for step in removal for text in step.statements]
    assert 'DROP ROLE IF EXISTS "team_shop_a"' in texts
    assert not [text for text in texts if text.startswith("DROP DATABASE")]
    assert 'DROP ROLE IF EXISTS "team_shop"' not in texts


def test_nothing_is_done_to_what_is_not_ours() -> None:
    """Not without ``adopt``, and never to another's."""
    unmarked = replace(DATABASE, mark=None, owner_mark=None)
    another = replace(DATABASE, mark=OTHER, owner="other", owner_mark=OTHER)
    logins = frozenset({"team_shop_a"})
    assert a_plot(unmarked).steps(logins, {}) == ()
    assert a_plot(unmarked, adopt=True).steps(logins, {}) != ()
    assert a_plot(another, adopt=True).steps(logins, {}) == ()


def test_an_adoption_asks_to_be_looked_into_first() -> None:
    """And the database's mark waits for it, because it ends the adoption."""
    plot = a_plot(replace(DATABASE, mark=None, owner_mark=None), adopt=True)
    assert plot.unseen == "team_shop"
    texts = [text for step in plot.steps(frozenset(), {}) for text in step.statements]
    assert not [text for text in texts if text.startswith("COMMENT ON DATABASE")]


@pytest.mark.parametrize(
    ("version", "options"), [(150018, ""), (160000, " WITH INHERIT TRUE, SET TRUE")]
)
def test_memberships_say_what_they_give_where_the_version_knows_it(
    version: int, options: str
) -> None:
    """Since 16 whoever makes a role administers it, and has none of its rights."""
    plot = a_plot()
    found = replace(plot.found, admin=Admin("creator", version))
    claim = PostgresPlot(found).steps(frozenset(), {})[0]
    assert claim.statements[-1] == f'GRANT "team_shop" TO "creator"{options}'


def test_no_step_shows_a_statement() -> None:
    """Not when it is printed: it may carry a verifier."""
    step = a_plot().steps(frozenset({"team_shop_a"}), {})[-1]
    assert "CREATE ROLE" in step.statements[0]
    assert "CREATE ROLE" not in repr(step)
