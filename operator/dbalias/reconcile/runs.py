"""The runs of one project: where each alias stands, and what may start now."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.migrations.decide import decide, name_taken, not_created
from dbalias.migrations.marks import Purpose
from dbalias.migrations.observed import JobState
from dbalias.migrations.order import Turn, release
from dbalias.migrations.record import Record
from dbalias.migrations.standing import Standing, sum_up
from dbalias.migrations.trouble import find_trouble
from dbalias.migrations.wanted import Wanted
from dbalias.reconcile.actions import CreateJob, DeleteObject
from dbalias.reconcile.desired import Desired, Hold
from dbalias.reconcile.snapshot import Snapshot
from dbalias.reconcile.wishes import Wishes

PASSING = frozenset({Reason.QUEUED, Reason.SETTLING, Reason.SUSPENDED, Reason.WAITING_FOR_OBJECTS})
"""Reasons to wait that end without anybody mending this alias."""

Conditions = dict[Turn, ConditionValue]


@dataclass(frozen=True, slots=True)
class Runs:
    """The outcome: by alias its records, where it stands, and its condition ``Migrated``.

    ``done``: nothing is left to migrate there. ``open``: neither done nor failed for good:
    something is under way, will start by itself, or is left to a person's decision.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    checks: Mapping[str, Record] = field(default_factory=dict)
    conditions: Mapping[str, ConditionValue] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    create: tuple[CreateJob, ...] = ()
    delete: tuple[DeleteObject, ...] = ()
    config_map: str = ""
    """The revision's ConfigMap, which the Jobs in ``create`` mount."""
    active: bool = False
    wake_at: datetime | None = None

    def last_record(self, alias: str) -> Record:
        """Return the record of the attempt that ended last, whatever it was for.

        One that runs has told nothing yet: until it ends, what is known stays.
        """
        both = (self.checks[alias], self.records[alias])
        return max(both, key=_told_at)


def _told_at(record: Record) -> tuple[float, ...]:
    """When an attempt has last told something; those that never did by when they began."""
    ended = record.finished_at or (record.completed.finished_at if record.completed else None)
    return tuple(moment.timestamp() if moment else 0.0 for moment in (ended, record.started_at))


def plan_runs(snapshot: Snapshot, desired: Desired, now: datetime, *, gate: Hold | None) -> Runs:
    """Decide for every alias; while ``gate`` is closed nothing new starts."""
    wishes = Wishes(snapshot, desired)
    wanted = {alias: wishes.wanted(alias) for alias in desired.resolution.owners}
    standings = {alias: _stand(wishes, one, now) for alias, one in wanted.items()}
    orphans = [job for job in snapshot.jobs if job.alias not in wanted]
    blocked = _blocked(wishes, standings, wanted, gate)
    # Who may not start takes no turn and no database from those who may.
    allowed, held = release(
        {alias: _without(standing, alias, blocked) for alias, standing in standings.items()},
        {alias: one[Purpose.MIGRATE] for alias, one in wanted.items()},
        running=orphans,
        max_parallel=desired.project.migrate.max_parallel,
    )
    told = _refused(wishes, standings, wanted, allowed)
    runs = _assemble(
        wishes, standings, held={**held, **blocked, **told}, allowed=allowed, orphans=orphans
    )
    return replace(runs, delete=(*runs.delete, *_left_behind(orphans, now)))


def _stand(wishes: Wishes, wanted: Mapping[Purpose, Wanted], now: datetime) -> Standing:
    alias = wanted[Purpose.MIGRATE].alias
    jobs = [job for job in wishes.snapshot.jobs if job.alias == alias]
    verdicts = {
        purpose: decide(one, record=wishes.record(alias, purpose), jobs=jobs, now=now)
        for purpose, one in wanted.items()
    }
    return sum_up(
        wanted[Purpose.MIGRATE],
        migrate=verdicts[Purpose.MIGRATE],
        check=verdicts[Purpose.CHECK],
    )


def _without(standing: Standing, alias: str, blocked: Container[Turn]) -> Standing:
    """Take from an alias the starts that are blocked."""
    for purpose in Purpose:
        if Turn(alias, purpose) in blocked:
            held = replace(standing.of(purpose), start=None)
            standing = standing.with_verdict(purpose, held)
    return standing


def _left_behind(orphans: Iterable[JobState], now: datetime) -> Iterator[DeleteObject]:
    """Jobs of aliases that are declared no more: what has ended, and what cannot start."""
    for job in orphans:
        trouble = None if job.finished else find_trouble(job, now=now)
        idle = job.finished or (trouble is not None and not trouble.began)
        if idle and not job.deleting:
            yield DeleteObject("Job", job.name, job.uid)


