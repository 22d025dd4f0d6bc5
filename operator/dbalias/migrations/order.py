"""Which of a project's runs may start now: dependencies, width, one per physical database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.problems import Problem
from dbalias.migrations.identity import database_mark
from dbalias.migrations.marks import Purpose
from dbalias.migrations.observed import JobState
from dbalias.migrations.standing import Standing
from dbalias.migrations.wanted import Wanted


class Turn(NamedTuple):
    """A start that waits to be let through."""

    alias: str
    purpose: Purpose


class Release(NamedTuple):
    """The turns whose ``Verdict.start`` is let through, and why the others wait."""

    allowed: tuple[Turn, ...]
    held: Mapping[Turn, ConditionValue]


def release(
    standings: Mapping[str, Standing],
    wanted: Mapping[str, Wanted],
    *,
    running: Iterable[JobState] = (),
    max_parallel: int,
) -> Release:
    """Return which starts may go ahead: migrations before checks, then by failures and name.

    A check waits while its database is migrated, because it would tell of a moment, and for
    its turn among all; no migration waits for a check. Both mappings are by alias; the wish of
    either purpose will do. ``running`` are further Jobs that may hold a database: those of
    aliases that no longer exist, and of other projects where they are seen; finished ones and
    the aliases' own do no harm.
    """
    holders = _holders(standings, wanted, running=running)
    active = Counter(
        purpose for one in standings.values() for purpose in Purpose if one.of(purpose).active
    )
    cycles = find_cycles({name: one.depends_on for name, one in wanted.items()})
    allowed: list[Turn] = []
    held: dict[Turn, ConditionValue] = {}
    for turn in _turns(standings):
        one = wanted[turn.alias]
        before = active.total() if turn.purpose is Purpose.CHECK else active[Purpose.MIGRATE]
        obstacle = _awaits_database(one, holders) or _awaits_turn(before, max_parallel)
        if turn.purpose is Purpose.MIGRATE:
            cycle = _in_cycle(cycles.get(turn.alias))
            obstacle = cycle or _awaits_dependency(one, standings) or obstacle
        if obstacle:
            held[turn] = _held(turn, *obstacle)
            continue
        allowed.append(turn)
        active[turn.purpose] += 1
        if turn.purpose is Purpose.MIGRATE:
            holders[_place(one)] = _starting_job(standings[turn.alias])
    return Release(tuple(allowed), held)


def _held(turn: Turn, reason: Reason, why: str) -> ConditionValue:
    what = "checked" if turn.purpose is Purpose.CHECK else "migrated"
    message = f"Alias {turn.alias} is not {what} yet: {why}."
    return ConditionValue(Condition.MIGRATED, Status.FALSE, reason, message)


def find_cycles(depends: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each alias that depends on itself the shortest way back to it: (a, b, a)."""
    tangled = _without_ends(depends)
    ways = {alias: _way_back(alias, tangled) for alias in tangled}
    return {alias: way for alias, way in ways.items() if way}


def _without_ends(depends: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return what is left when all that ends is taken away: nothing, where there is no cycle."""
    left = dict(depends)
    while ends := [alias for alias, on in left.items() if not any(one in left for one in on)]:
        for alias in ends:
            del left[alias]
    return left


def cycle_problems(wanted: Iterable[Wanted]) -> dict[str, Problem]:
    """Return, by alias, the problem of each alias whose ``dependsOn`` leads back to it."""
    listed = list(wanted)
    cycles = find_cycles({one.alias: one.depends_on for one in listed})
    return {
        one.alias: Problem(
            object=f"DatabaseAlias/{one.object}",
            field="spec.migrate.dependsOn",
            message=f"depends on itself: {' → '.join(cycles[one.alias])}",
            remedy="Remove one of these dependencies",
            reason=Reason.DEPENDENCY_CYCLE,
        )
        for one in listed
        if one.alias in cycles
    }


_Obstacle = tuple[Reason, str]


def _turns(standings: Mapping[str, Standing]) -> list[Turn]:
    """What would start; an alias that keeps failing never keeps the others from their turn."""
    waiting = [
        Turn(alias, purpose)
        for alias, standing in standings.items()
        for purpose in Purpose
        if standing.of(purpose).start
    ]
    purposes = list(Purpose)

    def place(turn: Turn) -> tuple[int, int, str]:
        failures = standings[turn.alias].of(turn.purpose).record.failures
        return (purposes.index(turn.purpose), failures, turn.alias)

    return sorted(waiting, key=place)


def _holders(
    standings: Mapping[str, Standing], wanted: Mapping[str, Wanted], *, running: Iterable[JobState]
) -> dict[str, str]:
    """The databases on which a migration may run now, with its Job's name."""
    held = {
        job.database: job.name
        for job in running
        if job.database and not job.finished and job.purpose is Purpose.MIGRATE
    }
    for alias, standing in standings.items():
        if standing.migrate.active:
            held[_place(wanted[alias])] = standing.migrate.record.job
    return held


def _place(one: Wanted) -> str:
    """Name a database: its mark, or the alias' own name where no other alias can share it."""
    return database_mark(one.database) if one.database else f"alias {one.alias}"


def _in_cycle(way: tuple[str, ...] | None) -> _Obstacle | None:
    if not way:
        return None
    return Reason.DEPENDENCY_CYCLE, f"migrate.dependsOn leads back to it ({' → '.join(way)})"


def _awaits_dependency(one: Wanted, standings: Mapping[str, Standing]) -> _Obstacle | None:
    for dependency in one.depends_on:
        standing = standings.get(dependency)
        if standing is None:
            why = f"it depends on {dependency}, which is not an alias of this project"
        elif standing.failed:
            why = f"it depends on {dependency}, whose migration failed"
        elif not standing.done:
            why = f"it depends on {dependency}, which is not migrated yet"
        else:
            continue
        return Reason.DEPENDENCY_NOT_MIGRATED, why
    return None


def _awaits_database(one: Wanted, holders: Mapping[str, str]) -> _Obstacle | None:
    holder = holders.get(_place(one))
    if holder is None:
        return None
    return Reason.QUEUED, f"the Job {holder} runs on the same physical database"


def _awaits_turn(before: int, max_parallel: int) -> _Obstacle | None:
    if before < max_parallel:
        return None
    return Reason.QUEUED, f"migrate.maxParallel of the project allows {max_parallel} at once"


def _starting_job(standing: Standing) -> str:
    start = standing.migrate.start
    return start.job if start else standing.migrate.record.job


def _way_back(alias: str, depends: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Breadth first, so that the shortest cycle through the alias is found."""
    paths: list[tuple[str, ...]] = [(alias,)]
    seen: set[str] = set()
    while paths:
        path = paths.pop(0)
        for following in depends.get(path[-1], ()):
            if following == alias:
                return (*path, alias)
            if following not in seen:
                seen.add(following)
                paths.append((*path, following))
    return ()
