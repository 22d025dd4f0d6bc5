"""Which Django is tried on which Python, with which drivers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from environments.interpreters import Interpreter
from environments.virtual import DEBIAN_PACKAGES, can_install


@dataclass(frozen=True, slots=True)
class Series:
    """A series of Django, and the Pythons that Django's own release notes name for it."""

    name: str
    oldest: tuple[int, int]
    newest: tuple[int, int]

    @property
    def part(self) -> str:
        """The lock file's name: the newest patch of the series, with psycopg."""
        return f"django-{self.name}"

    def runs_on(self, interpreter: Interpreter) -> bool:
        """Return whether Django supports this series on this Python."""
        return self.oldest <= interpreter.version[:2] <= self.newest


SERIES: Mapping[str, Series] = {
    one.name: one
    for one in (
        Series("4.2", (3, 8), (3, 12)),
        Series("5.2", (3, 10), (3, 14)),
        Series("6.1", (3, 12), (3, 14)),
    )
}
"""The oldest series that is supported, the one the operator is tested with, the newest."""

DRIVERS: Mapping[str, tuple[str, ...]] = {
    "pymysql": ("pymysql",),
    "mysqlclient": ("setuptools", "mysqlclient"),
}
"""The locked parts that bring each driver for MySQL; never two of them in one environment."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination to try: an interpreter, a series of Django, a driver for MySQL."""

    interpreter: Interpreter
    series: Series
    driver: str

    @property
    def parts(self) -> tuple[str, ...]:
        """What its environment is made of."""
        return (self.series.part, *DRIVERS[self.driver])

    @property
    def can_be_made(self) -> bool:
        """Return whether this machine has, or can install, what the driver is built with."""
        built = [package for part in self.parts for package in DEBIAN_PACKAGES.get(part, ())]
        return not built or (self.interpreter.has_headers and can_install(built))

    def __str__(self) -> str:
        return f"Django {self.series.name}, {self.interpreter}, psycopg and {self.driver}"


def cells(
    interpreters: Iterable[Interpreter], drivers: Iterable[str] = ("pymysql",)
) -> Iterator[Cell]:
    """Yield every combination that Django supports."""
    wanted = tuple(drivers)
    for interpreter in interpreters:
        for series in SERIES.values():
            if series.runs_on(interpreter):
                yield from (Cell(interpreter, series, driver) for driver in wanted)
