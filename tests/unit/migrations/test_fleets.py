"""Random projects from the first pass to the last: order, width, databases, and always an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dbalias.migrations.decide import decide
from dbalias.migrations.identity import database_mark
from dbalias.migrations.marks import OF_THE_SCHEMA, Purpose, Task
from dbalias.migrations.observed import JobState
from dbalias.migrations.order import Release, find_cycles, release
from dbalias.migrations.record import Outcome, Record
from dbalias.migrations.standing import Errand, Standing, sum_up
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import NOW, a_complete_job, a_failed_job, a_job, a_wish

ALIASES = "abcdefgh"
UNKNOWN = "z"
UNREACHABLE, MIGRATION_FAILED = 4, 5


@dataclass(frozen=True, slots=True)
class Graph:
    """What is declared: dependencies (also on what is not there), databases, a width."""

    depends: Mapping[str, Sequence[str]]
    databases: Mapping[str, str]
    width: int

    def wish(self, alias: str) -> Wanted:
        """What is wanted of an alias."""
        return a_wish(
            alias=alias,
            object=f"shop-{alias}",
            object_uid=alias,
            database=self.databases[alias],
            depends_on=tuple(self.depends[alias]),
        )

    def can_be_migrated(self, failed: set[str]) -> set[str]:
        """Return the aliases of which nothing that they depend on is in the way for good."""
        left = self.depends.keys() - find_cycles(self.depends) - failed
        while stuck := {one for one in left if not set(self.depends[one]) <= left}:
            left = left - stuck
        return set(left)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw up to eight aliases; half of the projects have no cycle, so that they get far."""
    names = ALIASES[: draw(st.integers(1, len(ALIASES)))]
    others = st.lists(st.sampled_from(names + UNKNOWN), max_size=3, unique=True)
    depends = {name: draw(others) for name in names}
    if draw(st.booleans()):
        depends = {one: [on for on in depends[one] if on < one] for one in names}
    places = st.sampled_from(["postgresql://db/shared", "mysql://db/shared", ""])
    databases = {name: draw(places) or f"postgresql://db/{name}" for name in names}
    return Graph(depends, databases, draw(st.integers(1, 4)))


@dataclass(slots=True)
class World:
    """The records and Jobs of a project, and a clock."""

    graph: Graph
    now: datetime = NOW
    records: dict[str, Record] = field(default_factory=dict)
    jobs: dict[str, JobState] = field(default_factory=dict)
    """By alias, the last one."""

    def look(self) -> tuple[dict[Task, Errand], dict[str, Standing]]:
        """Return what one pass finds."""
        errands, standings = {}, {}
        for alias in self.graph.depends:
            wanted = self.graph.wish(alias)
            jobs = [job for job in self.jobs.values() if job.alias == alias]
            stored = {Purpose.MIGRATE: self.records.get(alias, Record())}
            verdicts = {
                purpose: decide(
                    replace(wanted, purpose=purpose),
                    record=stored.get(purpose, Record()),
                    jobs=jobs,
                    now=self.now,
                )
                for purpose in OF_THE_SCHEMA
            }
            for purpose, verdict in verdicts.items():
                task = Task(alias, purpose)
                errands[task] = Errand(replace(wanted, purpose=purpose), verdict)
            standings[alias] = sum_up(
                wanted, migrate=verdicts[Purpose.MIGRATE], check=verdicts[Purpose.CHECK]
            )
        return errands, standings

    def reconcile(self) -> Release:
        """One pass: store what is known, start what may start."""
        errands, standings = self.look()
        released = release(
            standings,
            errands,
            running=list(self.jobs.values()),
            max_parallel=self.graph.width,
        )
        for task, errand in errands.items():
            if task.purpose is Purpose.MIGRATE:
                self.records[task.alias] = errand.verdict.record
        for task in released.allowed:
            start = errands[task].verdict.start
            assert start is not None
            self.records[task.alias] = start.record
            self.jobs[task.alias] = a_job(
                name=start.job,
                uid=f"uid-{task.alias}-{start.number}",
                alias=task.alias,
                object_uid=task.alias,
                attempt=start.number,
                database=database_mark(self.graph.databases[task.alias]),
                created_at=self.now,
            )
        return released

    def running(self) -> list[JobState]:
        """Return the Jobs that run."""
        return [job for job in self.jobs.values() if not job.finished]

    def end(self, alias: str, code: int) -> None:
        """Let an alias' Job end."""
        self.now += timedelta(seconds=1)
        job = self.jobs[alias]
        same = {
            name: getattr(job, name)
            for name in ("name", "uid", "alias", "object_uid", "attempt", "database", "created_at")
        } | {"finished_at": self.now}
        self.jobs[alias] = a_failed_job(code, **same) if code else a_complete_job(**same)

    def done(self) -> set[str]:
        """Return the aliases that are migrated."""
        _, standings = self.look()
        return {alias for alias, one in standings.items() if one.done}

    def failed_for_good(self) -> set[str]:
        """Return the aliases that wait for a person."""
        return {
            alias
            for alias, record in self.records.items()
            if record.outcome is Outcome.FAILED and record.retry_at is None
        }

    def sleep(self) -> None:
        """Let the time of the next retry come."""
        waits = [one.retry_at for one in self.records.values() if one.retry_at]
        self.now = max(self.now, min(waits, default=self.now))


