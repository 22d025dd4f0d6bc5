"""Random lives of one alias: whatever happens, no two runs at once and none in vain.

Migrations under mode Auto, and checks under mode Check: one machine for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dbalias.api.ownership import MANAGED_BY, MANAGER
from dbalias.api.project import Command, MigrateMode
from dbalias.migrations.decide import Attempt, Verdict, decide
from dbalias.migrations.jobs import task_labels
from dbalias.migrations.marks import Purpose
from dbalias.migrations.observed import Finished, JobState, PodState
from dbalias.migrations.record import Outcome, Record
from dbalias.migrations.remains import survivors
from unit.migrations.builders import NOW, a_pod, a_report, a_waiting_pod, a_wish, an_ended_pod

EXIT_CODES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 137]
LIFE = settings(max_examples=300, stateful_step_count=40)


@dataclass(frozen=True)
class Success:
    """What the world remembers of the last Job that completed."""

    identity: str
    requested_at: str | None


class Alias(RuleBasedStateMachine):
    """A cluster of one alias, and an operator that may die between any two writes."""

    purpose: ClassVar[Purpose] = Purpose.MIGRATE
    mode: ClassVar[MigrateMode] = MigrateMode.AUTO
    command: ClassVar[Command | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.wanted = a_wish(purpose=self.purpose, mode=self.mode, command=self.command)
        self.status: dict[str, Any] = {}
        self.jobs: dict[str, JobState] = {}
        self.pods: list[PodState] = []
        self.last_success: Success | None = None
        self.created = 0
        self.uids = 0

    # the operator

    def look(self) -> Verdict:
        """One pass' decision from what the API shows."""
        jobs = [*self.jobs.values()]
        return decide(
            self.wanted,
            record=Record.parse(self.status),
            jobs=[*jobs, *survivors(self.pods, jobs)],
            now=self.now,
        )

    @rule()
    def reconcile(self) -> None:
        """A pass from the reading to the last write."""
        verdict = self.look()
        self.store(verdict)
        for name in [*verdict.retire, *([verdict.cancel] if verdict.cancel else [])]:
            self.delete(self.jobs[name])
        if verdict.start:
            self.create(verdict.start)

    @rule()
    def reconcile_and_die(self) -> None:
        """A pass that ends when the status is written and nothing else is."""
        self.store(self.look())

    def store(self, verdict: Verdict) -> None:
        """Write the status: before anything is created or deleted."""
        self.status = (verdict.start.record if verdict.start else verdict.record).render()

    def create(self, start: Attempt) -> None:
        """What the API server does with a new Job; here the promises are checked."""
        assert start.job not in self.jobs, "the name of a Job that exists"
        assert all(job.finished for job in self.jobs.values()), "a second run at once"
        assert not self.pods, "a run beside a pod that still stops"
        if self.last_success and self.last_success.identity == self.wanted.identity:
            assert self.wanted.requested_at != self.last_success.requested_at, "a run in vain"
        self.uids += 1
        self.created += 1
        self.jobs[start.job] = JobState(
            name=start.job,
            uid=f"job-{self.uids}",
            alias=self.wanted.alias,
            attempt=start.number,
            identity=start.record.identity,
            body=start.record.body,
            created_at=self.now,
            purpose=self.purpose,
            command=self.wanted.task.command,
            object_uid=self.wanted.object_uid,
            requested_at=start.record.handled_request,
            image=self.wanted.image,
        )

    # the cluster

    def delete(self, job: JobState) -> None:
        """Deletion in the background: the Job is gone, a pod that runs stops in its own time."""
        del self.jobs[job.name]
        if job.pod and job.pod.started and not job.pod.ended:
            labels = {MANAGED_BY: MANAGER} | task_labels(job.task, job.attempt)
            pod = replace(job.pod, owner=job.uid, labels=tuple(labels.items()), deleting=True)
            self.pods.append(pod)

    def unfinished(self) -> JobState | None:
        """The Job that may run, if any."""
        return next((job for job in self.jobs.values() if not job.finished), None)

    def change(self, job: JobState, **changes: Any) -> None:
        """What a controller or the kubelet writes."""
        self.jobs[job.name] = replace(job, **changes)

    @precondition(lambda self: self.unfinished())
    @rule(reason=st.sampled_from(["ContainerCreating", "ImagePullBackOff"]))
    def pod_waits(self, reason: str) -> None:
        """A pod is made, and its container is not started."""
        job = self.unfinished()
        if job and not (job.pod and job.pod.started):
            self.change(job, pod=a_waiting_pod(owner=job.uid, waiting_reason=reason))

    @precondition(lambda self: self.unfinished())
    @rule()
    def pod_runs(self) -> None:
        """The container starts."""
        job = self.unfinished()
        assert job
        self.change(job, pod=a_pod(owner=job.uid))

    @precondition(lambda self: self.unfinished())
    @rule()
    def job_completes(self) -> None:
        """The run succeeds."""
        job = self.unfinished()
        assert job
        self.complete(job)

    @rule()
    def all_goes_well(self) -> None:
        """What is wanted runs and completes, unless something is in the way."""
        self.reconcile()
        if job := self.unfinished():
            self.complete(job)
        self.reconcile()

    def complete(self, job: JobState) -> None:
        """The run succeeds, and the world remembers it, if it is known to be of this alias."""
        adopted = Record.parse(self.status).job_uid == job.uid
        known = adopted or job.object_uid == self.wanted.object_uid
        self.last_success = Success(job.identity, job.requested_at) if known else None
        self.change(
            job,
            finished=Finished.COMPLETE,
            finished_at=self.now,
            pod=an_ended_pod(0, a_report(state="done", exit=0)),
        )

    @precondition(lambda self: self.unfinished())
    @rule(code=st.sampled_from(EXIT_CODES))
    def job_fails(self, code: int) -> None:
        """The run ends with any exit code."""
        job = self.unfinished()
        assert job
        self.change(job, finished=Finished.FAILED, finished_at=self.now, pod=an_ended_pod(code))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def job_is_deleted(self, data: st.DataObject) -> None:
        """A person deletes any Job; an outcome that nobody had read is lost with it."""
        job = self.jobs[data.draw(st.sampled_from(sorted(self.jobs)))]
        record = Record.parse(self.status)
        if job.finished and (record.is_open or job.attempt > record.attempt):
            self.last_success = None
        self.delete(job)

    @rule()
    def pods_are_gone(self) -> None:
        """What was stopping has stopped."""
        self.pods.clear()

    @rule(length=st.sampled_from([1, 30, 400]))
    def time_passes(self, length: int) -> None:
        """Seconds go by."""
        self.now += timedelta(seconds=length)

    # the user

    @rule(identity=st.sampled_from("abc"))
    def image_changes(self, identity: str) -> None:
        """Forth, or back to an older one."""
        self.wanted = replace(self.wanted, identity=identity, body=f"body-{identity}")

    @rule(body=st.sampled_from("xyz"), asked=st.booleans())
    def body_changes_or_a_run_is_requested(self, body: str, asked: bool) -> None:
        """Other resources in the pod template, or another time in the annotation."""
        if asked:
            self.request()
        else:
            self.wanted = replace(self.wanted, body=f"body-{body}")

    def request(self) -> None:
        """A person asks for a run."""
        self.wanted = replace(self.wanted, requested_at=self.now.isoformat())

    @rule(made_again=st.booleans())
    def status_is_lost(self, made_again: bool) -> None:
        """By a restore, or with the alias, which is then made again; its Jobs live on."""
        self.uids += made_again
        uid = f"alias-{self.uids}" if made_again else self.wanted.object_uid
        self.wanted = replace(self.wanted, object_uid=uid)
        self.status = {}
        self.last_success = None

    # what always holds

    @invariant()
    def an_unchanged_record_is_stable(self) -> None:
        """What is written is what is read, or every pass would write again."""
        record = self.look().record
        assert Record.parse(record.render()).render() == record.render()

    @invariant()
    def attempts_have_names_and_numbers_of_their_own(self) -> None:
        """A Job is found by either."""
        assert len({job.attempt for job in self.jobs.values()}) == len(self.jobs)

    def teardown(self) -> None:
        """In a world without further mishap the alias ends migrated, as wanted."""
        for _ in range(12):
            self.pods.clear()
            self.now += timedelta(minutes=6)
            if job := self.unfinished():
                self.complete(job)
            verdict = self.look()
            if verdict.done:
                break
            if verdict.stalled:
                self.request()
            self.reconcile()
        assert verdict.done
        record = verdict.record
        assert record.completed
        assert record.completed.identity == self.wanted.identity
        assert record.outcome is not Outcome.RUNNING
        before = self.created
        self.reconcile()
        self.reconcile()
        assert self.created == before


class CheckedAlias(Alias):
    """The same life of an alias that is only looked at."""

    purpose = Purpose.CHECK
    mode = MigrateMode.CHECK


class CommandedAlias(Alias):
    """The same life of an alias on which a command runs."""

    purpose = Purpose.COMMAND
    command = Command("cache", ("createcachetable",))


TestAlias = Alias.TestCase
TestAlias.settings = LIFE
TestCheckedAlias = CheckedAlias.TestCase
TestCheckedAlias.settings = LIFE
TestCommandedAlias = CommandedAlias.TestCase
TestCommandedAlias.settings = LIFE
