"""What is wanted of each alias, and the Jobs that would bring it about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.django.allowance import routing_on
from dbalias.django.artefact import runtime_hash
from dbalias.django.engines import Family
from dbalias.django.entries import Entry, EntryKind
from dbalias.migrations.identity import body_hash, database_mark, run_identity
from dbalias.migrations.jobs import JobSpec, build_job
from dbalias.migrations.marks import REQUESTS, Purpose
from dbalias.migrations.record import Record
from dbalias.migrations.wanted import Wanted, request_order
from dbalias.reconcile.desired import Desired, fingerprint
from dbalias.reconcile.names import migrate_secret_name, revision_name, stable_name
from dbalias.reconcile.snapshot import Snapshot


class Wishes:
    """Builds what depends on snapshot and desire alike: wishes and Jobs."""

    def __init__(self, snapshot: Snapshot, desired: Desired) -> None:
        self.snapshot = snapshot
        self.desired = desired
        self.config_map = revision_name(
            snapshot.key.name, desired.artefact.revision, runtime_hash()
        )

    def record(self, alias: str, purpose: Purpose) -> Record:
        """Return the record that the alias' status holds."""
        return Record.stored(self.desired.resolution.owners[alias].status, purpose)

    def wanted(self, alias: str) -> dict[Purpose, Wanted]:
        """Return what is wanted of an alias, for each purpose."""
        owner = self.desired.resolution.owners[alias]
        entry = self.desired.resolution.entries.get(alias)
        if entry is None:
            return {purpose: self._frozen(owner, purpose) for purpose in Purpose}
        routing = routing_on(self.desired.routing.document, alias)
        common = self._common(owner, entry, routing)
        return {
            purpose: replace(
                common,
                purpose=purpose,
                requested_at=self._request(owner, common, purpose),
            )
            for purpose in Purpose
        }

    def _common(self, owner: DatabaseAlias, entry: Entry, routing: JSON) -> Wanted:
        project = self.desired.project
        database = entry.database if entry.kind is EntryKind.PRIMARY else None
        return Wanted(
            project=project.metadata.name,
            alias=owner.alias,
            object=owner.metadata.name,
            object_uid=owner.metadata.uid,
            identity=run_identity(project, entry, routing, owner),
            body=self._body_hash(owner, entry, routing),
            kind=entry.kind,
            mode=entry.mode,
            database=database.key if database else "",
            depends_on=owner.migrate.depends_on,
            transactional_ddl=bool(database and database.family is Family.POSTGRESQL),
            image=project.image,
            history_limit=project.migrate.history_limit,
        )

    def _body_hash(self, owner: DatabaseAlias, entry: Entry, routing: JSON) -> str:
        """Name all that may make another attempt at this alias end differently, of any purpose.

        Of the document that is what concerns this alias, and of the Secrets its own: another
        alias' change does not repeat a migration that failed half-way.
        """
        if entry.kind is not EntryKind.PRIMARY or self.desired.project.image is None:
            return ""
        document = self.desired.artefact.document
        migration = entry.migration.document() if entry.migration else None
        concerns = [entry.connection.document(), migration, routing]
        concerns += [document[part] for part in ("settings", "extra", "routers")]
        job = self._body(owner, entry, config_map=digest(concerns))
        secrets = {**entry.secret_data, **entry.migrate_secret_data}
        return body_hash(job, fingerprint(self.desired.salt, secrets))

    def _request(self, owner: DatabaseAlias, wanted: Wanted, purpose: Purpose) -> str | None:
        """Return the latest request for a run, of the alias or of the whole project.

        Where a check stands in for the migration, it answers for both.
        """
        annotations = [REQUESTS[purpose]]
        if purpose is Purpose.CHECK and replace(wanted, purpose=purpose).is_automatic:
            annotations.append(REQUESTS[Purpose.MIGRATE])
        asked = _values(self.desired.project.metadata.annotations, annotations)
        asked += _values(owner.metadata.annotations, annotations)
        return max(asked, key=request_order, default=None)

    def _frozen(self, owner: DatabaseAlias, purpose: Purpose) -> Wanted:
        """What was wanted last: enough to store how a run ended, never to start one."""
        record, project = self.record(owner.alias, purpose), self.desired.project
        return Wanted(
            project=project.metadata.name,
            alias=owner.alias,
            object=owner.metadata.name,
            object_uid=owner.metadata.uid,
            identity=record.identity,
            body=record.body,
            kind=EntryKind.PRIMARY,
            mode=owner.migrate.mode or project.migrate.mode,
            purpose=purpose,
            depends_on=owner.migrate.depends_on,
            requested_at=record.handled_request,
            image=project.image,
            history_limit=project.migrate.history_limit,
        )

    def job(self, alias: str, record: Record, purpose: Purpose) -> JSON:
        """Return the Job of a record that is about to start."""
        entry = self.desired.resolution.entries[alias]
        database = entry.database
        return self._body(
            self.desired.resolution.owners[alias],
            entry,
            purpose=purpose,
            attempt=record.attempt,
            name=record.job,
            identity=record.identity,
            body=record.body,
            database=database_mark(database.key) if database else "",
            requested_at=record.handled_request,
        )

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


def _values(given: Mapping[str, str], names: list[str]) -> list[str]:
    return [given[name] for name in names if name in given]
