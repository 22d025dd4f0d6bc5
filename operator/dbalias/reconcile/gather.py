"""Read one project and all that belongs to it, live, into a Snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace

from dbalias.api.meta import JSON, Key, Kind
from dbalias.api.ownership import MANAGED_BY, MANAGER, PROJECT_LABEL, is_controlled_by
from dbalias.api.project import DjangoProject, Workload
from dbalias.migrations.jobs import task_labels
from dbalias.migrations.marks import PROJECT, Task
from dbalias.migrations.observed import JobState, is_ours, parse_job, parse_pod
from dbalias.migrations.record import Outcome, Record, stored_tasks
from dbalias.migrations.remains import last_words, survivors
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.declared import decode_secret, with_declared
from dbalias.reconcile.inputs import with_inputs
from dbalias.reconcile.names import JOB_MOUNTED, migrate_secret_name, stable_name
from dbalias.reconcile.ports import WORKLOADS, Cluster, Resource
from dbalias.reconcile.reading import Reading
from dbalias.reconcile.snapshot import (
    Memory,
    PublishedConfigMap,
    PublishedSecret,
    Snapshot,
    WorkloadState,
)

WARNINGS = {"type": "Warning"}
"""Events that say why a pod is not made or does not start: one list, however many Jobs wait."""


async def gather(cluster: Cluster, secrets: BindingSecrets, key: Key, memory: Memory) -> Snapshot:
    """Return the snapshot of one project; what could not be read is named in it."""
    reading = Reading(cluster, key)
    by_project = {"spec.projectRef.name": key.name}
    project_body, alias_bodies, policy_bodies = await asyncio.gather(
        reading.one(Resource.PROJECTS, key.name),
        reading.listed(Resource.ALIASES, fields=by_project),
        reading.listed(Resource.POLICIES, fields=by_project),
    )
    snapshot = with_declared(Snapshot(key, memory), project_body, alias_bodies, policy_bodies)
    if snapshot.project is not None and not reading.unreadable:
        snapshot = await _with_observed(snapshot, reading, secrets)
    return replace(
        snapshot,
        unreadable=tuple(reading.unreadable),
        versions=dict(reading.versions),
        bindings=dict(reading.bindings),
    )


async def _with_observed(snapshot: Snapshot, reading: Reading, secrets: BindingSecrets) -> Snapshot:
    assert snapshot.project is not None
    uid = snapshot.project.metadata.uid
    stable, migrate = stable_name(snapshot.key.name), migrate_secret_name(snapshot.key.name)
    ours = {PROJECT_LABEL: snapshot.key.name}
    snapshot, (jobs, foreign), workloads, bodies = await asyncio.gather(
        with_inputs(reading, secrets, snapshot),
        _jobs(reading, snapshot),
        _workloads(reading, snapshot),
        asyncio.gather(
            reading.one(Resource.CONFIG_MAPS, stable),
            reading.one(Resource.SECRETS, stable),
            reading.one(Resource.SECRETS, migrate),
        ),
    )
    config_map, secret, migrate_secret = bodies
    revisions = await reading.listed(Resource.CONFIG_MAPS, labels=ours | JOB_MOUNTED)
    return replace(
        snapshot,
        config_map=_config_map(config_map, uid),
        secret=_secret(secret, uid),
        migrate_secret=_secret(migrate_secret, uid),
        revisions=tuple(c for b in revisions if (c := _config_map(b, uid)) and c.ours),
        jobs=jobs,
        foreign_jobs=foreign,
        workloads=workloads,
    )


def _config_map(body: JSON | None, uid: str) -> PublishedConfigMap | None:
    if body is None:
        return None
    meta = body["metadata"]
    return PublishedConfigMap(
        name=meta["name"],
        uid=meta["uid"],
        ours=is_controlled_by(body, uid),
        predecessors=_is_predecessors(body, uid),
        data=dict(body.get("data") or {}),
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
    )


def _secret(body: JSON | None, uid: str) -> PublishedSecret | None:
    if body is None:
        return None
    meta = body["metadata"]
    return PublishedSecret(
        name=meta["name"],
        uid=meta["uid"],
        ours=is_controlled_by(body, uid),
        predecessors=_is_predecessors(body, uid),
        data=decode_secret(body),
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
    )


def _is_predecessors(body: JSON, uid: str) -> bool:
    labels, references = (
        body["metadata"].get("labels") or {},
        body["metadata"].get("ownerReferences"),
    )
    return any(
        ref.get("controller")
        and ref.get("kind") == Kind.PROJECT.value
        and ref.get("name") == labels.get(PROJECT_LABEL)
        and ref.get("uid") != uid
        for ref in references or ()
    )


async def _jobs(
    reading: Reading, snapshot: Snapshot
) -> tuple[tuple[JobState, ...], frozenset[str]]:
    """Return the project's Jobs, and the names of Jobs of others in the place of one."""
    ours, gone = {PROJECT_LABEL: reading.key.name}, snapshot.memory.last_words
    # In this order: a Job that looks finished must not meet a pod from before its end, whose
    # report would then be lost.
    jobs = await reading.listed(Resource.JOBS, labels=ours)
    known = {job["metadata"]["name"] for job in jobs if is_ours(job["metadata"]["labels"])}
    named, foreign = await _named_jobs(reading, snapshot, known)
    jobs += named
    pods = await reading.listed(Resource.PODS, labels=ours)
    observed = [parse_pod(pod) for pod in pods]
    started = {pod.owner for pod in observed if pod.started}
    told = all(job["metadata"]["uid"] in started or is_finished(job) for job in jobs)
    warnings = [] if told else await reading.listed(Resource.EVENTS, fields=WARNINGS)
    # An evicted pod is gone when its Job has failed: then it counts as it was seen last.
    ended = [*observed, *gone]
    states = [
        state
        for body in jobs
        if (state := parse_job(body, ended if is_finished(body) else observed, warnings))
    ]
    states += survivors(observed, states)
    states += last_words(gone, states)
    return tuple(sorted(states, key=lambda job: (job.alias, job.attempt))), foreign


