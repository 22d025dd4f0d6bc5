"""Where an alias stands: its migration and its check, summed up in one condition.

The migration speaks for the alias while dbalias migrates it; the check does where a person
decides (modes Check and Approve), and wherever it has found, later than the last completed
migration, that something is missing, or what is there that its image does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dbalias.api.conditions import ConditionValue, Reason
from dbalias.api.project import MigrateMode
from dbalias.migrations import conditions
from dbalias.migrations.decide import Verdict
from dbalias.migrations.looks import with_finding
from dbalias.migrations.marks import Purpose
from dbalias.migrations.record import Outcome
from dbalias.migrations.wanted import Wanted

FINDINGS = frozenset({Reason.AUDIT_REFUSED, Reason.MISSING_TABLES})
"""Failures of a check that tell of the alias; the others tell of the attempt."""


class Errand(NamedTuple):
    """One task: what is wanted, and what follows."""

    wanted: Wanted
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """One alias: a verdict for each purpose, and which of them speaks for it."""

    migrate: Verdict
    check: Verdict
    speaker: Purpose = Purpose.MIGRATE

    @property
    def speaking(self) -> Verdict:
        """The verdict that the alias' condition and state are taken from."""
        return self.of(self.speaker)

    @property
    def condition(self) -> ConditionValue:
        """The alias' condition ``Migrated``."""
        return self.speaking.condition

    @property
    def done(self) -> bool:
        """Whether nothing is left to migrate for what is wanted."""
        return self.speaking.done

    @property
    def failed(self) -> bool:
        """Whether the last attempt failed."""
        return self.speaking.failed

    @property
    def active(self) -> bool:
        """Whether a Job may be running, of whichever purpose."""
        return self.migrate.active or self.check.active

    def of(self, purpose: Purpose) -> Verdict:
        """Return the verdict of one purpose."""
        return self.check if purpose is Purpose.CHECK else self.migrate


def sum_up(wanted: Wanted, *, migrate: Verdict, check: Verdict) -> Standing:
    """Return where an alias stands; ``wanted`` is the wish of either purpose."""
    if conditions.exemption(wanted) or migrate.active:
        return Standing(migrate, check)
    migrate = with_finding(wanted, migrate, check)
    by_hand = wanted.mode is not MigrateMode.AUTO
    speaks = (
        _has_found(wanted, check, since=_end(migrate)) or _sees_otherwise(wanted, migrate, check)
        if migrate.done
        else by_hand and not _is_of_a_person(wanted, migrate, check)
    )
    return Standing(migrate, check, Purpose.CHECK if speaks else Purpose.MIGRATE)


def _is_of_a_person(wanted: Wanted, migrate: Verdict, check: Verdict) -> bool:
    """Whether a migration that a person approved speaks: one that is due, or that has failed.

    A check that finds afterwards that nothing is pending has the last word.
    """
    record = migrate.record
    if wanted.mode is not MigrateMode.APPROVE or migrate.start is not None:
        return migrate.start is not None
    failed = migrate.failed and record.approved and record.identity == wanted.identity
    lasting = record.retry_at is None or wanted.approved is not None
    told = failed and lasting and record.reason is not Reason.PLAN_SUPERSEDED
    return bool(told) and not check.done


def _sees_otherwise(wanted: Wanted, migrate: Verdict, check: Verdict) -> bool:
    """Whether a check since the last run sees other migrations that its image does not know.

    Somebody has reversed them by hand, or an image that does know them has added some.
    """
    ran, seen = migrate.record.completed, check.record.completed
    if ran is None or seen is None or seen.identity != wanted.identity:
        return False
    return _is_later(seen.started_at, ran.finished_at) and seen.ahead != ran.ahead


def _end(migrate: Verdict) -> datetime | None:
    completed = migrate.record.completed
    return completed.finished_at if completed else None


def _has_found(wanted: Wanted, check: Verdict, *, since: datetime | None) -> bool:
    """Whether a check that began after ``since`` saw of this very wish that something is missing.

    One that began before may have seen the database while it was being migrated.
    """
    record, known = check.record, check.record.completed
    pending = known is not None and known.identity == wanted.identity and known.pending_count > 0
    refused = (
        record.outcome is Outcome.FAILED
        and record.identity == wanted.identity
        and record.reason in FINDINGS
    )
    return (pending and known is not None and _is_later(known.started_at, since)) or (
        refused and _is_later(record.started_at, since)
    )


def _is_later(began: datetime | None, since: datetime | None) -> bool:
    return since is None or (began is not None and began >= since)
