"""Django's tests with settings written by hand, and with published ones, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django_suite.running import OUTCOMES, Outcome, run_suites
from django_suite.settings import ALIASES, Login, publish, write_by_hand
from environments import Environment, Series, django_source
from localkube.databases import DatabaseServer

Servers = Mapping[str, DatabaseServer]
COMBINATIONS: Mapping[str, tuple[str, str]] = {
    "PostgreSQL twice": ("PostgreSQL", "PostgreSQL"),
    "MariaDB twice": ("MariaDB", "MariaDB"),
    "PostgreSQL, other MariaDB": ("PostgreSQL", "MariaDB"),
    "MariaDB, other PostgreSQL": ("MariaDB", "PostgreSQL"),
}
"""What `default` and `other` are."""

_WAYS: Mapping[str, Callable[[Path, Mapping[str, Login]], str]] = {
    "by hand": write_by_hand,
    "published": publish,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same suites twice over databases of the same kind."""

    combination: str
    by_hand: Outcome
    published: Outcome

    @property
    def differences(self) -> list[str]:
        """Every test that ended in another way, or ran in one of the two only."""
        one, other = self.by_hand.tests, self.published.tests
        return [
            f"{name}: {one.get(name, 'not run')} by hand, {other.get(name, 'not run')} published"
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Bench:
    """What the runs share: an environment, the source of its Django, servers, a folder."""

    environment: Environment
    series: Series
    servers: Servers
    folder: Path

    @property
    def source(self) -> Path:
        """The unpacked source of Django."""
        return django_source(self.environment, self.series)

    def compare(self, combination: str, suites: Sequence[str]) -> Comparison:
        """Run some suites both ways at the same time, in databases of their own."""
        with ThreadPoolExecutor(len(_WAYS)) as pool:
            runs = pool.map(lambda way: self._run(combination, suites, way), _WAYS)
            return Comparison(combination, *runs)

    def _run(self, combination: str, suites: Sequence[str], way: str) -> Outcome:
        number = f"{list(COMBINATIONS).index(combination)}{list(_WAYS).index(way)}"
        kinds = dict(zip(ALIASES, COMBINATIONS[combination], strict=True))
        logins = {
            alias: Login.create(self.servers[kind], f"suite{number}_{alias}")
            for alias, kind in kinds.items()
        }
        folder = self.folder / f"suite{number}"
        module = _WAYS[way](folder, logins)
        return run_suites(self.environment, self.source, suites, settings=module, folder=folder)


def table(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """Yield the lines of a table: a row for each run, then what failed in both."""
    yield (
        f"{'default and other':27}{'settings':11}{'tests':>6}"
        + "".join(f"{outcome:>{len(outcome) + 2}}" for outcome in OUTCOMES)
        + f"{'seconds':>9}"
    )
    for one in comparisons:
        for way, outcome in (("by hand", one.by_hand), ("published", one.published)):
            cells = zip(outcome.counts, OUTCOMES, strict=True)
            counts = "".join(f"{count:>{len(name) + 2}}" for count, name in cells)
            total = len(outcome.tests)
            yield f"{one.combination:27}{way:11}{total:>6}{counts}{outcome.seconds:>9.0f}"
        yield from (f"  both: {name}" for name in one.by_hand.bad if name in one.published.bad)
        yield from (f"  DIFFERENT: {sentence}" for sentence in one.differences)