def is_finished(job: Mapping[str, JSON]) -> bool:
    """Tell whether a Job has ended; FailureTarget alone is not an end."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


async def _named_jobs(
    reading: Reading, snapshot: Snapshot, listed: Container[str]
) -> tuple[list[JSON], frozenset[str]]:
    """Return our own Jobs that open records name and no label tells, and the names others took.

    Anyone may remove a label. What it said, the record says as well; that of the project stays
    away, so that a Job that no watch sees is known as one.
    """
    assert snapshot.project is not None
    own, foreign = [], set()
    for task, record in records(snapshot):
        if record.is_open and record.job and record.job not in listed:
            body = await reading.one(Resource.JOBS, record.job)
            if body is None:
                continue
            if is_controlled_by(body, snapshot.project.metadata.uid):
                labels = {MANAGED_BY: MANAGER} | task_labels(task, record.attempt)
                own.append({**body, "metadata": {**body["metadata"], "labels": labels}})
            elif record.outcome is Outcome.STARTING:
                foreign.add(record.job)
    return own, frozenset(foreign)


def records(snapshot: Snapshot) -> Iterator[tuple[Task, Record]]:
    """Yield every record that a status of the project's objects keeps."""
    statuses = [(one.alias, one.status) for one in snapshot.aliases]
    if snapshot.project is not None:
        statuses.append((PROJECT, snapshot.project.status))
    for alias, status in statuses:
        for task in stored_tasks(status, alias):
            yield task, Record.stored(status, task)


async def _workloads(reading: Reading, snapshot: Snapshot) -> tuple[WorkloadState, ...]:
    project = snapshot.project
    declared = project.workloads if isinstance(project, DjangoProject) else ()
    rotates = any(alias.provision for alias in snapshot.aliases)
    return tuple(await asyncio.gather(*(_workload(reading, w, rotates=rotates) for w in declared)))


async def _workload(reading: Reading, workload: Workload, *, rotates: bool) -> WorkloadState:
    body = await reading.one(WORKLOADS[workload.kind], workload.name)
    if body is None:
        return WorkloadState(workload, found=False)
    template = (body["spec"].get("template") or {}).get("metadata") or {}
    return WorkloadState(
        workload,
        found=True,
        template_annotations=dict(template.get("annotations") or {}),
        rolled_out=_rolled_out(body),
        leaving=rotates and await _has_leaving_pods(reading, body),
    )


async def _has_leaving_pods(reading: Reading, body: JSON) -> bool:
    """Tell whether pods are still ending, which a workload's own status does not count."""
    labels = (body["spec"].get("selector") or {}).get("matchLabels")
    pods = await reading.listed(Resource.PODS, labels=labels) if labels else []
    return any(pod["metadata"].get("deletionTimestamp") for pod in pods)


def _rolled_out(body: JSON) -> bool:
    status, spec = body.get("status") or {}, body["spec"]
    if status.get("observedGeneration", 0) < body["metadata"].get("generation", 0):
        return False
    if body["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        updated, available = "updatedNumberScheduled", "numberAvailable"
    else:
        wanted = spec.get("replicas", 1)
        updated, available = "updatedReplicas", "availableReplicas"
    return bool(
        status.get(updated, 0) >= wanted
        and status.get(available, 0) >= wanted
        and status.get("replicas", wanted) <= wanted
    )
