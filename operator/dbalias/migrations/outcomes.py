"""From how a run ended to what follows: the one table, and the back-off.

Retried by themselves are ends that time or another person's repair cures: the lock, the
network, the login, an interruption between migrations. Everything else waits for a change
or a request, because repeating it repeats the failure, or makes half-done DDL worse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dbalias.api.conditions import Reason
from dbalias.api.digest import digest
from dbalias.migrations.report import Report

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(minutes=5)
JITTER = 0.1
"""The largest part of a delay that is taken off, so that a fleet does not knock at once."""


_EXIT_CODE = re.compile(r"failed with exit code (\d+)")


class Retry(StrEnum):
    """What follows a failed attempt."""

    AUTO = "Auto"
    WAIT = "Wait"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about an attempt that did not complete.

    ``detail`` is Kubernetes' account; ``ran`` is False only when it is certain that no process
    of the container ever ran; ``transactional_ddl`` is the engine's, for want of a report;
    ``writes`` is False for a check; ``command`` says that it is no migration that ran.
    """

    exit_code: int | None
    report: Report | None = None
    detail: str = ""
    ran: bool = True
    transactional_ddl: bool = False
    writes: bool = True
    command: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """What an attempt's end means. ``happened`` and ``remedy`` are sentences for people."""

    reason: Reason
    retry: Retry
    happened: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Row:
    reason: Reason
    retry: Retry
    happened: str
    remedy: str


_STOPPED = 7
_COMMAND_FAILED = _Row(
    Reason.COMMAND_FAILED,
    Retry.WAIT,
    "the command failed",
    "See the log of the Job's pod",
)
_EXITS = {
    2: _Row(
        Reason.SETTINGS_FAILED,
        Retry.WAIT,
        "the settings could not be loaded",
        "Correct the settings module, the image or the credentials",
    ),
    3: _Row(
        Reason.LOCK_NOT_OBTAINED,
        Retry.AUTO,
        "another run holds the lock on the database",
        "If no migration runs there, end the session that holds the lock",
    ),
    4: _Row(
        Reason.DATABASE_UNREACHABLE,
        Retry.AUTO,
        "the database could not be reached",
        "Check host, port, network policy and whether the server is up",
    ),
    5: _Row(
        Reason.MIGRATION_FAILED,
        Retry.WAIT,
        "a migration failed",
        "Repair the database if the migration was not atomic",
    ),
    6: _Row(
        Reason.AUDIT_REFUSED,
        Retry.WAIT,
        "the routing audit found errors",
        "Correct the routing policies, or set spec.routing.audit of the project to Warn",
    ),
    7: _Row(
        Reason.INTERRUPTED,
        Retry.AUTO,
        "the run was stopped between two migrations",
        "Nothing is half-done",
    ),
    8: _Row(
        Reason.LOGIN_REFUSED,
        Retry.AUTO,
        "the server refused the login",
        "Correct user and password in the credentials Secret",
    ),
    9: _Row(
        Reason.MISSING_TABLES,
        Retry.WAIT,
        "migrations are recorded as applied, but tables that routing allows do not exist",
        "Make the tables, or migrate the apps back to zero and let them be applied again",
    ),
    10: _COMMAND_FAILED,
    11: _Row(
        Reason.PLAN_SUPERSEDED,
        Retry.WAIT,
        "what is pending is not the plan that was approved, and nothing was migrated",
        "Approve the plan that a new check makes",
    ),
    12: _Row(
        Reason.POOLER_IN_THE_WAY,
        Retry.WAIT,
        "a pooler lends sessions for one transaction only, and no lock holds through it",
        "Set spec.migrate.connection of the alias to the server itself, and spec.pooler",
    ),
    13: _Row(
        Reason.MIGRATION_INTERRUPTED,
        Retry.WAIT,
        "the project's own command was stopped and may have left a migration half-done",
        "Look at the database, and repair what is half-done",
    ),
}
_NEVER_RAN = _Row(
    Reason.POD_CANNOT_START,
    Retry.WAIT,
    "the interpreter could not be started in the container",
    "Correct spec.interpreter or spec.image of the project",
)
_UNKNOWN = _Row(
    Reason.MIGRATION_FAILED,
    Retry.WAIT,
    "the run ended in a way it does not know itself",
    "See the log of the Job's pod",
)
_COMMAND_KILLED = _Row(
    Reason.COMMAND_INTERRUPTED,
    Retry.WAIT,
    "the command was stopped and may have done a part of its work",
    "Look at what it was to do",
)
_KILLED = _Row(
    Reason.INTERRUPTED,
    Retry.AUTO,
    "the run was killed",
    "No migration was left half-done",
)
_KILLED_HALFWAY = _Row(
    Reason.MIGRATION_INTERRUPTED,
    Retry.WAIT,
    "the run was killed and may have left a migration half-done",
    "Look at the database, and repair what is half-done",
)


