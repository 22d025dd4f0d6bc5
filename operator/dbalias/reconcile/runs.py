"""The runs of one project: where each alias and command stands, and what may start now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dbalias.api.conditions import ConditionValue, Reason, Status
from dbalias.migrations.commands import is_before
from dbalias.migrations.conditions import told
from dbalias.migrations.decide import decide, name_taken, not_created
from dbalias.migrations.marks import OF_THE_SCHEMA, PROJECT, Purpose, Task
from dbalias.migrations.observed import JobState
from dbalias.migrations.order import release
from dbalias.migrations.record import Record
from dbalias.migrations.standing import Errand, Standing, sum_up
from dbalias.migrations.trouble import find_trouble
from dbalias.migrations.wanted import Wanted
from dbalias.reconcile.actions import CreateJob, DeleteObject
from dbalias.reconcile.desired import Desired, Hold
from dbalias.reconcile.snapshot import Snapshot
from dbalias.reconcile.wishes import Wishes

PASSING = frozenset({Reason.QUEUED, Reason.SETTLING, Reason.SUSPENDED, Reason.WAITING_FOR_OBJECTS})
"""Reasons to wait that end without anybody mending this alias."""
OF_OTHERS = frozenset({Reason.DEPENDENCY_NOT_MIGRATED, Reason.COMMAND_NOT_COMPLETED})
"""Reasons to wait that end when another run of the project ends well."""

Conditions = dict[Task, ConditionValue]


@dataclass(frozen=True, slots=True)
class Runs:
    """The outcome: by task its record; by alias where it stands, and its condition ``Migrated``.

    ``commands`` is, for each command's task, its share of ``CommandsCompleted``. ``done``:
    aliases on which nothing is left to migrate. ``open``: tasks that are neither done nor failed
    for good: something is under way, will start by itself, or is left to a person's decision;
    of an alias the task that speaks for it.
    """

    records: Mapping[Task, Record] = field(default_factory=dict)
    errands: Mapping[Task, Errand] = field(default_factory=dict)
    conditions: Mapping[str, ConditionValue] = field(default_factory=dict)
    commands: Mapping[Task, ConditionValue] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    open: frozenset[Task] = frozenset()
    create: tuple[CreateJob, ...] = ()
    delete: tuple[DeleteObject, ...] = ()
    config_map: str = ""
    """The revision's ConfigMap, which the Jobs in ``create`` mount."""
    active: bool = False
    wake_at: datetime | None = None

    def record(self, alias: str, purpose: Purpose = Purpose.MIGRATE) -> Record:
        """Return the record of an alias' migrations or checks."""
        return self.records[Task(alias, purpose)]

    def last_record(self, alias: str) -> Record:
        """Return the record of the attempt that ended last, of a migration or a check.

        One that runs has told nothing yet: until it ends, what is known stays.
        """
        both = (self.record(alias, Purpose.CHECK), self.record(alias))
        return max(both, key=_told_at)


def _told_at(record: Record) -> tuple[float, ...]:
    """When an attempt has last told something; those that never did by when they began."""
    ended = record.finished_at or (record.completed.finished_at if record.completed else None)
    return tuple(moment.timestamp() if moment else 0.0 for moment in (ended, record.started_at))


def plan_runs(snapshot: Snapshot, desired: Desired, now: datetime, *, gate: Hold | None) -> Runs:
    """Decide for every task; while ``gate`` is closed nothing new starts."""
    wishes = Wishes(snapshot, desired)
    errands = _errands(wishes, now)
    standings = {alias: _stand(errands, alias) for alias in desired.resolution.owners}
    orphans = [job for job in snapshot.jobs if job.task not in errands]
    blocked = _blocked(wishes, errands, gate)
    # Who may not start takes no turn and no database from those who may.
    allowed, held = release(
        standings,
        {task: _without(one, task in blocked) for task, one in errands.items()},
        running=snapshot.jobs,
        taken=snapshot.taken,
        max_parallel=desired.project.migrate.max_parallel,
    )
    refused = _refused(wishes, errands, allowed)
    starts = _Starts({**held, **blocked, **refused}, allowed)
    runs = _assemble(wishes, errands, standings, starts=starts, orphans=orphans)
    return replace(runs, delete=(*runs.delete, *_left_behind(orphans, now)))


@dataclass(frozen=True, slots=True)
class _Starts:
    """Which starts go ahead, and what is to be said of tasks instead of their own condition."""

    held: Mapping[Task, ConditionValue]
    allowed: tuple[Task, ...]


def _errands(wishes: Wishes, now: datetime) -> dict[Task, Errand]:
    jobs: dict[Task, list[JobState]] = {}
    for job in wishes.snapshot.jobs:
        jobs.setdefault(job.task, []).append(job)
    return {
        task: Errand(one, decide(one, record=wishes.record(task), jobs=jobs.get(task, ()), now=now))
        for task, one in wishes.wanted().items()
    }


def _stand(errands: Mapping[Task, Errand], alias: str) -> Standing:
    migrate, check = (errands[Task(alias, purpose)] for purpose in OF_THE_SCHEMA)
    return sum_up(migrate.wanted, migrate=migrate.verdict, check=check.verdict)


def _without(errand: Errand, is_blocked: bool) -> Errand:
    """Take from a task the start that is blocked."""
    if not is_blocked:
        return errand
    return errand._replace(verdict=replace(errand.verdict, start=None))


