"""Looking up everything wanted on a MySQL or MariaDB server, in ten statements at most.

The administrator needs SELECT on ``mysql.db`` and on four columns of ``mysql.user``:
``information_schema`` shows a privilege only to those who could read all of ``mysql``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dbalias.servers.marks import Mark
from dbalias.servers.mysql.claims import Claims, LoginClaim, read_claims, read_claims_on
from dbalias.servers.mysql.flavour import Flavour, read_flavour
from dbalias.servers.mysql.found import Found, Schema
from dbalias.servers.mysql.limits import obstacle
from dbalias.servers.mysql.look import (
    read_connections,
    read_privileges,
    read_schemas,
    read_users,
)
from dbalias.servers.mysql.plot import MySQLPlot, wanted_logins
from dbalias.servers.mysql.statements import grant_pattern
from dbalias.servers.plot import Marked, Plot, Session, Survey
from dbalias.servers.wanted import Wanted

_NOBODY = ""
"""Looked up where no name is, as SQL has no empty list; nothing is called so."""


class MySQLEngine:
    """MySQL and MariaDB; see ``Engine``."""

    def survey(self, session: Session, wanted: Sequence[Wanted]) -> Survey:
        """Look up everything wanted; the claims tables are made where they are first needed."""
        claims = read_claims(session, make=bool(wanted))
        flavour, plots, schemas = _look(session, claims, wanted)
        marked = (Marked(name, claim.mark) for name, claim in claims.databases.items())
        existing = tuple(one for one in marked if one.database in schemas)
        return Survey(flavour.version, plots, existing)

    def look_up(self, session: Session, wanted: Wanted) -> Plot:
        """Look up one database, of all claims those alone that concern it."""
        claims = read_claims_on(session, wanted.database, wanted.mark, wanted_logins(wanted))
        _, plots, _ = _look(session, claims, [wanted])
        return plots[wanted.database]

    def look_inside(self, session: Session, plot: Plot) -> Plot:
        """Return the plot: a survey has seen everything here."""
        return plot


def _look(
    session: Session, claims: Claims, wanted: Sequence[Wanted]
) -> tuple[Flavour, dict[str, Plot], Mapping[str, Schema]]:
    flavour, seed = _read_server(session)
    # One impossible name in the list would fail the look at all the others.
    possible = (one.database for one in wanted if not obstacle(one, flavour))
    names = tuple(sorted({*claims.databases, *possible})) or (_NOBODY,)
    schemas = read_schemas(session, names, flavour)
    logins = _Logins(session, claims, wanted)
    plots: dict[str, Plot] = {}
    for one in wanted:
        database = one.database
        found = Found(seed, schemas.get(database), claims.databases.get(database))
        plots[database] = MySQLPlot(flavour, one, logins.complete(found, one))
    return flavour, plots, schemas


class _Logins:
    """The logins of all wanted databases, and those that their aliases claimed before."""

    def __init__(self, session: Session, claims: Claims, wanted: Sequence[Wanted]) -> None:
        self._by_login = claims.logins
        self._by_owner: dict[Mark, list[LoginClaim]] = defaultdict(list)
        for claim in claims.logins.values():
            self._by_owner[_owner(claim.mark)].append(claim)
        logins = {login for one in wanted for login in self._names(one)}
        names = tuple(sorted(logins)) or (_NOBODY,)
        self._users = read_users(session, names)
        self._privileges = read_privileges(session, names)
        self._reaches: dict[str, set[str]] = defaultdict(set)
        for login, pattern in self._privileges:
            self._reaches[login].add(pattern)
        self._connections = read_connections(session, names)

    def complete(self, found: Found, wanted: Wanted) -> Found:
        """Return what was found with the logins of the wanted database."""
        pattern, names = grant_pattern(wanted.database), self._names(wanted)
        users = {
            name: replace(
                user,
                privileges=self._privileges.get((name, pattern), frozenset()),
                reaches=frozenset(self._reaches[name] - {pattern}),
                connections=tuple(self._connections.get(name, ())),
            )
            for name in names
            if (user := self._users.get(name))
        }
        return replace(
            found,
            login_claims=tuple(self._by_login[name] for name in names if name in self._by_login),
            users=users,
        )

    def _names(self, wanted: Wanted) -> list[str]:
        held = (claim.login for claim in self._by_owner.get(_owner(wanted.mark), ()))
        return list(dict.fromkeys([*wanted_logins(wanted), *held]))


def _owner(mark: Mark) -> Mark:
    return replace(mark, adopted=False)


def _read_server(session: Session) -> tuple[Flavour, str]:
    [(version, lower_case, seed)] = session.fetch(
        "SELECT VERSION(), @@lower_case_table_names, UUID()"
    )
    return read_flavour(str(version), int(str(lower_case))), str(seed)
