"""Which of a project's runs may start now: dependencies, width, one per physical database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.problems import Problem
from dbalias.migrations.decide import Verdict
from dbalias.migrations.identity import database_mark
from dbalias.migrations.observed import JobState
from dbalias.migrations.wanted import Wanted


class Release(NamedTuple):
    """The aliases whose ``Verdict.start`` is let through, and why the others wait."""

    allowed: tuple[str, ...]
    held: Mapping[str, ConditionValue]


def release(
    verdicts: Mapping[str, Verdict],
    wanted: Mapping[str, Wanted],
    *,
    running: Iterable[JobState] = (),
    max_parallel: int,
) -> Release:
    """Return which starts may go ahead, those with fewer failures first, then by name.

    Both mappings are by alias. ``running`` are further Jobs that may hold a database: those of
    aliases that no longer exist, and of other projects where they are seen; finished ones and
    the aliases' own do no harm.
    """
    holders = _holders(verdicts, wanted, running=running)
    free = max_parallel - sum(verdict.active for verdict in verdicts.values())
    cycles = find_cycles({name: one.depends_on for name, one in wanted.items()})
    allowed: list[str] = []
    held: dict[str, ConditionValue] = {}
    for alias in _turns(verdicts):
        one = wanted[alias]
        obstacle = (
            _in_cycle(cycles.get(alias))
            or _awaits_dependency(one, verdicts)
            or _awaits_database(one, holders)
            or _awaits_turn(free, max_parallel)
        )
        if obstacle:
            reason, why = obstacle
            message = f"Alias {alias} is not migrated yet: {why}."
            held[alias] = ConditionValue(Condition.MIGRATED, Status.FALSE, reason, message)
            continue
        allowed.append(alias)
        free -= 1
        if one.database:
            holders[database_mark(one.database)] = _starting_job(verdicts[alias])
    return Release(tuple(allowed), held)


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


def _turns(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Aliases that would start; one that keeps failing never keeps the others from their turn."""
    waiting = [alias for alias, verdict in verdicts.items() if verdict.start]
    return sorted(waiting, key=lambda alias: (verdicts[alias].record.failures, alias))


def _holders(
    verdicts: Mapping[str, Verdict], wanted: Mapping[str, Wanted], *, running: Iterable[JobState]
) -> dict[str, str]:
    """Marks of the physical databases on which a Job may run now, with that Job's name."""
    held = {job.database: job.name for job in running if job.database and not job.finished}
    for alias, verdict in verdicts.items():
        if verdict.active and wanted[alias].database:
            held[database_mark(wanted[alias].database)] = verdict.record.job
    return held


def _in_cycle(way: tuple[str, ...] | None) -> _Obstacle | None:
    if not way:
        return None
    return Reason.DEPENDENCY_CYCLE, f"migrate.dependsOn leads back to it ({' → '.join(way)})"


def _awaits_dependency(one: Wanted, verdicts: Mapping[str, Verdict]) -> _Obstacle | None:
    for dependency in one.depends_on:
        verdict = verdicts.get(dependency)
        if verdict is None:
            why = f"it depends on {dependency}, which is not an alias of this project"
        elif verdict.failed:
            why = f"it depends on {dependency}, whose migration failed"
        elif not verdict.done:
            why = f"it depends on {dependency}, which is not migrated yet"
        else:
            continue
        return Reason.DEPENDENCY_NOT_MIGRATED, why
    return None


def _awaits_database(one: Wanted, holders: Mapping[str, str]) -> _Obstacle | None:
    holder = holders.get(database_mark(one.database)) if one.database else None
    if holder is None:
        return None
    return Reason.QUEUED, f"the Job {holder} runs on the same physical database"


def _awaits_turn(free: int, max_parallel: int) -> _Obstacle | None:
    if free > 0:
        return None
    return Reason.QUEUED, f"migrate.maxParallel of the project allows {max_parallel} at once"


def _starting_job(verdict: Verdict) -> str:
    return verdict.start.job if verdict.start else verdict.record.job


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
