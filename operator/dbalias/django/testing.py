"""TEST of each alias: what it may say, and whether Django's test runner could begin at all.

Source: ``get_unique_databases_and_mirrors`` and ``dependency_ordered`` in
``django/test/utils.py``, and the ``creation`` modules of Django's backends, 4.2 to 6.1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from dbalias.api import limits
from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.api.parse_alias import TEST_KEYS
from dbalias.api.problems import Problem
from dbalias.django.engines import Family
from dbalias.django.entries import Entry
from dbalias.django.lineage import object_of
from dbalias.django.option_kinds import FLAG, TEXT, Kind
from dbalias.django.options import public_fault

Fault: TypeAlias = tuple[str, str, str]
"""Field, what is wrong, remedy."""

FIELDS: Mapping[str, str] = {key: field for field, key in TEST_KEYS.items()}
"""Keys that have a field of their own."""

FURTHER_KEYS: Mapping[str, Kind] = {
    "SERIALIZE": FLAG,
    **dict.fromkeys(("CREATE_DB", "CREATE_USER", "ORACLE_MANAGED_FILES"), FLAG),
    **dict.fromkeys(
        (
            *("USER", "TBLSPACE", "TBLSPACE_TMP", "DATAFILE", "DATAFILE_TMP"),
            *("DATAFILE_MAXSIZE", "DATAFILE_TMP_MAXSIZE", "DATAFILE_SIZE"),
            *("DATAFILE_TMP_SIZE", "DATAFILE_EXTSIZE", "DATAFILE_TMP_EXTSIZE"),
        ),
        TEXT,
    ),
}
"""The other keys of Django's reference: SERIALIZE of 4.2, and Oracle's."""


def find_test_faults(family: Family, test: Mapping[str, JSON]) -> Iterator[Fault]:
    """Yield what is wrong with one alias' TEST by itself; ``extra`` is part of it already."""
    for key, value in sorted(test.items()):
        at = f"spec.test.{FIELDS.get(key, f'extra.{key}')}"
        if fault := public_fault(key, value):
            yield at, *fault
        elif key in FURTHER_KEYS and not FURTHER_KEYS[key].takes(value):
            yield at, f"Django takes no such {key}", f"Write {FURTHER_KEYS[key].wanted}"
    if family is Family.POSTGRESQL:
        if len(test.get("NAME", "")) > limits.POSTGRESQL_NAME_LENGTH:
            yield "spec.test.name", "PostgreSQL's names end at 63 bytes", "Choose a shorter one"
        if "COLLATION" in test:
            message = "Django sets no collation of PostgreSQL's test databases"
            yield "spec.test.collation", message, "Remove it, or name a template that has it"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The databases that a test run would make: which aliases share one, and which mirror.

    ``owners`` has every declared alias; of one that is not resolved little is known, so that
    it stands for a database of its own.
    """

    owners: Mapping[str, DatabaseAlias]
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def problems(self) -> dict[str, tuple[Problem, ...]]:
        """Return the problems of each alias whose TEST names what Django cannot make."""
        found = {name: tuple(self._of(name)) for name in self.owners}
        if not any(found.values()):
            found = {name: tuple(self._circle(name)) for name in self._stuck()}
        return {name: problems for name, problems in found.items() if problems}

    def _of(self, name: str) -> Iterator[Problem]:
        mirror, alias = self._test(name).get("MIRROR"), self.owners[name]
        if mirror:
            if fault := self._mirror_fault(mirror):
                yield _problem(alias, "spec.test.mirror", *fault)
            return
        for other in self._test(name).get("DEPENDENCIES", ()):
            if fault := self._dependency_fault(name, other):
                yield _problem(alias, "spec.test.dependencies", *fault)

    def _mirror_fault(self, mirror: str) -> tuple[str, str, Reason] | None:
        if mirror not in self.owners:
            return _unknown(mirror)
        if self.owners[mirror].empty:
            return f"the alias {mirror} is empty", "Name another alias", _INVALID
        if further := self._test(mirror).get("MIRROR"):
            message = f"{mirror} mirrors {further} itself, and Django mirrors no mirror"
            return message, f"Name {further}", _INVALID
        return None

    def _dependency_fault(self, name: str, other: str) -> tuple[str, str, Reason] | None:
        if other not in self.owners:
            return _unknown(other)
        if self._test(other).get("MIRROR"):
            message = f"{other} is a mirror, for which Django makes no test database"
            return message, f"Name {self._test(other)['MIRROR']}", _INVALID
        if self._signature(name) == self._signature(other):
            return f"{other} is the same database to Django", "Leave it out", _INVALID
        return None

    def _circle(self, name: str) -> Iterator[Problem]:
        if "DEPENDENCIES" in self._test(name):
            message = "the test databases wait for one another, as each but default's does for it"
            remedy = "Break the circle; dependencies: [] waits for none"
            yield _problem(self.owners[name], "spec.test.dependencies", message, remedy, _INVALID)

    def _stuck(self) -> Collection[str]:
        """Return the aliases on a circle of databases that are to be made after one another."""
        made = [name for name in self.owners if not self._test(name).get("MIRROR")]
        edges: dict[JSON, set[JSON]] = {}
        for name in made:
            after = {self._signature(one) for one in self._after(name)}
            edges.setdefault(self._signature(name), set()).update(after)
        try:
            TopologicalSorter(edges).prepare()
        except CycleError:
            return [name for name in made if _reaches(edges, self._signature(name))]
        return []

    def _after(self, name: str) -> Collection[str]:
        """Return the aliases whose test databases Django makes before this one's."""
        test = self._test(name)
        if "DEPENDENCIES" in test:
            return [str(one) for one in test["DEPENDENCIES"]]
        alone = self._signature(name) == self._signature(DEFAULT_ALIAS)
        return [] if alone or DEFAULT_ALIAS not in self.owners else [DEFAULT_ALIAS]

    def _test(self, name: str) -> Mapping[str, JSON]:
        entry = self.entries.get(name)
        test: Mapping[str, JSON] = (
            entry.connection.settings.get("TEST", {}) if entry else self.owners[name].test
        )
        return test

    def _signature(self, name: str) -> JSON:
        """Return what Django takes two aliases for one test database by."""
        entry = self.entries.get(name)
        if entry is None or entry.database is None:
            return name
        database, own = entry.database, self._test(name).get("NAME")
        if database.family is Family.SQLITE:
            return database.name, own or name
        engine = entry.connection.settings["ENGINE"]
        return database.host, database.port, engine, own or f"test_{database.name}"


_INVALID = Reason.INVALID_CONFIGURATION


def _unknown(alias: str) -> tuple[str, str, Reason]:
    message, remedy = f"there is no alias {alias}", "Declare it, or correct the name"
    return message, remedy, Reason.ALIAS_NOT_FOUND


def _reaches(edges: Mapping[JSON, Collection[JSON]], start: JSON) -> bool:
    """Tell whether ``start`` can be reached from itself."""
    seen: set[JSON] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node == start:
            return True
        if node not in seen:
            seen.add(node)
            waiting += edges.get(node, ())
    return False


def _problem(
    alias: DatabaseAlias, field: str, message: str, remedy: str, reason: Reason
) -> Problem:
    return Problem(object_of(alias), field, message, remedy, reason)
