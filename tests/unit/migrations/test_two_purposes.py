"""Random lives of an alias that is migrated and checked: neither ever spoils the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dbalias.api.conditions import Reason
from dbalias.api.project import MigrateMode
from dbalias.migrations.decide import decide
from dbalias.migrations.marks import OF_THE_SCHEMA, Purpose, Task
from dbalias.migrations.observed import Finished, JobState
from dbalias.migrations.order import release
from dbalias.migrations.record import FIELDS, Record
from dbalias.migrations.standing import Standing, sum_up
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import NOW, a_report, a_wish, an_ended_pod
from unit.migrations.test_order import errands_of

MODES = [MigrateMode.AUTO, MigrateMode.CHECK, MigrateMode.APPROVE]
EXIT_CODES = [2, 4, 5, 6, 8, 9, 137]


class Alias(RuleBasedStateMachine):
    """One alias, its database with a number of pending migrations, and an operator that dies."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.mode = MigrateMode.AUTO
        self.identity = "a"
        self.asked: dict[Purpose, str] = {}
        self.status: dict[str, Any] = {}
        self.jobs: dict[str, JobState] = {}
        self.pending = 3

    # the operator

    def wish(self, purpose: Purpose) -> Wanted:
        """What is wanted now, for one purpose."""
        return a_wish(
            mode=self.mode,
            purpose=purpose,
            identity=self.identity,
            body=f"body-{self.identity}",
            requested_at=self.asked.get(purpose),
        )

    def look(self) -> Standing:
        """One pass' decision."""
        migrate, check = (
            decide(
                self.wish(purpose),
                record=Record.stored(self.status, Task("users", purpose)),
                jobs=[*self.jobs.values()],
                now=self.now,
            )
            for purpose in OF_THE_SCHEMA
        )
        return sum_up(self.wish(Purpose.MIGRATE), migrate=migrate, check=check)

    @rule(dies=st.booleans())
    def reconcile(self, dies: bool = False) -> None:
        """A pass; one that dies has stored its records and created no Job."""
        standing = self.look()
        errands = errands_of((self.wish(Purpose.MIGRATE), standing))
        allowed = {
            task.purpose for task in release({"users": standing}, errands, max_parallel=4).allowed
        }
        for purpose in OF_THE_SCHEMA:
            verdict = standing.of(purpose)
            start = verdict.start if purpose in allowed else None
            self.status[FIELDS[purpose]] = (start.record if start else verdict.record).render()
            if start and not dies:
                self.create(purpose, start.job, start.record)
            for name in () if dies else verdict.retire:
                del self.jobs[name]

    def create(self, purpose: Purpose, name: str, record: Record) -> None:
        """What the API server does; here the promises are checked."""
        running = [job for job in self.jobs.values() if not job.finished]
        assert name not in self.jobs
        assert not [job for job in running if job.purpose is purpose], "two of one purpose"
        if purpose is Purpose.MIGRATE:
            assert self.mode is MigrateMode.AUTO, "migrated where a person decides"
        else:
            assert not running, "a check beside a migration"
        self.jobs[name] = JobState(
            name=name,
            uid=f"uid of {name}",
            alias="users",
            attempt=record.attempt,
            identity=record.identity,
            body=record.body,
            created_at=self.now,
            purpose=purpose,
            object_uid="alias-1",
            requested_at=record.handled_request,
            image="shop:1",
        )

    # the cluster and its databases

    @rule(purpose=st.sampled_from(OF_THE_SCHEMA), code=st.sampled_from([0, 0, 0, *EXIT_CODES]))
    def a_job_ends(self, purpose: Purpose, code: int) -> None:
        """Well or not; a migration that ends well leaves nothing pending."""
        for job in self.jobs.values():
            if job.purpose is purpose and not job.finished:
                self.end(job, code)
                return

    def end(self, job: JobState, code: int = 0) -> None:
        """Let it end; what a check tells is what is so now."""
        if job.purpose is Purpose.MIGRATE and code == 0 and job.identity == self.identity:
            self.pending = 0
        found = [f"shop.{number}" for number in range(self.pending)]
        report = a_report(
            state="failed" if code else "done", exit=code, pending=found, pendingCount=len(found)
        )
        self.jobs[job.name] = replace(
            job,
            finished=Finished.FAILED if code else Finished.COMPLETE,
            finished_at=self.now,
            pod=an_ended_pod(code, report, owner=job.uid),
        )

    @rule(length=st.sampled_from([1, 30, 400]))
    def time_passes(self, length: int) -> None:
        """Seconds go by."""
        self.now += timedelta(seconds=length)

    @rule(pending=st.integers(0, 3))
    def somebody_touches_the_database(self, pending: int) -> None:
        """A restore, or a migration by hand."""
        self.pending = pending

    # the user

    @rule(identity=st.sampled_from("ab"))
    def image_changes(self, identity: str) -> None:
        """To one with other migrations, or back."""
        self.pending = 2 if identity != self.identity else self.pending
        self.identity = identity

    @rule(mode=st.sampled_from(MODES))
    def mode_changes(self, mode: MigrateMode) -> None:
        """Who decides."""
        self.mode = mode

    @rule(purpose=st.sampled_from(OF_THE_SCHEMA))
    def a_run_is_requested(self, purpose: Purpose) -> None:
        """By an annotation."""
        self.asked[purpose] = self.now.isoformat()

    # what always holds

    @invariant()
    def each_purpose_decides_from_its_own_record_alone(self) -> None:
        """Without the other's record and Jobs it would decide the same."""
        for purpose in OF_THE_SCHEMA:
            own = decide(
                self.wish(purpose),
                record=Record.stored(self.status, Task("users", purpose)),
                jobs=[job for job in self.jobs.values() if job.purpose is purpose],
                now=self.now,
            )
            assert own == self.look().of(purpose)

    def teardown(self) -> None:
        """Without further mishap a fresh check says how it is, and nothing is written again."""
        self.asked[Purpose.CHECK] = (self.now + timedelta(hours=1)).isoformat()
        if self.mode is MigrateMode.AUTO:
            self.asked[Purpose.MIGRATE] = (self.now + timedelta(hours=1)).isoformat()
        for _ in range(12):
            self.now += timedelta(minutes=6)
            for job in [one for one in self.jobs.values() if not one.finished]:
                self.end(job)
            self.reconcile()
        standing = self.look()
        assert standing.done is (self.pending == 0)
        if self.pending:
            assert standing.condition.reason in {Reason.PENDING, Reason.AWAITING_APPROVAL}
        before, jobs = dict(self.status), dict(self.jobs)
        self.reconcile()
        assert (self.status, self.jobs) == (before, jobs)


TestAlias = Alias.TestCase
TestAlias.settings = settings(max_examples=200, stateful_step_count=40)