def _left_behind(orphans: Iterable[JobState], now: datetime) -> Iterator[DeleteObject]:
    """Jobs of tasks that are declared no more: what has ended, and what cannot start."""
    for job in orphans:
        trouble = None if job.finished else find_trouble(job, now=now)
        idle = job.finished or (trouble is not None and not trouble.began)
        if idle and not job.deleting:
            yield DeleteObject("Job", job.name, job.uid)


def _assemble(
    wishes: Wishes,
    errands: Mapping[Task, Errand],
    standings: Mapping[str, Standing],
    *,
    starts: _Starts,
    orphans: list[JobState],
) -> Runs:
    stored = {task: one.verdict.record for task, one in errands.items()}
    creations = []
    for task in starts.allowed:
        wanted, verdict = errands[task]
        assert verdict.start is not None
        stored[task] = verdict.start.record
        creations.append(CreateJob(task.alias, wishes.job(wanted, verdict.start.record)))
    speakers = {alias: Task(alias, one.speaker) for alias, one in standings.items()}
    commands = [task for task in errands if task.command]
    spoken = {task: starts.held.get(task) for task in (*speakers.values(), *commands)}
    verdicts = [one.verdict for one in errands.values()]
    return Runs(
        records=stored,
        errands=errands,
        conditions={
            alias: spoken[task] or _own(alias, standings, starts)
            for alias, task in speakers.items()
        },
        commands={task: spoken[task] or errands[task].verdict.condition for task in commands},
        standings=standings,
        done=frozenset(alias for alias, standing in standings.items() if standing.done),
        open=frozenset(task for task, held in spoken.items() if _is_open(task, held, errands)),
        create=tuple(creations),
        delete=_deletions(wishes.snapshot, errands),
        config_map=wishes.config_map,
        active=any(verdict.active for verdict in verdicts)
        or any(not job.finished for job in orphans),
        wake_at=earliest(*(verdict.wake_at for verdict in verdicts)),
    )


def _own(alias: str, standings: Mapping[str, Standing], starts: _Starts) -> ConditionValue:
    """Return an alias' own condition, with why the check that it waits for may not start."""
    said = standings[alias].condition
    look = starts.held.get(Task(alias, Purpose.CHECK))
    if look is None or said.reason is not Reason.CHECKING:
        return said
    return replace(look, message=f"{said.message} {look.message}")


def _is_open(task: Task, held: ConditionValue | None, errands: Mapping[Task, Errand]) -> bool:
    """Tell whether a run will come to an end by itself: for it a first publication waits."""
    verdict = errands[task].verdict
    running = any(errands[one].verdict.active for one in _spoken_for(task))
    if verdict.done or (verdict.failed and not running):
        return False
    if held is None:
        return True
    if held.reason in OF_OTHERS:
        return not any(one.verdict.failed for one in errands.values())
    return held.reason in PASSING


def _spoken_for(task: Task) -> tuple[Task, ...]:
    if task.command:
        return (task,)
    return tuple(Task(task.alias, purpose) for purpose in OF_THE_SCHEMA)


def _deletions(snapshot: Snapshot, errands: Mapping[Task, Errand]) -> tuple[DeleteObject, ...]:
    verdicts = [one.verdict for one in errands.values()]
    names = {name for verdict in verdicts for name in verdict.retire}
    names |= {verdict.cancel for verdict in verdicts if verdict.cancel}
    return tuple(
        DeleteObject("Job", job.name, job.uid) for job in snapshot.jobs if job.name in names
    )


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of these moments, None for none at all."""
    return min((moment for moment in moments if moment is not None), default=None)


def _blocked(wishes: Wishes, errands: Mapping[Task, Errand], gate: Hold | None) -> Conditions:
    """Return the condition of each start that is due and may not be."""
    found: Conditions = {}
    problems = wishes.desired.resolution.problems
    for task, wanted, job in _starts(errands):
        if task.alias in problems:
            first = problems[task.alias][0]
            found[task] = told(wanted, Status.FALSE, first.reason, str(first))
        elif gate is not None:
            found[task] = told(wanted, Status.FALSE, gate.reason, gate.message)
        elif job in wishes.snapshot.foreign_jobs:
            found[task] = name_taken(wanted, job)
        elif task.alias == PROJECT and problems and not is_before(errands[task]):
            why = f"{wanted.subject} comes after all aliases; unresolved: {', '.join(problems)}"
            found[task] = told(wanted, Status.FALSE, Reason.ALIASES_NOT_READY, why)
    return found


def _refused(
    wishes: Wishes, errands: Mapping[Task, Errand], allowed: tuple[Task, ...]
) -> Conditions:
    """Return what to say of Jobs that were refused and are tried again in this pass."""
    refusals = wishes.snapshot.memory.refusals
    return {
        task: not_created(wanted, job, message=refusals[f"Job/{job}"])
        for task, wanted, job in _starts(errands)
        if task in allowed and f"Job/{job}" in refusals
    }


def _starts(errands: Mapping[Task, Errand]) -> Iterator[tuple[Task, Wanted, str]]:
    """Yield every start that is due, with what is wanted and the name of its Job."""
    for task, (wanted, verdict) in errands.items():
        if verdict.start is not None:
            yield task, wanted, verdict.start.job
