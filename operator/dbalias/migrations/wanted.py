"""What is wanted of one alias, as far as its migrations go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api.conditions import parse_timestamp
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.marks import Purpose

REQUEST_LIMIT = 253
"""The CRD's bound on ``status.migration.handledRequest``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One alias as it stands now, for one purpose.

    ``object`` and ``object_uid`` are the DatabaseAlias'; ``identity`` and ``body`` are
    ``run_identity`` and ``body_hash``; ``database`` is ``PhysicalDatabase.key``;
    ``requested_at`` the annotation of alias or project that asks for a run of this purpose.
    """

    project: str
    alias: str
    object: str
    identity: str
    body: str
    kind: EntryKind
    mode: MigrateMode
    purpose: Purpose = Purpose.MIGRATE
    database: str = ""
    object_uid: str = ""
    depends_on: tuple[str, ...] = ()
    transactional_ddl: bool = False
    requested_at: str | None = None
    image: str | None = None
    history_limit: int = 3

    @property
    def request(self) -> str | None:
        """The request as the status can hold it: anyone may write a long annotation."""
        return self.requested_at[:REQUEST_LIMIT] if self.requested_at else None

    @property
    def is_automatic(self) -> bool:
        """Whether a run starts without being asked for: a migration, or a check in its place."""
        if self.purpose is Purpose.MIGRATE:
            return self.mode is MigrateMode.AUTO
        return self.mode in {MigrateMode.CHECK, MigrateMode.APPROVE}


def request_order(request: str) -> tuple[datetime, str]:
    """Return what requests are ordered by: their time; what is no time comes before all."""
    moment = parse_timestamp(request)
    return (moment or datetime.min.replace(tzinfo=UTC), request)
