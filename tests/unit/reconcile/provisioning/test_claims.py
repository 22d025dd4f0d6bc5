"""Who claims which database, and what fits the server."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.alias import TLS, ObjectKeyRef, TLSMode
from dbalias.api.meta import Key
from dbalias.api.provision import DatabaseSpec, Extension, Provision
from dbalias.api.server import ServerEngine
from dbalias.reconcile.provisioning.claims import build_claim, elect, find_misfit
from unit.reconcile.provisioning.serving import INSTALLATION, a_claim, a_server, an_alias

POSTGRESQL, MARIADB = ServerEngine.POSTGRESQL, ServerEngine.MARIADB


def test_aliases_of_different_databases_all_win() -> None:
    """Nobody is refused without a rival."""
    winners, losers = elect([a_claim("a"), a_claim("b")], {})
    assert {one.key.name for one in winners} == {"a", "b"}
    assert losers == {}


def test_of_two_claimants_the_older_wins() -> None:
    """In whatever order they are listed."""
    old, young = a_claim("old", name="x", age=60), a_claim("young", name="x")
    for claims in ([old, young], [young, old]):
        winners, losers = elect(claims, {})
        assert winners == (old,)
        assert losers == {young.key: old}


def test_whoever_holds_the_database_wins_over_an_older_one() -> None:
    """A cluster that was rebuilt dates everything anew."""
    old, young = a_claim("old", name="x", age=60), a_claim("young", name="x")
    winners, losers = elect([old, young], {"x": young.key})
    assert winners == (young,)
    assert losers == {old.key: young}


def test_a_holder_who_does_not_ask_changes_nothing() -> None:
    """Its mark refuses the others later."""
    old, young = a_claim("old", name="x", age=60), a_claim("young", name="x")
    winners, _ = elect([old, young], {"x": Key("shop", "gone")})
    assert winners == (old,)


@pytest.mark.parametrize(
    ("engine", "fields", "told"),
    [
        pytest.param(POSTGRESQL, {"engine": "postgis"}, None, id="the same family"),
        pytest.param(POSTGRESQL, {"engine": "acme.backend"}, None, id="a third party's backend"),
        pytest.param(POSTGRESQL, {"engine": "mysql"}, "spec.engine", id="another family"),
        pytest.param(MARIADB, {"engine": "mysql"}, None, id="mysql is of mariadb's family"),
        pytest.param(
            MARIADB,
            {"provision": Provision(DatabaseSpec(extensions=(Extension("hstore"),)))},
            "extensions",
            id="extensions are PostgreSQL's",
        ),
        pytest.param(
            POSTGRESQL,
            {"provision": Provision(DatabaseSpec(charset="utf8mb4"))},
            "charset",
            id="charsets are MySQL's",
        ),
        pytest.param(
            MARIADB,
            {"provision": Provision(DatabaseSpec(connection_limit=3))},
            None,
            id="limits are everybody's",
        ),
    ],
)
def test_what_no_server_of_its_engine_has_is_refused(
    engine: ServerEngine, fields: dict[str, Any], told: str | None
) -> None:
    """The message names the field."""
    server = a_server(engine=engine)
    misfit = find_misfit(an_alias(**fields), server)
    assert (misfit is None) if told is None else (misfit and told in str(misfit))


@pytest.mark.parametrize(
    ("tls", "demanded"),
    [
        (None, False),
        (TLS(mode=TLSMode.PREFER), False),
        (TLS(mode=TLSMode.REQUIRE), True),
        (TLS(ca=ObjectKeyRef("Secret", "ca", "ca.crt")), True),
    ],
    ids=["none", "prefer", "require", "a CA means verify-full"],
)
def test_logins_demand_tls_where_the_server_is_reached_by_nothing_else(
    tls: TLS | None, demanded: bool
) -> None:
    """What aliases are told to use, the login insists on."""
    claim = build_claim(an_alias(), a_server(tls=tls), INSTALLATION)
    assert claim.wanted.require_tls is demanded
