"""What is wanted of each alias and of the project, and the Jobs that would bring it about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.api.project import Command, CommandScope, MigrateMode
from dbalias.api.secrets import fingerprint
from dbalias.django.allowance import routing_on
from dbalias.django.artefact import runtime_hash
from dbalias.django.engines import Family
from dbalias.django.entries import Entry, EntryKind
from dbalias.migrations.approval import Approval, Decision
from dbalias.migrations.identity import (
    body_hash,
    command_identity,
    database_mark,
    run_identity,
)
from dbalias.migrations.jobs import JobSpec, build_job
from dbalias.migrations.looks import clearance, look_request
from dbalias.migrations.marks import OF_THE_SCHEMA, PROJECT, REQUESTS, Purpose, Task
from dbalias.migrations.record import Record, stored_tasks
from dbalias.migrations.wanted import Wanted, request_order
from dbalias.reconcile.desired import Desired
from dbalias.reconcile.names import migrate_secret_name, revision_name, stable_name
from dbalias.reconcile.snapshot import Snapshot


class Wishes:
    """Builds what depends on snapshot and desire alike: wishes and Jobs."""

    def __init__(self, snapshot: Snapshot, desired: Desired) -> None:
        self.snapshot = snapshot
        self.desired = desired
        self._approval = Approval.stored(desired.project.status)
        self.config_map = revision_name(
            snapshot.key.name, desired.artefact.revision, runtime_hash()
        )

    def record(self, task: Task) -> Record:
        """Return the record that the status of alias or project holds."""
        if task.alias == PROJECT:
            return Record.stored(self.desired.project.status, task)
        return Record.stored(self.desired.resolution.owners[task.alias].status, task)

    def wanted(self) -> dict[Task, Wanted]:
        """Return what is wanted, by task; commands of one place in the order of the spec."""
        found = [
            one for owner in self.desired.resolution.owners.values() for one in self._on(owner)
        ]
        found += [
            self._for_project(command)
            for command in self.desired.project.commands
            if command.scope is CommandScope.PROJECT
        ]
        return {one.task: one for one in found}

    def _on(self, owner: DatabaseAlias) -> Iterator[Wanted]:
        """What is wanted of one alias: to be migrated, checked, and what commands do there."""
        entry = self.desired.resolution.entries.get(owner.alias)
        if entry is None:
            yield from self._frozen(owner)
            return
        routing = routing_on(self.desired.routing.document, owner.alias)
        common = replace(self._common(owner, entry, routing), decision=self._decision(owner.alias))
        for purpose in OF_THE_SCHEMA:
            asked = self._request(owner, common, purpose)
            yield replace(common, purpose=purpose, requested_at=asked)
        for command in self.desired.project.commands:
            if is_run_on(command, entry):
                yield self._command(command, common, owner=owner, entry=entry)

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

    def _decision(self, alias: str) -> Decision:
        """What a person decided on an alias, as the statuses hold it."""
        migrated, checked = (self.record(Task(alias, purpose)) for purpose in OF_THE_SCHEMA)
        return Decision.on(alias, self._approval, plan=checked.plan, migrated=migrated)

    def _command(
        self, command: Command, common: Wanted, *, owner: DatabaseAlias, entry: Entry
    ) -> Wanted:
        """What is wanted of an alias for one command; none is known to be transactional."""
        routing = routing_on(self.desired.routing.document, owner.alias)
        places = {owner.alias: [routing, common.database]}
        return replace(
            common,
            purpose=Purpose.COMMAND,
            command=command,
            identity=command_identity(self.desired.project, command, places),
            body=self._body_hash(owner, entry, routing, purpose=Purpose.COMMAND, command=command),
            requested_at=self._request(owner, common, Purpose.COMMAND),
            depends_on=(),
            transactional_ddl=False,
        )

    def _for_project(self, command: Command) -> Wanted:
        """What is wanted of a command that takes no database; it may look at all of them.

        One that has completed is not repeated because an alias cannot be resolved for a while,
        unless it is another program by now.
        """
        project, resolution = self.desired.project, self.desired.resolution
        document = self.desired.routing.document
        places = {
            alias: [routing_on(document, alias), entry.database.key if entry.database else ""]
            for alias, entry in resolution.entries.items()
        }
        return Wanted(
            project=project.metadata.name,
            alias=PROJECT,
            object=project.metadata.name,
            object_uid=project.metadata.uid,
            identity=command_identity(project, command, places),
            body=self._project_body_hash(command),
            kind=EntryKind.PRIMARY,
            mode=project.migrate.mode,
            purpose=Purpose.COMMAND,
            command=command,
            requested_at=_latest(project.metadata.annotations, [REQUESTS[Purpose.COMMAND]]),
            image=project.image,
            history_limit=project.migrate.history_limit,
            partial=bool(resolution.problems),
        )

    def _body_hash(
        self, owner: DatabaseAlias, entry: Entry, routing: JSON, **fields: object
    ) -> str:
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
        job = self._body(owner, entry, config_map=digest(concerns), **fields)
        secrets = {**entry.secret_data, **entry.migrate_secret_data}
        return body_hash(job, fingerprint(self.desired.salt, secrets))

    def _project_body_hash(self, command: Command) -> str:
        """Name all that may make another attempt end differently: the whole document is read."""
        if self.desired.project.image is None:
            return ""
        entries = self.desired.resolution.entries.values()
        secrets = {name: value for entry in entries for name, value in entry.secret_data.items()}
        revision = self.desired.artefact.revision
        job = self._body(None, None, config_map=revision, purpose=Purpose.COMMAND, command=command)
        return body_hash(job, fingerprint(self.desired.salt, secrets))

    def _request(self, owner: DatabaseAlias, wanted: Wanted, purpose: Purpose) -> str | None:
        """Return the latest request for a run, of the alias or of the whole project.

        Where a check stands in for the migration, it answers for both. A killed run asks too.
        """
        annotations = [REQUESTS[purpose]]
        if purpose is Purpose.CHECK and replace(wanted, purpose=purpose).is_automatic:
            annotations.append(REQUESTS[Purpose.MIGRATE])
        of_project = _latest(self.desired.project.metadata.annotations, annotations)
        of_alias = _latest(owner.metadata.annotations, annotations)
        asked = (of_project, of_alias, self._own_request(owner.alias, wanted, purpose))
        return max(filter(None, asked), key=request_order, default=None)

    def _own_request(self, alias: str, wanted: Wanted, purpose: Purpose) -> str | None:
        """Return what follows from a run that was killed in the middle: a look, then another."""
        if wanted.mode is not MigrateMode.AUTO or purpose is Purpose.COMMAND:
            return None
        migrated, checked = (self.record(Task(alias, one)) for one in OF_THE_SCHEMA)
        if purpose is Purpose.CHECK:
            return look_request(migrated)
        # A command of the project's own may have been killed outside of Django's history.
        return None if self.desired.project.migrate.command else clearance(migrated, checked)

    def _frozen(self, owner: DatabaseAlias) -> Iterator[Wanted]:
        """What was wanted last: enough to store how a run ended, never to start one."""
        project = self.desired.project
        commands = {one.name: one for one in project.commands}
        always = [Task(owner.alias, purpose) for purpose in OF_THE_SCHEMA]
        for task in dict.fromkeys([*always, *stored_tasks(owner.status, owner.alias)]):
            if task.command and task.command not in commands:
                continue
            record = self.record(task)
            yield Wanted(
                project=project.metadata.name,
                alias=owner.alias,
                object=owner.metadata.name,
                object_uid=owner.metadata.uid,
                identity=record.identity,
                body=record.body,
                kind=EntryKind.PRIMARY,
                mode=owner.migrate.mode or project.migrate.mode,
                purpose=task.purpose,
                command=commands.get(task.command),
                depends_on=owner.migrate.depends_on,
                requested_at=record.handled_request,
                image=project.image,
                history_limit=project.migrate.history_limit,
            )

    def job(self, wanted: Wanted, record: Record) -> JSON:
        """Return the Job of a record that is about to start."""
        owner = self.desired.resolution.owners.get(wanted.alias)
        entry = self.desired.resolution.entries.get(wanted.alias)
        return self._body(
            owner,
            entry,
            purpose=wanted.purpose,
            command=wanted.command,
            attempt=record.attempt,
            name=record.job,
            identity=record.identity,
            body=record.body,
            approved=record.approved,
            database=database_mark(wanted.database) if wanted.database else "",
            requested_at=record.handled_request,
        )

    def _body(self, owner: DatabaseAlias | None, entry: Entry | None, **fields: object) -> JSON:
        name = self.snapshot.key.name
        migrate = migrate_secret_name(name) if entry and entry.migrate_secret_data else None
        spec = JobSpec(
            project=self.desired.project,
            alias=owner,
            config_map=self.config_map,
            secret=stable_name(name),
            migrate_secret=migrate,
        )
        return build_job(replace(spec, **fields))  # type: ignore[arg-type]


def is_run_on(command: Command, entry: Entry) -> bool:
    """Tell whether a command is run on a database: where it is named, else where dbalias migrates.

    What has no database of its own is never one, named or not.
    """
    if command.scope is CommandScope.PROJECT or entry.kind is not EntryKind.PRIMARY:
        return False
    if command.databases:
        return entry.alias in command.databases
    return entry.mode is not MigrateMode.NEVER


def _latest(given: Mapping[str, str], names: list[str]) -> str | None:
    return max((given[name] for name in names if name in given), key=request_order, default=None)
