"""Which of a project's runs may start now: dependencies, width, one per physical database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from dbalias.api.conditions import ConditionValue, Reason, Status
from dbalias.api.problems import Problem
from dbalias.migrations.commands import awaits_aliases, awaits_command, place_in_line
from dbalias.migrations.conditions import told
from dbalias.migrations.identity import database_mark
from dbalias.migrations.marks import PROJECT, Purpose, Task
from dbalias.migrations.observed import JobState
from dbalias.migrations.standing import Errand, Standing
from dbalias.migrations.wanted import Wanted


class Release(NamedTuple):
    """The tasks whose ``Verdict.start`` is let through, and why the others wait."""

    allowed: tuple[Task, ...]
    held: Mapping[Task, ConditionValue]


def release(
    standings: Mapping[str, Standing],
    errands: Mapping[Task, Errand],
    *,
    running: Sequence[JobState] = (),
    taken: Mapping[str, str] = MappingProxyType({}),
    max_parallel: int,
) -> Release:
    """Return which starts may go ahead: checks last, then by failures, rank and name.

    A check waits while its database is migrated, because it would tell of a moment, and for
    its turn among all; no migration waits for a check. Commands take their turn among
    migrations. ``errands`` are all tasks, those of equal rank in the order in which they are to
    start; ``standings`` sum up what they say of each alias. ``running`` are all Jobs of the
    project, those of tasks that no longer exist too: each holds its turn, and the database that
    it was made for, even if its alias has another by now. ``taken`` are databases that other
    projects hold, in words.
    """
    holders = {**taken, **_holders(errands, running=running)}
    active = _active(errands, running=running)
    cycles = find_cycles(
        {one.alias: one.depends_on for one, _ in errands.values() if one.purpose is Purpose.MIGRATE}
    )
    allowed: list[Task] = []
    held: dict[Task, ConditionValue] = {}
    for task in _turns(errands):
        errand = errands[task]
        checks = 0 if task.purpose is Purpose.CHECK else active[Purpose.CHECK]
        obstacle = _awaits_others(errand, standings, errands, cycles) or (
            _awaits_database(errand.wanted, holders)
            or _awaits_turn(active.total() - checks, max_parallel)
        )
        if obstacle:
            held[task] = _held(errand.wanted, *obstacle)
            continue
        allowed.append(task)
        active[task.purpose] += 1
        if task.purpose is not Purpose.CHECK:
            holders[_place_of(errand.wanted)] = _runs(_job(errand))
    return Release(tuple(allowed), held)


def _awaits_others(
    errand: Errand,
    standings: Mapping[str, Standing],
    errands: Mapping[Task, Errand],
    cycles: Mapping[str, tuple[str, ...]],
) -> _Obstacle | None:
    """What has to come before this run, whatever else is under way."""
    wanted = errand.wanted
    match wanted.purpose:
        case Purpose.MIGRATE:
            return (
                _in_cycle(cycles.get(wanted.alias))
                or _awaits_dependency(wanted, standings)
                or awaits_command(wanted.alias, errands)
            )
        case Purpose.COMMAND:
            return awaits_aliases(errand, standings, errands)
        case Purpose.CHECK:
            return None


def _held(wanted: Wanted, reason: Reason, why: str) -> ConditionValue:
    what = {Purpose.MIGRATE: "migrated", Purpose.CHECK: "checked", Purpose.COMMAND: "run"}
    message = f"{wanted.subject} is not {what[wanted.purpose]} yet: {why}."
    return told(wanted, Status.FALSE, reason, message)


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


def _turns(errands: Mapping[Task, Errand]) -> list[Task]:
    """What would start, in this order."""
    waiting = [task for task, errand in errands.items() if errand.verdict.start]
    return sorted(waiting, key=lambda task: place_in_line(task, errands[task]))


def _active(errands: Mapping[Task, Errand], *, running: Sequence[JobState]) -> Counter[Purpose]:
    """How many runs of each purpose are under way, of tasks that no longer exist too."""
    active = [task for task, one in errands.items() if one.verdict.active]
    left = [job.task for job in running if job.task not in errands and not job.finished]
    return Counter(task.purpose for task in (*active, *left))


def _holders(errands: Mapping[Task, Errand], *, running: Sequence[JobState]) -> dict[str, str]:
    """The databases on which something that may write runs now, and what, in words."""
    held = {
        _place(job.alias, job.database): _runs(job.name)
        for job in running
        if not job.finished and job.purpose is not Purpose.CHECK
    }
    for task, errand in errands.items():
        if errand.verdict.active and task.purpose is not Purpose.CHECK:
            held[_place_of(errand.wanted)] = _runs(errand.verdict.record.job)
    return held


def _runs(job: str) -> str:
    return f"the Job {job} runs"


def _place(alias: str, mark: str) -> str:
    """Name a database: its mark, or the alias' own name where no other alias can share it.

    Commands that take no database come one after the other, too.
    """
    if alias == PROJECT:
        return "the project"
    return mark or f"alias {alias}"


def _place_of(one: Wanted) -> str:
    return _place(one.alias, database_mark(one.database) if one.database else "")


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
    holder = holders.get(_place_of(one))
    if holder is None:
        return None
    where = "for the project" if one.alias == PROJECT else "on the same physical database"
    return Reason.QUEUED, f"{holder} {where}"


def _awaits_turn(before: int, max_parallel: int) -> _Obstacle | None:
    if before < max_parallel:
        return None
    return Reason.QUEUED, f"migrate.maxParallel of the project allows {max_parallel} at once"


def _job(errand: Errand) -> str:
    start = errand.verdict.start
    return start.job if start else errand.verdict.record.job


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
