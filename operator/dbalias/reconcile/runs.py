"""The migrate runs of one project: a verdict for each alias, and what may start now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.django.allowance import routing_on
from dbalias.django.artefact import runtime_hash
from dbalias.django.engines import Family
from dbalias.django.entries import Entry, EntryKind
from dbalias.migrations.decide import Verdict, decide, name_taken, not_created
from dbalias.migrations.identity import body_hash, database_mark, run_identity
from dbalias.migrations.jobs import JobSpec, build_job
from dbalias.migrations.marks import REQUEST_ANNOTATION
from dbalias.migrations.observed import JobState
from dbalias.migrations.order import release
from dbalias.migrations.record import Record
from dbalias.migrations.trouble import find_trouble
from dbalias.migrations.wanted import Wanted, request_order
from dbalias.reconcile.actions import CreateJob, DeleteObject
from dbalias.reconcile.desired import Desired, Hold, fingerprint
from dbalias.reconcile.names import migrate_secret_name, revision_name, stable_name
from dbalias.reconcile.snapshot import Snapshot

PASSING = frozenset({Reason.QUEUED, Reason.SETTLING, Reason.SUSPENDED, Reason.WAITING_FOR_OBJECTS})
"""Reasons to wait that end without anybody mending this alias."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The outcome: by alias its record and its condition ``Migrated``.

    ``done``: nothing is left to migrate there. ``open``: something is under way or will
    start by itself, so that the picture will change without an edit.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    conditions: Mapping[str, ConditionValue] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    create: tuple[CreateJob, ...] = ()
    delete: tuple[DeleteObject, ...] = ()
    config_map: str = ""
    """The revision's ConfigMap, which the Jobs in ``create`` mount."""
    active: bool = False
    wake_at: datetime | None = None


def plan_runs(snapshot: Snapshot, desired: Desired, now: datetime, *, gate: Hold | None) -> Runs:
    """Decide for every alias; while ``gate`` is closed nothing new starts."""
    builder = _Builder(snapshot, desired)
    wanted = {
        alias: builder.wanted(alias, owner) for alias, owner in desired.resolution.owners.items()
    }
    verdicts = {
        alias: decide(
            one,
            record=builder.record(alias),
            jobs=[job for job in snapshot.jobs if job.alias == alias],
            now=now,
        )
        for alias, one in wanted.items()
    }
    orphans = [job for job in snapshot.jobs if job.alias not in wanted]
    blocked = builder.blocked(verdicts, wanted, gate)
    # Who may not start takes no turn and no database from those who may.
    allowed, held = release(
        {a: replace(v, start=None) if a in blocked else v for a, v in verdicts.items()},
        wanted,
        running=orphans,
        max_parallel=desired.project.migrate.max_parallel,
    )
    told = builder.refused(verdicts, wanted, allowed)
    runs = _assemble(
        builder, verdicts, held={**held, **blocked, **told}, allowed=allowed, orphans=orphans
    )
    return replace(runs, delete=(*runs.delete, *_left_behind(orphans, now)))


def _left_behind(orphans: Iterable[JobState], now: datetime) -> Iterator[DeleteObject]:
    """Jobs of aliases that are declared no more: what has ended, and what cannot start."""
    for job in orphans:
        trouble = None if job.finished else find_trouble(job, now=now)
        idle = job.finished or (trouble is not None and not trouble.began)
        if idle and not job.deleting:
            yield DeleteObject("Job", job.name, job.uid)


def _assemble(
    builder: _Builder,
    verdicts: Mapping[str, Verdict],
    *,
    held: Mapping[str, ConditionValue],
    allowed: tuple[str, ...],
    orphans: list[JobState],
) -> Runs:
    records = {alias: verdict.record for alias, verdict in verdicts.items()}
    conditions = {alias: held.get(alias, verdict.condition) for alias, verdict in verdicts.items()}
    creations = []
    for alias in allowed:
        start = verdicts[alias].start
        assert start is not None
        records[alias] = start.record
        creations.append(CreateJob(alias, builder.job(alias, start.record)))
    return Runs(
        records=records,
        conditions=conditions,
        verdicts=verdicts,
        done=frozenset(alias for alias, verdict in verdicts.items() if verdict.done),
        open=frozenset(
            alias for alias in verdicts if _is_open(verdicts[alias], held.get(alias), verdicts)
        ),
        create=tuple(creations),
        delete=_deletions(builder.snapshot, verdicts),
        config_map=builder.config_map,
        active=any(v.active for v in verdicts.values()) or any(not job.finished for job in orphans),
        wake_at=earliest(*(verdict.wake_at for verdict in verdicts.values())),
    )


def _is_open(
    verdict: Verdict, held: ConditionValue | None, verdicts: Mapping[str, Verdict]
) -> bool:
    """Tell whether an alias will come to an end by itself: for it a first publication waits."""
    if verdict.done or (verdict.failed and not verdict.active):
        return False
    if held is None:
        return True
    if held.reason is Reason.DEPENDENCY_NOT_MIGRATED:
        return not any(one.failed for one in verdicts.values())
    return held.reason in PASSING


