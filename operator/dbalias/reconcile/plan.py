"""The plan of one pass: total, pure, from a snapshot and a clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status, parse_timestamp
from dbalias.api.meta import JSON, Kind
from dbalias.api.project import DjangoProject
from dbalias.reconcile.actions import Action, Plan, WriteStatus
from dbalias.reconcile.alias_status import (
    AWAITED_REASONS,
    alias_status,
    broken_status,
    policy_status,
)
from dbalias.reconcile.approvals import find_approvals, with_approvals
from dbalias.reconcile.desired import Desired, build_desired
from dbalias.reconcile.gate import find_gate, find_refusal
from dbalias.reconcile.project_status import Picture, project_status
from dbalias.reconcile.publication import Publication, plan_publication
from dbalias.reconcile.routes import newest_routes
from dbalias.reconcile.runs import Runs, earliest, plan_runs
from dbalias.reconcile.settled import find_delivered
from dbalias.reconcile.snapshot import Broken, Snapshot
from dbalias.reconcile.status import Obstacle, Subject, summary, write_status
from dbalias.reconcile.workloads import plan_rollout

LOOK_AGAIN = timedelta(seconds=5)
"""While a Job has not started or a workload rolls: neither tells us by an event of its own."""
UNREADABLE_AGAIN = timedelta(seconds=15)


def plan(snapshot: Snapshot, now: datetime) -> Plan:
    """Decide what one pass does; never raises, whatever the snapshot holds."""
    if snapshot.unreadable:
        return _unreadable(snapshot, now)
    match snapshot.project:
        case None:
            return Plan(snapshot.key, early=tuple(_orphans(snapshot, now)))
        case Broken() as broken:
            statuses = (*_some(broken_status(broken, now)), *_broken(snapshot, now))
            return Plan(snapshot.key, early=statuses, failing=now.timestamp())
        case DjangoProject():
            return _plan_project(snapshot, build_desired(snapshot), now)


def _plan_project(snapshot: Snapshot, desired: Desired, now: datetime) -> Plan:
    gate = find_gate(snapshot, desired, now)
    runs = plan_runs(snapshot, desired, now, gate=gate.hold)
    approvals = find_approvals(desired.project, runs, now)
    runs = with_approvals(runs, approvals, desired.project)
    publication = plan_publication(snapshot, desired, runs, now)
    rollout = plan_rollout(
        snapshot.workloads,
        revision=publication.revision,
        credentials=publication.credentials,
        refusals=snapshot.memory.refusals,
        migrated=publication.complete,
    )
    routes = newest_routes(snapshot, desired.artefact.revision)
    picture = Picture(desired, runs, publication, rollout.condition, gate.hold, approvals, routes)
    project = project_status(picture, now)
    delivered = find_delivered(snapshot, publication, runs, rollout.condition)
    aliases = (alias_status(one, desired, runs, delivered, now) for one in snapshot.aliases)
    statuses = (*_some(*aliases), *_statuses(snapshot, desired, now), *_some(project))
    restarts = rollout.restarts if gate.hold is None else ()
    leaving = any(one.leaving for one in snapshot.workloads)
    looking = rollout.rolling or leaving or snapshot.foreign_jobs or _has_unwatched_job(snapshot)
    look_at = now + LOOK_AGAIN if looking else None
    return Plan(
        key=snapshot.key,
        owner=desired.project.metadata,
        early=_in_order(snapshot, publication, statuses, runs),
        late=(*runs.create, *restarts),
        wake_at=earliest(gate.wake_at, runs.wake_at, publication.wake_at, look_at),
        awaiting=any(
            problem.reason in AWAITED_REASONS
            for problems in desired.resolution.problems.values()
            for problem in problems
        ),
        counts=picture.counts(),
        failing=_failing_since(project, desired.project.status),
    )


def _has_unwatched_job(snapshot: Snapshot) -> bool:
    """Tell whether a Job has not started, or lost the label by which watches see it."""
    return any(
        not job.finished and (job.pod is None or not job.pod.started or not job.project)
        for job in snapshot.jobs
    )


def _in_order(
    snapshot: Snapshot, publication: Publication, statuses: tuple[Action, ...], runs: Runs
) -> tuple[Action, ...]:
    """Secret before ConfigMap before the deletion of what neither needs; outcomes first stored.

    After a refusal the statuses come first: they say what was refused, whether or not the
    next try succeeds.
    """
    published = (*publication.secrets, *publication.config_maps)
    first = (statuses, published) if find_refusal(snapshot) else (published, statuses)
    return (*first[0], *first[1], *publication.prune, *runs.delete)


def _statuses(snapshot: Snapshot, desired: Desired, now: datetime) -> Iterator[Action]:
    for policy in snapshot.policies:
        yield from _some(policy_status(policy, desired, now))
    yield from _broken(snapshot, now)


def _broken(snapshot: Snapshot, now: datetime) -> Iterator[Action]:
    for broken in snapshot.broken:
        yield from _some(broken_status(broken, now))


def _orphans(snapshot: Snapshot, now: datetime) -> Iterator[Action]:
    """Aliases and policies whose project does not exist, or not yet."""
    message = f"DjangoProject/{snapshot.key.name} does not exist in this namespace (yet)"
    conditions = summary(Obstacle.of(Reason.PROJECT_NOT_FOUND, message), ready="")
    declared = [(Kind.ALIAS, one.metadata, one.status) for one in snapshot.aliases]
    declared += [(Kind.POLICY, one.metadata, one.status) for one in snapshot.policies]
    for kind, metadata, status in declared:
        # What the last project left in the status is another project's past.
        yield from _some(write_status(Subject(kind, metadata, status), conditions, {}, now=now))
    yield from _broken(snapshot, now)


def _unreadable(snapshot: Snapshot, now: datetime) -> Plan:
    """Change nothing that is published or running; say on the project what cannot be read."""
    wake_at = now + UNREADABLE_AGAIN
    project = snapshot.project
    if not (isinstance(project, DjangoProject) and snapshot.memory.unread_before):
        return Plan(snapshot.key, wake_at=wake_at)  # a single hiccup is not worth a word
    message = f"nothing is changed while this lasts: {'; '.join(sorted(snapshot.unreadable))}"
    subject = Subject(Kind.PROJECT, project.metadata, project.status)
    told_before = tuple(ConditionValue.parse(subject.conditions))
    fresh = summary(Obstacle.of(Reason.UNREADABLE, message), ready="")
    replaced = {value.type for value in fresh}
    conditions = (*fresh, *(value for value in told_before if value.type not in replaced))
    told = write_status(subject, conditions, subject.further, now=now)
    return Plan(snapshot.key, early=_some(told), wake_at=wake_at)


def _failing_since(written: WriteStatus | None, status: JSON) -> float:
    conditions = (written.status if written else status).get("conditions") or ()
    for condition in conditions:
        stalled = condition["type"] == Condition.STALLED.value
        if stalled and condition["status"] == Status.TRUE.value:
            since = parse_timestamp(condition["lastTransitionTime"])
            return since.timestamp() if since else 0.0
    return 0.0


def _some(*writes: Action | None) -> tuple[Action, ...]:
    return tuple(write for write in writes if write is not None)
