"""What was found on a server for each alias, and the steps from there to what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from dbalias.api.secrets import SecretBytes
from dbalias.servers.marks import Mark
from dbalias.servers.wanted import Wanted


class Standing(Enum):
    """Whose the wanted database is."""

    ABSENT = "absent"
    """There is none, and nobody has claimed its name."""
    CLAIMED = "claimed"
    """We have claimed the name; the database is not made yet."""
    OURS = "ours"
    UNMARKED = "unmarked"
    """Somebody made it, or one of its roles, by hand: only ``adopt`` takes it over."""
    ANOTHERS = "another's"
    """Another alias or installation holds it."""


class Cause(Enum):
    """What an obstacle lies in, and so who removes it."""

    DECLARED = "declared"
    """What the alias asks for."""
    RIGHTS = "rights"
    """What the administrator may not do."""
    ROLE = "role"
    """A role or a login of a wanted name that somebody made."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What forbids to work on a database whose standing would allow it, with the remedy."""

    cause: Cause
    says: str

    def __str__(self) -> str:
        return self.says


@dataclass(frozen=True, slots=True)
class Step:
    """One idempotent statement, or several in one transaction (``statements``).

    ``says`` is what a log and an event may hold; the texts may carry a password's hash, so they
    are never shown. ``database``: where to be connected, None for the administrator's own.
    ``may_fail``: a courtesy, whose refusal by the server keeps nothing from going on.
    """

    says: str
    statements: tuple[str, ...] = field(repr=False)
    database: str | None = None
    may_fail: bool = False


class Plot(Protocol):
    """One wanted database as a look at the server found it. Everything here is pure."""

    @property
    def wanted(self) -> Wanted:
        """What this was looked up for."""

    @property
    def standing(self) -> Standing:
        """Whose it is."""

    @property
    def holder(self) -> Mark | None:
        """The mark of whoever holds it."""

    @property
    def incarnation(self) -> str | None:
        """A text that changes when the database is dropped and made again; None: absent."""

    @property
    def logins(self) -> frozenset[str]:
        """Those of the wanted logins that exist."""

    @property
    def former(self) -> frozenset[str]:
        """Logins that this alias made and wants no more, which ``steps`` drops."""

    @property
    def unseen(self) -> str | None:
        """The database that is to be looked into before ``obstacle``, ``differences`` and
        ``steps`` are complete (``Engine.look_inside``); None: there is nothing to look for.
        """

    def obstacle(self) -> Obstacle | None:
        """Return what forbids to go on although the standing allows it."""

    def differences(self, logins: frozenset[str]) -> tuple[str, ...]:
        """Return in words what ``steps`` would change, ``logins`` being those that shall exist."""

    def steps(
        self, logins: frozenset[str], passwords: Mapping[str, SecretBytes]
    ) -> tuple[Step, ...]:
        """Return what is to be done, in order: claim, create, repair; none when all is as wanted.

        ``logins`` shall exist afterwards; ``passwords`` names those whose password is set, which
        includes every login that does not exist yet. Others are not touched.
        """

    def removal(self) -> tuple[Step, ...]:
        """Return how to drop what this alias made; none of what was adopted or is another's."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A database that carries a mark of dbalias, whoever's it is."""

    database: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Survey:
    """One look at a server: its version, a plot for each wanted database, and all marks."""

    version: str
    """As people say it: ``PostgreSQL 15.14``, ``MariaDB 10.11.19``."""
    plots: Mapping[str, Plot]
    """By ``Wanted.database``."""
    marked: tuple[Marked, ...] = ()


class Session(Protocol):
    """One blocking connection of the administrator; raises ServerFaultError."""

    def fetch(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return the rows of one statement; ``parameters`` go by the driver's own binding."""

    def run(self, step: Step) -> None:
        """Carry out one step: its statements in one transaction where there are several."""


class Engine(Protocol):
    """What differs between PostgreSQL and MySQL or MariaDB."""

    def survey(self, session: Session, wanted: Sequence[Wanted]) -> Survey:
        """Look up everything wanted with a number of statements that does not grow with it."""

    def look_up(self, session: Session, wanted: Wanted) -> Plot:
        """Look up one database, without the marks of all others that a survey reads."""

    def look_inside(self, session: Session, plot: Plot) -> Plot:
        """Return the plot with what a session in its ``unseen`` database shows."""