def judge(evidence: Evidence) -> Ending:
    """Return what the end of an attempt means; total: unknown exit codes are waited for."""
    report = evidence.report
    code = evidence.exit_code
    if code and not evidence.ran and not is_killed(code):
        return _ending(_NEVER_RAN, code, evidence)
    if is_killed(code):
        told = report.exit if report and report.state in {"failed", "stopped"} else None
        if told in _EXITS:
            return _ending(_row(told, evidence), told, evidence)
        return _ending(_KILLED if is_repeatable(evidence) else _halfway(evidence), code, evidence)
    return _ending(_row(code or 0, evidence), code, evidence)


def _row(code: int, evidence: Evidence) -> _Row:
    """A command that was told to stop has no place between two migrations to stop at."""
    if not evidence.command:
        return _EXITS.get(code, _UNKNOWN)
    if code == _STOPPED and not is_repeatable(evidence):
        return _COMMAND_KILLED
    return _EXITS.get(code, _COMMAND_FAILED)


def _halfway(evidence: Evidence) -> _Row:
    return _COMMAND_KILLED if evidence.command else _KILLED_HALFWAY


def exit_code_in(message: str) -> int | None:
    """Return the exit code that podFailurePolicy wrote into a Failed condition; None for none."""
    found = _EXIT_CODE.search(message)
    return int(found.group(1)) if found else None


def is_killed(code: int | None) -> bool:
    """Tell whether an exit code says that the run did not end by itself.

    None (no code is known) and 0 (of a Job that failed nevertheless) say so too; codes above
    128 are signals, as shells and container runtimes count them.
    """
    return code is None or code == 0 or code > 128


def is_repeatable(evidence: Evidence) -> bool:
    """Tell whether a killed run may be repeated without a person having looked.

    Yes when it writes nothing, when no process ran, when no migration was in progress, or when
    the one in progress was atomic on an engine whose DDL is transactional. Without a report
    only the engine decides.
    """
    report = evidence.report
    if not evidence.ran or not evidence.writes:
        return True
    if report is None:
        return evidence.transactional_ddl
    if report.current is None:
        return True
    transactional = report.transactional_ddl
    if transactional is None:
        transactional = evidence.transactional_ddl
    return transactional and report.current_atomic is True


def delay(failures: int, *, seed: str) -> timedelta:
    """Return the pause after the n-th failure in a row (from 1): 10 s, doubled, up to 5 min.

    Up to a tenth is taken off, by ``seed``, so that the same failure always gives the same time.
    """
    doubled = FIRST_DELAY * (1 << min(max(failures, 1) - 1, 10))
    share = int(digest([seed, failures], 4), 36) / 36**4
    return min(doubled, LONGEST_DELAY) * (1 - JITTER * share)


def _ending(row: _Row, code: int | None, evidence: Evidence) -> Ending:
    return Ending(row.reason, row.retry, _account(row, code, evidence), row.remedy)


def _account(row: _Row, code: int | None, evidence: Evidence) -> str:
    """The report's own words where it has any, else the table's; then where and how it ended."""
    report = evidence.report
    happened = row.happened
    if report and report.message:
        killed = row in {_KILLED, _KILLED_HALFWAY, _COMMAND_KILLED}
        happened = f"{happened}; it last said: {report.message}" if killed else report.message
    if report and report.current and report.current not in happened:
        happened = f"{happened} (in migration {report.current})"
    if report and report.holder and report.holder not in happened:
        happened = f"{happened} (held by {report.holder})"
    seen = [f"exit code {code}"] if code is not None and code not in _EXITS else []
    if evidence.detail and (code is None or seen):
        seen.append(evidence.detail)
    return f"{happened} ({', '.join(seen)})" if seen else happened