def _assemble(
    wishes: Wishes,
    standings: Mapping[str, Standing],
    *,
    held: Mapping[Turn, ConditionValue],
    allowed: tuple[Turn, ...],
    orphans: list[JobState],
) -> Runs:
    spoken = {
        alias: held.get(Turn(alias, standing.speaker)) for alias, standing in standings.items()
    }
    stored = {
        Turn(alias, purpose): standing.of(purpose).record
        for alias, standing in standings.items()
        for purpose in Purpose
    }
    creations = []
    for turn in allowed:
        start = standings[turn.alias].of(turn.purpose).start
        assert start is not None
        stored[turn] = start.record
        creations.append(CreateJob(turn.alias, wishes.job(turn.alias, start.record, turn.purpose)))
    return Runs(
        records={alias: stored[Turn(alias, Purpose.MIGRATE)] for alias in standings},
        checks={alias: stored[Turn(alias, Purpose.CHECK)] for alias in standings},
        conditions={
            alias: spoken[alias] or standing.condition for alias, standing in standings.items()
        },
        standings=standings,
        done=frozenset(alias for alias, standing in standings.items() if standing.done),
        open=frozenset(
            alias for alias in standings if _is_open(standings[alias], spoken[alias], standings)
        ),
        create=tuple(creations),
        delete=_deletions(wishes.snapshot, standings),
        config_map=wishes.config_map,
        active=any(s.active for s in standings.values())
        or any(not job.finished for job in orphans),
        wake_at=earliest(
            *(s.of(purpose).wake_at for s in standings.values() for purpose in Purpose)
        ),
    )


def _is_open(
    standing: Standing, held: ConditionValue | None, standings: Mapping[str, Standing]
) -> bool:
    """Tell whether an alias will come to an end by itself: for it a first publication waits."""
    if standing.done or (standing.failed and not standing.active):
        return False
    if held is None:
        return True
    if held.reason is Reason.DEPENDENCY_NOT_MIGRATED:
        return not any(one.failed for one in standings.values())
    return held.reason in PASSING


def _deletions(snapshot: Snapshot, standings: Mapping[str, Standing]) -> tuple[DeleteObject, ...]:
    verdicts = [s.of(purpose) for s in standings.values() for purpose in Purpose]
    names = {name for verdict in verdicts for name in verdict.retire}
    names |= {verdict.cancel for verdict in verdicts if verdict.cancel}
    return tuple(
        DeleteObject("Job", job.name, job.uid) for job in snapshot.jobs if job.name in names
    )


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of these moments, None for none at all."""
    return min((moment for moment in moments if moment is not None), default=None)


def _blocked(
    wishes: Wishes,
    standings: Mapping[str, Standing],
    wanted: Mapping[str, Mapping[Purpose, Wanted]],
    gate: Hold | None,
) -> Conditions:
    """Return the condition of each start that is due and may not be."""
    found: Conditions = {}
    for turn, job in _starts(standings):
        problems = wishes.desired.resolution.problems.get(turn.alias)
        if problems:
            found[turn] = _migrated(problems[0].reason, str(problems[0]))
        elif gate is not None:
            found[turn] = _migrated(gate.reason, gate.message)
        elif job in wishes.snapshot.foreign_jobs:
            found[turn] = name_taken(wanted[turn.alias][turn.purpose], job)
    return found


def _refused(
    wishes: Wishes,
    standings: Mapping[str, Standing],
    wanted: Mapping[str, Mapping[Purpose, Wanted]],
    allowed: tuple[Turn, ...],
) -> Conditions:
    """Return what to say of Jobs that were refused and are tried again in this pass."""
    refusals = wishes.snapshot.memory.refusals
    return {
        turn: not_created(wanted[turn.alias][turn.purpose], job, message=refusals[f"Job/{job}"])
        for turn, job in _starts(standings)
        if turn in allowed and f"Job/{job}" in refusals
    }


def _starts(standings: Mapping[str, Standing]) -> Iterator[tuple[Turn, str]]:
    """Yield every start that is due, with the name of its Job."""
    for alias, standing in standings.items():
        for purpose in Purpose:
            start = standing.of(purpose).start
            if start is not None:
                yield Turn(alias, purpose), start.job


def _migrated(reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(Condition.MIGRATED, Status.FALSE, reason, message)