def _deletions(snapshot: Snapshot, verdicts: Mapping[str, Verdict]) -> tuple[DeleteObject, ...]:
    names = {name for verdict in verdicts.values() for name in verdict.retire}
    names |= {verdict.cancel for verdict in verdicts.values() if verdict.cancel}
    return tuple(
        DeleteObject("Job", job.name, job.uid) for job in snapshot.jobs if job.name in names
    )


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of these moments, None for none at all."""
    return min((moment for moment in moments if moment is not None), default=None)


class _Builder:
    """Builds what depends on snapshot and desire alike: wishes and Jobs."""

    def __init__(self, snapshot: Snapshot, desired: Desired) -> None:
        self.snapshot = snapshot
        self.desired = desired
        self.config_map = revision_name(
            snapshot.key.name, desired.artefact.revision, runtime_hash()
        )
        self._records = {
            alias: Record.parse(owner.status.get("migration"))
            for alias, owner in desired.resolution.owners.items()
        }

    def record(self, alias: str) -> Record:
        return self._records[alias]

    def wanted(self, alias: str, owner: DatabaseAlias) -> Wanted:
        entry = self.desired.resolution.entries.get(alias)
        project = self.desired.project
        if entry is None:
            return self._frozen(alias, owner)
        routing = routing_on(self.desired.routing.document, alias)
        identity = run_identity(project, entry, routing, owner)
        database = entry.database if entry.kind is EntryKind.PRIMARY else None
        needs_body = entry.kind is EntryKind.PRIMARY and project.image is not None
        body = self._body_hash(owner, entry, routing) if needs_body else ""
        return Wanted(
            project=project.metadata.name,
            alias=alias,
            object=owner.metadata.name,
            object_uid=owner.metadata.uid,
            identity=identity,
            body=body,
            kind=entry.kind,
            mode=entry.mode,
            database=database.key if database else "",
            depends_on=owner.migrate.depends_on,
            transactional_ddl=bool(database and database.family is Family.POSTGRESQL),
            requested_at=_request(project.metadata.annotations, owner.metadata.annotations),
            image=project.image,
            history_limit=project.migrate.history_limit,
        )

    def _body_hash(self, owner: DatabaseAlias, entry: Entry, routing: JSON) -> str:
        """Name all that may make another attempt at this alias end differently.

        Of the document that is what concerns this alias, and of the Secrets its own: another
        alias' change does not repeat a migration that failed half-way.
        """
        document = self.desired.artefact.document
        migration = entry.migration.document() if entry.migration else None
        concerns = [entry.connection.document(), migration, routing]
        concerns += [document[part] for part in ("settings", "extra", "routers")]
        job = self._body(owner, entry, config_map=digest(concerns))
        secrets = {**entry.secret_data, **entry.migrate_secret_data}
        return body_hash(job, fingerprint(self.desired.salt, secrets))

    def _frozen(self, alias: str, owner: DatabaseAlias) -> Wanted:
        """What was wanted last: enough to store how a run ended, never to start one."""
        record, project = self._records[alias], self.desired.project
        return Wanted(
            project=project.metadata.name,
            alias=alias,
            object=owner.metadata.name,
            object_uid=owner.metadata.uid,
            identity=record.identity,
            body=record.body,
            kind=EntryKind.PRIMARY,
            mode=owner.migrate.mode or project.migrate.mode,
            depends_on=owner.migrate.depends_on,
            transactional_ddl=False,
            requested_at=record.handled_request,
            image=project.image,
            history_limit=project.migrate.history_limit,
        )

    def blocked(
        self,
        verdicts: Mapping[str, Verdict],
        wanted: Mapping[str, Wanted],
        gate: Hold | None,
    ) -> dict[str, ConditionValue]:
        """Return the condition of each alias that would start and may not."""
        found: dict[str, ConditionValue] = {}
        for alias, verdict in verdicts.items():
            if verdict.start is None:
                continue
            problems = self.desired.resolution.problems.get(alias)
            if problems:
                found[alias] = _migrated(problems[0].reason, str(problems[0]))
            elif gate is not None:
                found[alias] = _migrated(gate.reason, gate.message)
            elif verdict.start.job in self.snapshot.foreign_jobs:
                found[alias] = name_taken(wanted[alias], verdict.start.job)
        return found

    def refused(
        self,
        verdicts: Mapping[str, Verdict],
        wanted: Mapping[str, Wanted],
        allowed: tuple[str, ...],
    ) -> dict[str, ConditionValue]:
        """Return what to say of Jobs that were refused and are tried again in this pass."""
        found: dict[str, ConditionValue] = {}
        for alias in allowed:
            start = verdicts[alias].start
            refusal = self.snapshot.memory.refusals.get(f"Job/{start.job}") if start else None
            if start and refusal:
                found[alias] = not_created(wanted[alias], start.job, message=refusal)
        return found

    def _body(self, owner: DatabaseAlias, entry: Entry, **fields: object) -> JSON:
        name = self.snapshot.key.name
        migrate = migrate_secret_name(name) if entry.migrate_secret_data else None
        spec = JobSpec(
            project=self.desired.project,
            alias=owner,
            config_map=self.config_map,
            secret=stable_name(name),
            migrate_secret=migrate,
        )
        return build_job(replace(spec, **fields))  # type: ignore[arg-type]

    def job(self, alias: str, record: Record) -> JSON:
        """Return the Job of a record that is about to start."""
        entry = self.desired.resolution.entries[alias]
        database = entry.database
        return self._body(
            self.desired.resolution.owners[alias],
            entry,
            attempt=record.attempt,
            name=record.job,
            identity=record.identity,
            body=record.body,
            database=database_mark(database.key) if database else "",
            requested_at=record.handled_request,
        )


def _request(*annotations: Mapping[str, str]) -> str | None:
    """Return the latest request for a run, of the alias or of the whole project."""
    asked = [given[REQUEST_ANNOTATION] for given in annotations if REQUEST_ANNOTATION in given]
    return max(asked, key=request_order, default=None)


def _migrated(reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(Condition.MIGRATED, Status.FALSE, reason, message)
