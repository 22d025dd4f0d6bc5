"""A database server as the person sees it who owns it: what is there, and what hands can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbalias.servers.marks import Mark
from integration.provisioning.rig import ADMIN_PASSWORD
from localkube.databases import DatabaseServer


@dataclass(slots=True)
class Ground(ABC):
    """One server, and the administrator's login that one life has there for the operator."""

    server: DatabaseServer
    keeper: str
    session: Any = field(init=False)
    """One connection of the superuser: opening one costs more than what is asked."""

    def __post_init__(self) -> None:
        self.session = self.connect()

    @abstractmethod
    def connect(self) -> Any:
        """Open the superuser's session."""

    def make_keeper(self) -> None:
        """Make the operator's login."""
        self.server.create_administrator(self.keeper, ADMIN_PASSWORD)

    def ask(self, question: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of one statement of the superuser."""
        with self.session.cursor() as cursor:
            cursor.execute(question, values)
            return list(cursor.fetchall()) if cursor.description else []

    def do(self, *statements: str, database: str = "") -> None:
        """Run statements as the superuser."""
        for statement in statements:
            if database:
                self.server.admin_sql(statement, database=database)
            else:
                self.ask(statement)

    @abstractmethod
    def kept(self, database: str) -> set[str]:
        """Return what applications have stored in a database."""

    def close(self) -> None:
        """End the superuser's session."""
        self.session.close()

    @abstractmethod
    def databases(self) -> set[str]:
        """Return the names of all databases."""

    @abstractmethod
    def roles(self) -> set[str]:
        """Return the names of all roles and users."""

    @abstractmethod
    def sessions(self) -> set[int]:
        """Return the numbers of the keeper's sessions."""

    @abstractmethod
    def marks(self, database: str) -> set[Mark]:
        """Return what marks a database, as made, adopted or claimed."""

    def claimants(self, database: str) -> set[Mark]:
        """Return who made a database, or was about to when the process died."""
        return self.marks(database)

    @abstractmethod
    def marks_of_roles(self, names: Iterable[str]) -> dict[str, Mark | None]:
        """Return the marks of those roles that exist."""

    @abstractmethod
    def make_database(self, name: str, value: str) -> None:
        """Make a database as the administrator might have, with something in it."""

    @abstractmethod
    def make_role(self, name: str) -> None:
        """Make a login that has nothing to do with us."""

    @abstractmethod
    def drop_role(self, name: str) -> None:
        """Drop a login."""

    @abstractmethod
    def change_password(self, login: str) -> None:
        """Give a login another password."""

    @abstractmethod
    def take_rights(self, database: str, login: str) -> None:
        """Take from a login what it may do."""

    @abstractmethod
    def take_ownership(self, database: str) -> None:
        """Give a database to somebody else, where it has an owner."""

    @abstractmethod
    def unmark(self, database: str, owner: str, *, wholly: bool) -> None:
        """Remove the marks of a database, or one of several."""

    @abstractmethod
    def shut(self, *, out: bool) -> None:
        """Let the keeper in no more, or again."""

    @abstractmethod
    def freeze(self, *, on: bool) -> None:
        """Let the keeper only read, or write again."""

    @abstractmethod
    def portrait(self, name: str) -> list[object]:
        """Return all that there is to say of a database and of the role of its name."""