ENDS = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from([0, 0, 0, UNREACHABLE, MIGRATION_FAILED])),
    max_size=30,
)


@settings(max_examples=200)
@given(graphs(), ENDS)
def test_every_project_comes_to_its_end_in_order(graph: Graph, ends: list[tuple[int, int]]) -> None:
    """Whatever the dependencies and whichever runs fail, once or for good."""
    world = World(graph)
    for step in range(200):
        done, before = world.done(), {job.alias for job in world.running()}
        released = world.reconcile()
        check_starts(world, released, done=done)
        check_that_no_slot_is_idle(world, released, done=done)
        running = sorted(job.alias for job in world.running())
        assert before <= set(running)
        if not running:
            world.sleep()
            if not world.reconcile().allowed:
                break
            continue
        which, code = ends[step] if step < len(ends) else (0, 0)
        world.end(running[which % len(running)], code)
    assert world.done() == graph.can_be_migrated(world.failed_for_good())


def check_starts(world: World, released: Release, *, done: set[str]) -> None:
    """Never too many, never two on one database, never before a dependency."""
    running = world.running()
    assert len(running) <= world.graph.width
    assert max(Counter(job.database for job in running).values(), default=0) <= 1
    for task in released.allowed:
        assert set(world.graph.depends[task.alias]) <= done


def check_that_no_slot_is_idle(world: World, released: Release, *, done: set[str]) -> None:
    """Who waits does so for a dependency, for a database that is in use, or for a turn."""
    running = world.running()
    used = {job.database for job in running}
    for task in released.held:
        waits_for_others = not set(world.graph.depends[task.alias]) <= done
        waits_for_database = database_mark(world.graph.databases[task.alias]) in used
        assert waits_for_others or waits_for_database or len(running) == world.graph.width


@settings(max_examples=100)
@given(graphs(), st.lists(st.integers(0, 7), max_size=20))
def test_an_alias_that_keeps_failing_keeps_no_turn_from_the_others(
    graph: Graph, picks: list[int]
) -> None:
    """One of them never gets through to its server; all that does not depend on it is migrated."""
    world, broken = World(graph), min(graph.depends)
    for step in range(60):
        world.reconcile()
        running = sorted(job.alias for job in world.running())
        if not running:
            world.sleep()
            continue
        alias = running[picks[step] % len(running)] if step < len(picks) else running[-1]
        world.end(alias, UNREACHABLE if alias == broken else 0)
    assert world.done() == graph.can_be_migrated({broken})
