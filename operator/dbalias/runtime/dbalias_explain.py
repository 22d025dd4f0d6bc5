"""How an error that nobody expected ends a run: by what it broke, and what is left of it."""

from __future__ import annotations

from dbalias_errors import REASONS, Exit, RunError, code_of, is_connection_error
from dbalias_report import Report


def explain(error: BaseException, report: Report, *, is_check: bool) -> RunError:
    """Return how the error ends the run of this report, in words without values."""
    from django.core.management.base import CommandError, SystemCheckError
    from django.db.utils import Error as DatabaseError

    current = report.content["current"]
    code = code_of(error) if isinstance(error, DatabaseError) else ""
    kind = type(error).__name__ + (f", database error {code}" if code else "")
    if isinstance(error, SystemCheckError):
        return RunError(Exit.CONFIGURATION, "Django's system check fails: see the log")
    if is_connection_error(error) and (current is None or _is_undone(report)):
        during = f" while {current} ran, which was rolled back" if current else ""
        alias = report.content["database"]
        return RunError(
            Exit.UNREACHABLE, f'database "{alias}": the connection broke ({kind}){during}'
        )
    if isinstance(error, CommandError) and current is None:
        return RunError(Exit.MIGRATION, f"migrate refuses: {error}")
    if current is None:
        place = "after the last migration" if report.content["appliedCount"] else "before any"
        what = "the check failed" if is_check else f"migrate failed {place}"
        return RunError(Exit.MIGRATION, f"{what} ({kind}): see the log")
    undone = _is_undone(report)
    left = "it was rolled back" if undone else "what it did so far stays in the database"
    return RunError(Exit.MIGRATION, f"{current} failed ({kind}); {left}: see the log")


def end(report: Report, code: Exit, message: str, *, done: str = REASONS[Exit.DONE]) -> int:
    """Write how a run ended, with ``done`` as the reason of a good end; return its exit code."""
    state = {Exit.DONE: "done", Exit.STOPPED: "stopped"}.get(code, "failed")
    reason = done if code is Exit.DONE else REASONS[code]
    report.ended(state, code=int(code), reason=reason, message=message)
    return int(code)


def _is_undone(report: Report) -> bool:
    return bool(report.content["currentAtomic"] and report.content["transactionalDDL"])
