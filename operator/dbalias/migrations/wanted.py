"""What is wanted of one alias, or of the project itself, as far as one run goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api.conditions import parse_timestamp
from dbalias.api.meta import Kind
from dbalias.api.project import Command, MigrateMode
from dbalias.django.commands import is_reading
from dbalias.django.entries import EntryKind
from dbalias.migrations.approval import UNDECIDED, Decision
from dbalias.migrations.identity import is_same_program
from dbalias.migrations.marks import PROJECT, Purpose, Task

REQUEST_LIMIT = 253
"""The CRD's bound on ``status.migration.handledRequest``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One alias as it stands now, for one purpose; ``alias`` PROJECT: the project itself.

    ``object`` and ``object_uid`` are those of the object whose status keeps the record;
    ``identity`` and ``body`` are ``run_identity`` and ``body_hash``; ``database`` is
    ``PhysicalDatabase.key``; ``requested_at`` the annotation of alias or project that asks for a
    run of this purpose; ``command`` is set for the purpose of that name alone; ``decision`` is
    what a person decided where the mode asks one. ``partial``: for want of an alias, not all
    places that a command looks at are known.
    """

    project: str
    alias: str
    object: str
    identity: str
    body: str
    kind: EntryKind
    mode: MigrateMode
    purpose: Purpose = Purpose.MIGRATE
    command: Command | None = None
    database: str = ""
    object_uid: str = ""
    depends_on: tuple[str, ...] = ()
    transactional_ddl: bool = False
    requested_at: str | None = None
    image: str | None = None
    history_limit: int = 3
    decision: Decision = UNDECIDED
    partial: bool = False

    @property
    def task(self) -> Task:
        """What the run is for, and where."""
        return Task(self.alias, self.purpose, self.command.name if self.command else "")

    def is_of(self, identity: str) -> bool:
        """Tell whether a run of this identity was this one, as far as its places are known."""
        same = self.partial and is_same_program(identity, self.identity)
        return same or identity == self.identity

    @property
    def writes(self) -> bool:
        """Whether the run may write to a database."""
        if self.command is not None:
            return not is_reading(self.command.args)
        return self.purpose is Purpose.MIGRATE

    @property
    def owner(self) -> str:
        """The object whose status keeps the record, as people write it."""
        kind = Kind.PROJECT if self.alias == PROJECT else Kind.ALIAS
        return f"{kind.value}/{self.object}"

    @property
    def subject(self) -> str:
        """What sentences about the run begin with."""
        if self.command is None:
            return f"Alias {self.alias}"
        where = "" if self.alias == PROJECT else f" on alias {self.alias}"
        return f"Command {self.command.name}{where}"

    @property
    def request(self) -> str | None:
        """The request as the status can hold it: anyone may write a long annotation."""
        return self.requested_at[:REQUEST_LIMIT] if self.requested_at else None

    @property
    def approved(self) -> str | None:
        """The digest of the plan that may run, where one is approved that is of this very wish."""
        if self.mode is not MigrateMode.APPROVE:
            return None
        return self.decision.approved(self.identity)

    @property
    def is_automatic(self) -> bool:
        """Whether a run starts without being asked for: a migration, or a check in its place."""
        if self.purpose is Purpose.COMMAND:
            return True
        if self.purpose is Purpose.MIGRATE:
            return self.mode is MigrateMode.AUTO
        return self.mode in {MigrateMode.CHECK, MigrateMode.APPROVE}


def request_order(request: str) -> tuple[datetime, str]:
    """Return what requests are ordered by: their time; what is no time comes before all."""
    moment = parse_timestamp(request)
    return (moment or datetime.min.replace(tzinfo=UTC), request)
