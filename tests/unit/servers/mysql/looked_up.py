"""One wanted database on MySQL or MariaDB, and what a look at the server may have found of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbalias.api.provision import DatabaseSpec
from dbalias.servers.marks import Mark
from dbalias.servers.mysql.claims import Claim, LoginClaim, State
from dbalias.servers.mysql.flavour import Flavour
from dbalias.servers.mysql.found import Found, Schema, User
from dbalias.servers.mysql.grants import OWNERS
from dbalias.servers.mysql.plot import MySQLPlot
from dbalias.servers.wanted import Pair, Wanted

MARIADB, MYSQL = Flavour("MariaDB", "10.11.19"), Flavour("MySQL", "8.4.6")
OURS = Mark("here/dbalias", "team", "shop")
THEIRS = replace(OURS, installation="there/dbalias")
LOGIN = "team_shop_a"
BOTH = frozenset({LOGIN, "team_shop_b"})
READY = Found(
    seed="of-this-look",
    schema=Schema("utf8mb4", "utf8mb4_general_ci"),
    claim=Claim("team_shop", OURS, "first", State.FILLED),
    login_claims=(LoginClaim(LOGIN, OURS),),
    users={LOGIN: User(privileges=OWNERS)},
)
"""Everything is as it shall be."""


def a_wanted(*, adopt: bool = False, database: str = "team_shop", **spec: Any) -> Wanted:
    """Return what alias shop of namespace team wants; further fields are its database's."""
    logins = Pair(LOGIN, "team_shop_b")
    return Wanted(OURS, database, "team_shop", logins, None, DatabaseSpec(**spec), adopt=adopt)


def a_plot(
    found: Found = READY, *, wanted: Wanted | None = None, flavour: Flavour = MARIADB
) -> MySQLPlot:
    """Return the plot of what was found."""
    return MySQLPlot(flavour, wanted or a_wanted(), found)
