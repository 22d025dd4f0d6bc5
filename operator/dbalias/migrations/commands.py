"""What management commands hold up, and what holds them up.

Those of ``when: BeforeMigrate`` come before the migration of their alias, or of every alias where
they are the project's; those of ``AfterMigrate`` after it, and before publishing.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.conditions import Reason
from dbalias.api.project import Command, CommandTime, MigrateMode, OnFailure
from dbalias.migrations.marks import PROJECT, Purpose, Task
from dbalias.migrations.standing import Errand, Standing

Obstacle = tuple[Reason, str]


def command_of(errand: Errand) -> Command:
    """Return the command of an errand that has one."""
    assert errand.wanted.command is not None
    return errand.wanted.command


def is_before(errand: Errand) -> bool:
    """Tell whether a run comes before migrations."""
    command = errand.wanted.command
    return command is not None and command.when is CommandTime.BEFORE_MIGRATE


def has_failed(errand: Errand) -> bool:
    """Tell whether what is wanted now was tried, and has not ended well since."""
    verdict = errand.verdict
    record = verdict.start.record if verdict.start else verdict.record
    return not verdict.done and record.reason is not None


def is_awaited(errand: Errand) -> bool:
    """Tell whether what comes after a command waits for it: under Warn, until it was tried."""
    if errand.verdict.done:
        return False
    return command_of(errand).on_failure is OnFailure.BLOCK or not has_failed(errand)


def awaits_command(alias: str, errands: Mapping[Task, Errand]) -> Obstacle | None:
    """Return what keeps an alias from being migrated: a command that comes first."""
    for task, errand in errands.items():
        if task.alias in (alias, PROJECT) and is_before(errand) and is_awaited(errand):
            state = "has failed" if has_failed(errand) else "has not ended yet"
            why = f"the command {task.command} comes before migrations and {state}"
            return Reason.COMMAND_NOT_COMPLETED, why
    return None


def awaits_aliases(
    errand: Errand, standings: Mapping[str, Standing], errands: Mapping[Task, Errand]
) -> Obstacle | None:
    """Return what keeps a command from its turn: a migration, or the approval of one."""
    alias = errand.wanted.alias
    concerned = standings if alias == PROJECT else {alias: standings[alias]}
    if is_before(errand):
        modes = {name: errands[Task(name, Purpose.MIGRATE)].wanted.mode for name in concerned}
        return _awaits_approval(
            errand,
            {name: one for name, one in concerned.items() if modes[name] is MigrateMode.APPROVE},
        )
    for name, standing in concerned.items():
        if not standing.done:
            state = "whose migration failed" if standing.failed else "which is not migrated yet"
            return Reason.ALIASES_NOT_READY, f"it comes after the alias {name}, {state}"
    return None


def _awaits_approval(errand: Errand, concerned: Mapping[str, Standing]) -> Obstacle | None:
    """Under Approve nothing is written before a migration that was approved is to start."""
    if errand.wanted.mode is not MigrateMode.APPROVE or not errand.wanted.writes:
        return None
    for name, standing in concerned.items():
        if not (standing.done or standing.migrate.start or standing.migrate.active):
            why = f"migrate.mode is Approve, and the plan of the alias {name} is not approved"
            return Reason.AWAITING_APPROVAL, why
    return None


def place_in_line(task: Task, errand: Errand) -> tuple[bool, int, int, str]:
    """Return what starts are sorted by: checks last, then by failures, what others wait for first.

    Who keeps failing never keeps the others from their turn, whatever waits for it.
    """
    is_command, is_check = (task.purpose is one for one in (Purpose.COMMAND, Purpose.CHECK))
    rank = 0 if is_before(errand) else 2 if is_command else 1
    return (is_check, errand.verdict.record.failures, rank, task.alias)
