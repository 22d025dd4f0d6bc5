"""Whose a database is and what is done about it, for everything that a look may have found."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from dbalias.api.secrets import SecretBytes
from dbalias.servers.mysql.claims import Claim, LoginClaim
from dbalias.servers.mysql.found import Found, Schema, User
from dbalias.servers.mysql.grants import OWNERS
from dbalias.servers.plot import Cause, Obstacle, Standing
from unit.servers.mysql.looked_up import BOTH, LOGIN, MYSQL, OURS, READY, THEIRS, a_plot, a_wanted

CREATING = Claim("team_shop", OURS, "first")
CREATED, FILLED = CREATING.seen(is_empty=True), CREATING.seen(is_empty=False)
FOREIGN = replace(FILLED, mark=THEIRS)
EMPTY, FULL = Schema("utf8mb4", "x", is_empty=True), Schema("utf8mb4", "x")
CLAIMS = [None, CREATING, CREATED, FILLED, FOREIGN]
LOGIN_CLAIMS = [(), (LoginClaim(LOGIN, OURS),), (LoginClaim(LOGIN, THEIRS),)]
WORLDS = [
    Found("seed", schema, claim, login_claims, users)
    for schema, claim, login_claims, users in product(
        [None, EMPTY, FULL], CLAIMS, LOGIN_CLAIMS, [{}, {LOGIN: User(privileges=OWNERS)}]
    )
]
PASSWORDS = {login: SecretBytes(b"new") for login in BOTH}


def texts(found: Found, *, adopt: bool = False) -> str:
    """Return all that a pass would say to the server."""
    plot = a_plot(found, wanted=a_wanted(adopt=adopt))
    steps = (*plot.steps(BOTH, PASSWORDS), *plot.removal())
    return "\n".join(text for step in steps for text in step.statements)


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (Found("s"), Standing.ABSENT),
        (Found("s", claim=CREATING), Standing.CLAIMED),
        (Found("s", claim=CREATED), Standing.CLAIMED),
        (Found("s", EMPTY, CREATING), Standing.OURS),
        (Found("s", FULL, CREATED), Standing.OURS),
        (Found("s", FULL, CREATING), Standing.UNMARKED),
        (Found("s", FULL), Standing.UNMARKED),
        (Found("s", EMPTY), Standing.UNMARKED),
        (Found("s", users={LOGIN: User()}), Standing.UNMARKED),
        (Found("s", FULL, CREATED, users={LOGIN: User()}), Standing.OURS),
        (Found("s", FULL, FOREIGN), Standing.ANOTHERS),
        (Found("s", None, FOREIGN), Standing.ANOTHERS),
        (Found("s", login_claims=(LoginClaim(LOGIN, THEIRS),)), Standing.ANOTHERS),
        (READY, Standing.OURS),
    ],
)
def test_the_standing_follows_from_claims_alone(found: Found, standing: Standing) -> None:
    """A database beside a claim that says `creating` is ours if it is empty."""
    assert a_plot(found).standing is standing


@pytest.mark.parametrize("found", WORLDS)
def test_only_what_a_claim_proves_ours_is_dropped(found: Found) -> None:
    """In every world that a look may find, with and without leave to adopt."""
    for adopt in (False, True):
        said = texts(found, adopt=adopt)
        ours = found.claim in (CREATING, CREATED, FILLED) and found.schema
        proven = found.claim in (CREATED, FILLED) or (found.schema and found.schema.is_empty)
        if "DROP DATABASE" in said:
            assert ours
            assert proven
        if "DROP USER" in said:
            assert found.login_claims == LOGIN_CLAIMS[1]


@pytest.mark.parametrize("found", WORLDS)
def test_nothing_of_anothers_is_touched(found: Found) -> None:
    """Neither by steps nor by a removal; what is unmarked only with leave to adopt."""
    standing = a_plot(found).standing
    if standing is Standing.ANOTHERS and found.claim in (None, FOREIGN):
        assert texts(found, adopt=True) == ""
    if standing is Standing.UNMARKED:
        assert not a_plot(found).steps(BOTH, PASSWORDS)
        assert a_plot(found, wanted=a_wanted(adopt=True)).steps(BOTH, PASSWORDS)


@pytest.mark.parametrize(
    "user",
    [User(), User(privileges=OWNERS, reaches=frozenset({"payroll"}))],
    ids=["of unknown rights", "of another database too"],
)
def test_a_login_that_may_reach_elsewhere_is_never_adopted(user: User) -> None:
    """Whoever may name an alias would choose whose rights it gets."""
    for found in (Found("s"), Found("s", FULL), Found("s", FULL, CREATED)):
        plot = a_plot(replace(found, users={LOGIN: user}), wanted=a_wanted(adopt=True))
        text = f"login {LOGIN} exists and is not claimed by this alias: drop or rename it"
        assert plot.obstacle() == Obstacle(Cause.ROLE, text)
        assert plot.steps(BOTH, PASSWORDS) == ()


def test_a_login_made_by_hand_beside_our_database_keeps_it_from_nothing_but_itself() -> None:
    """It is told by its name, and a removal leaves it."""
    plot = a_plot(replace(READY, users={**READY.users, "team_shop_b": User(privileges=OWNERS)}))
    assert plot.standing is Standing.OURS
    assert "login team_shop_b exists" in str(plot.obstacle())
    assert "set provision.adopt" in str(plot.obstacle())
    removed = [step.says for step in plot.removal()]
    assert "drop database team_shop" in removed
    assert not [says for says in removed if "team_shop_b" in says]


@pytest.mark.parametrize("found", WORLDS)
def test_differences_say_what_steps_do(found: Found) -> None:
    """One sentence for each step; for what may not be touched, as if it might be adopted."""
    plot = a_plot(found, wanted=a_wanted(adopt=True))
    new = {login: PASSWORDS[login] for login in BOTH - plot.logins}
    steps = plot.steps(BOTH, new)
    if plot.standing is not Standing.ANOTHERS:
        assert plot.differences(BOTH) == tuple(step.says for step in steps)
        assert a_plot(found).differences(BOTH) == plot.differences(BOTH)


def test_nothing_is_done_where_all_is_as_wanted() -> None:
    """At rest a pass says nothing to the server."""
    assert a_plot().steps(frozenset({LOGIN}), {}) == ()
    assert a_plot().differences(frozenset({LOGIN})) == ()


def test_logins_that_are_not_named_are_not_touched() -> None:
    """The other of a pair may be whatever it is."""
    found = replace(READY, users={**READY.users, "team_shop_b": User()})
    found = replace(found, login_claims=(*found.login_claims, LoginClaim("team_shop_b", OURS)))
    assert a_plot(found).steps(frozenset({LOGIN}), {}) == ()


def test_a_password_is_set_without_being_said() -> None:
    """Neither in what is said of the step nor in its representation."""
    [step] = a_plot().steps(frozenset({LOGIN}), {LOGIN: SecretBytes(b"my-secret")})
    assert step.says == f"set the password of login {LOGIN}"
    assert "my-secret" not in " ".join(step.statements)
    assert "IDENTIFIED" not in repr(step)


def test_each_flavour_gets_the_hash_that_it_understands() -> None:
    """MySQL 9 has no native passwords any more, MariaDB none of the others."""
    new = {LOGIN: SecretBytes(b"x")}
    [mysql] = a_plot(flavour=MYSQL).steps(frozenset({LOGIN}), new)
    [mariadb] = a_plot().steps(frozenset({LOGIN}), new)
    assert "caching_sha2_password AS '$A$005$" in mysql.statements[0]
    assert "mysql_native_password AS '*" in mariadb.statements[0]


def test_a_lost_databases_successor_has_another_incarnation() -> None:
    """So it is migrated again; the claim of one that is still being made keeps its own."""
    lost = a_plot(replace(READY, schema=None)).steps(frozenset({LOGIN}), {})
    resumed = a_plot(replace(READY, schema=None, claim=CREATING)).steps(frozenset({LOGIN}), {})
    first = b"first".hex()
    assert not [text for step in lost for text in step.statements if first in text]
    assert [text for step in resumed for text in step.statements if first in text]


def test_an_emptied_database_has_another_incarnation_which_is_noted_first() -> None:
    """Where something was and nothing is, somebody made it again: it is migrated again."""
    plot = a_plot(replace(READY, schema=EMPTY))
    [step] = [one for one in plot.steps(frozenset({LOGIN}), {}) if one.says.startswith("note")]
    assert plot.incarnation not in {a_plot().incarnation, None}
    assert str(plot.incarnation).encode().hex() in step.statements[0]


@pytest.mark.parametrize("schema", [EMPTY, FULL])
def test_a_database_that_was_never_filled_keeps_its_incarnation(schema: Schema) -> None:
    """It waits for its first migrations, or has just had them."""
    assert a_plot(replace(READY, schema=schema, claim=CREATED)).incarnation == "first"


@pytest.mark.parametrize("field", ["encoding", "locale", "template", "extensions", "schemas"])
def test_what_only_postgresql_has_is_refused_in_words(field: str) -> None:
    """The server tells what it is; a declaration for another engine is not passed over."""
    declared: dict[str, Any] = {field: ("x",)}
    plot = a_plot(wanted=a_wanted(**declared))
    assert f"spec.provision.database.{field}" in str(plot.obstacle())
    assert plot.steps(BOTH, PASSWORDS) == ()


@pytest.mark.parametrize(
    ("name", "lowers"), [("mysql", False), ("Sys", False), ("dbalias", False), ("Shop", True)]
)
def test_names_that_are_not_to_be_had_are_refused(name: str, lowers: bool) -> None:
    """The server's own, and what it would spell in another way."""
    flavour = replace(MYSQL, lowers_names=lowers)
    assert a_plot(Found("s"), wanted=a_wanted(database=name), flavour=flavour).obstacle()
