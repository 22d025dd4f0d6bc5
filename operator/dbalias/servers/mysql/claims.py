"""The claims tables: whose a database and a login are, in a database of the server's own.

MySQL has no comments on databases or users. A claim is written before what it claims is made; its
primary key lets one of two win. Logins are claimed singly, because two installations may want the
same ones for different databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dbalias.servers.marks import Mark
from dbalias.servers.mysql.statements import Quoted, compose, literal, number
from dbalias.servers.plot import Session, Step

DATABASE = "dbalias"
_TABLES = {"claims", "logins"}
_DATABASES = (
    "SELECT `database`, installation, namespace, name, adopted, state, incarnation "
    "FROM dbalias.claims"
)
_LOGINS = "SELECT login, installation, namespace, name, adopted FROM dbalias.logins"
_MAKE = (
    "CREATE DATABASE IF NOT EXISTS dbalias CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS dbalias.claims (`database` VARCHAR(64) PRIMARY KEY, "
    "installation VARCHAR(255) NOT NULL, namespace VARCHAR(63) NOT NULL, "
    "name VARCHAR(253) NOT NULL, adopted BOOLEAN NOT NULL, "
    "state VARCHAR(16) NOT NULL, incarnation VARCHAR(64) NOT NULL) "
    "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS dbalias.logins (login VARCHAR(80) PRIMARY KEY, "
    "installation VARCHAR(255) NOT NULL, namespace VARCHAR(63) NOT NULL, "
    "name VARCHAR(253) NOT NULL, adopted BOOLEAN NOT NULL) "
    "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
)


class State(StrEnum):
    """How far a claimed database was seen to be."""

    CREATING = "creating"
    """It is about to be made. Beside a database no proof: another may have come in between."""
    CREATED = "created"
    """It was made, or adopted, under the claim."""
    FILLED = "filled"
    """Something was in it. Empty, it has been made again, or is as if it had."""


_STATES = {state.value: state for state in State}


@dataclass(frozen=True, slots=True)
class Claim:
    """A database that an alias holds."""

    database: str
    mark: Mark
    incarnation: str
    state: State = State.CREATING

    @property
    def is_created(self) -> bool:
        """Tell whether the database was made, or adopted, under this claim."""
        return self.state is not State.CREATING

    def seen(self, *, is_empty: bool) -> Claim:
        """Return the claim once its database is there."""
        return replace(self, state=State.CREATED if is_empty else State.FILLED)

    def write(self) -> str:
        """Return the statement that makes the claim; it fails where another has been quicker."""
        return compose(
            "INSERT INTO dbalias.claims (`database`, installation, namespace, name, "
            "adopted, state, incarnation) VALUES ({}, {}, {}, {}, {}, {}, {})",
            literal(self.database),
            *_owner(self.mark),
            number(self.mark.adopted),
            *self._state(),
        )

    def renew(self) -> str:
        """Return the statement that brings our own claim up to date."""
        return compose(
            "UPDATE dbalias.claims SET adopted = {}, state = {}, incarnation = {} WHERE "
            "`database` = {} AND installation = {} AND namespace = {} AND name = {}",
            number(self.mark.adopted),
            *self._state(),
            literal(self.database),
            *_owner(self.mark),
        )

    def drop(self) -> str:
        """Return the statement that gives the claim up."""
        return compose(
            "DELETE FROM dbalias.claims WHERE "
            "`database` = {} AND installation = {} AND namespace = {} AND name = {}",
            literal(self.database),
            *_owner(self.mark),
        )

    def _state(self) -> tuple[Quoted, Quoted]:
        return literal(self.state), literal(self.incarnation)


@dataclass(frozen=True, slots=True)
class LoginClaim:
    """A login that an alias holds; its mark is adopted where the login had been there."""

    login: str
    mark: Mark

    def write(self) -> str:
        """Return the statement that makes the claim; it fails where another has been quicker."""
        return compose(
            "INSERT INTO dbalias.logins (login, installation, namespace, name, adopted) "
            "VALUES ({}, {}, {}, {}, {})",
            literal(self.login),
            *_owner(self.mark),
            number(self.mark.adopted),
        )

    def drop(self) -> str:
        """Return the statement that gives the claim up."""
        return compose(
            "DELETE FROM dbalias.logins WHERE "
            "login = {} AND installation = {} AND namespace = {} AND name = {}",
            literal(self.login),
            *_owner(self.mark),
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """All claims of a server, of every installation, by database and by login."""

    databases: Mapping[str, Claim] = field(default_factory=dict)
    logins: Mapping[str, LoginClaim] = field(default_factory=dict)


def read_claims(session: Session, *, make: bool) -> Claims:
    """Read all claims; ``make`` the tables where this server has none yet."""
    if not _are_there(session):
        if not make:
            return Claims()
        for statement in _MAKE:
            session.run(Step("make the claims tables", (statement,)))
    return _claims(session.fetch(_DATABASES), session.fetch(_LOGINS))


def read_claims_on(session: Session, database: str, mark: Mark, logins: Sequence[str]) -> Claims:
    """Read the claims on a database and on logins, and on other logins of the mark's alias."""
    owner = (mark.installation, mark.namespace, mark.name)
    return _claims(
        session.fetch(_DATABASES + " WHERE `database` = %s", (database,)),
        session.fetch(
            _LOGINS + " WHERE login IN %s OR (installation = %s AND namespace = %s AND name = %s)",
            (tuple(logins), *owner),
        ),
    )


def _claims(databases: Iterable[Sequence[object]], logins: Iterable[Sequence[object]]) -> Claims:
    return Claims(
        {
            str(name): Claim(
                str(name), _mark(owner), str(incarnation), _STATES.get(str(state), State.CREATING)
            )
            for name, *owner, state, incarnation in databases
        },
        {str(login): LoginClaim(str(login), _mark(owner)) for login, *owner in logins},
    )


def _are_there(session: Session) -> bool:
    found = session.fetch(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", (DATABASE,)
    )
    return {str(name) for (name,) in found} >= _TABLES


def _mark(owner: list[object]) -> Mark:
    installation, namespace, name, adopted = owner
    return Mark(str(installation), str(namespace), str(name), adopted=bool(adopted))


def _owner(mark: Mark) -> tuple[Quoted, Quoted, Quoted]:
    return literal(mark.installation), literal(mark.namespace), literal(mark.name)
