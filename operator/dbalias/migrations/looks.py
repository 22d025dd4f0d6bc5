"""What the operator asks of itself once a run was killed that may have left something half-done.

A check, because its report may be lost with its pod or node: what is not recorded as applied is
where to look. Where nothing is missing, nothing is half-done either, and the run may be repeated.
"""

from __future__ import annotations

from dataclasses import replace

from dbalias.api.conditions import Reason, timestamp
from dbalias.api.project import MigrateMode
from dbalias.migrations.conditions import NAMES_SHOWN
from dbalias.migrations.decide import Verdict
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.wanted import Wanted, request_order


def look_request(migrated: Record) -> str | None:
    """Return the request for a check that a killed run makes: the time of its end."""
    if not _may_be_half_done(migrated) or migrated.finished_at is None:
        return None
    return timestamp(migrated.finished_at)


def clearance(migrated: Record, checked: Record) -> str | None:
    """Return the request for another run that a check makes which finds nothing missing."""
    seen = _what_was_seen(migrated, checked)
    if seen is None or seen.pending_count or seen.finished_at is None:
        return None
    return timestamp(seen.finished_at)


def with_finding(wanted: Wanted, migrate: Verdict, check: Verdict) -> Verdict:
    """Return a failed migration's verdict with what the check after it tells.

    While that is on its way, no person need do anything yet.
    """
    asked = look_request(migrate.record)
    if wanted.mode is not MigrateMode.AUTO or not (migrate.stalled and asked):
        return migrate
    seen = _what_was_seen(migrate.record, check.record)
    if seen is None:
        return _looking(migrate, check) if _is_on_its_way(check, asked) else migrate
    if not seen.pending:
        return migrate
    names = ", ".join(seen.pending[:NAMES_SHOWN])
    more = seen.pending_count - min(len(seen.pending), NAMES_SHOWN)
    rest = f" and {more} more" if more > 0 else ""
    return _saying(migrate, f"not recorded as applied, the first to look at: {names}{rest}")


def _is_on_its_way(check: Verdict, asked: str) -> bool:
    """Tell whether the check runs or has yet to start; one that failed for good tells nothing."""
    handled = check.record.handled_request
    is_due = handled is None or request_order(handled) < request_order(asked)
    is_repeated = check.failed and check.record.retry_at is not None
    return is_due or is_repeated or check.active or check.start is not None


def _may_be_half_done(migrated: Record) -> bool:
    return migrated.outcome is Outcome.FAILED and migrated.reason is Reason.MIGRATION_INTERRUPTED


def _what_was_seen(migrated: Record, checked: Record) -> Completed | None:
    """The check that began after the killed run had ended, of the very same wish."""
    seen, end = checked.completed, migrated.finished_at
    if not _may_be_half_done(migrated) or seen is None or end is None:
        return None
    later = seen.started_at is not None and seen.started_at >= end
    return seen if later and seen.identity == migrated.identity else None


def _looking(verdict: Verdict, check: Verdict) -> Verdict:
    trouble = f": {check.condition.message.rstrip('.')}" if check.failed else ""
    looking = _saying(verdict, f"a check looks how far it was{trouble}")
    condition = replace(looking.condition, reason=Reason.CHECKING)
    return replace(looking, condition=condition, stalled=False)


def _saying(verdict: Verdict, told: str) -> Verdict:
    condition = verdict.condition
    message = f"{condition.message} {told[0].upper()}{told[1:]}."
    return replace(verdict, condition=replace(condition, message=message))
