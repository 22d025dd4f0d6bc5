"""What management commands say in statuses, and which aliases may not be published for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbalias.api.conditions import STALLING, Condition, ConditionValue, Reason, Status
from dbalias.api.problems import Problem
from dbalias.api.project import OnFailure
from dbalias.migrations.commands import command_of, is_awaited, is_before
from dbalias.migrations.marks import PROJECT, Task
from dbalias.reconcile.runs import Runs


@dataclass(frozen=True, slots=True)
class CommandsStanding:
    """The condition ``CommandsCompleted``, and whether Ready waits for what it says."""

    condition: ConditionValue
    is_awaited: bool


def commands_on(runs: Runs, alias: str) -> CommandsStanding:
    """Sum up the commands of one alias, or of the project itself (PROJECT)."""
    return _sum_up(runs, [task for task in runs.commands if task.alias == alias])


def all_commands(runs: Runs, problems: Iterable[Problem]) -> CommandsStanding:
    """Sum up every command of a project, wherever it runs, and what is wrong with its places."""
    found = sorted(problems, key=lambda one: one.reason not in STALLING)
    if found:
        said = _condition(Status.FALSE, found[0].reason, str(found[0]))
        return CommandsStanding(said, is_awaited=True)
    return _sum_up(runs, list(runs.commands))


def publishable(runs: Runs) -> frozenset[str]:
    """Return the aliases that are migrated, with no command between that and publishing."""
    holding = {task.alias for task in runs.commands if _holds_publishing(task, runs)}
    return frozenset() if PROJECT in holding else runs.done - holding


def _sum_up(runs: Runs, tasks: Sequence[Task]) -> CommandsStanding:
    awaited = [task for task in tasks if is_awaited(runs.errands[task])]
    behind = [*awaited, *(t for t in tasks if t not in awaited and _is_behind(runs, t))]
    if not behind:
        return CommandsStanding(_completed(runs.commands, tasks), is_awaited=False)
    first = next((t for t in awaited if runs.errands[t].verdict.stalled), behind[0])
    said, more = runs.commands[first], len(behind) - 1
    message = said.message + (f" ({more} more command(s) not completed)" if more else "")
    return CommandsStanding(_condition(Status.FALSE, said.reason, message), bool(awaited))


def _is_behind(runs: Runs, task: Task) -> bool:
    return runs.commands[task].status is not Status.TRUE


def _completed(conditions: Mapping[Task, ConditionValue], tasks: Sequence[Task]) -> ConditionValue:
    names = sorted({task.command for task in tasks})
    if not names:
        return _condition(Status.TRUE, Reason.NOT_REQUIRED, "no command of spec.commands runs here")
    if all(conditions[task].reason is Reason.NOT_MANAGED for task in tasks):
        return _condition(Status.TRUE, Reason.NOT_MANAGED, conditions[tasks[0]].message)
    ran = sorted({t.command for t in tasks if conditions[t].reason is not Reason.NOT_MANAGED})
    idle = [conditions[task].message for task in tasks if task.command not in ran]
    text = ". ".join([f"{', '.join(ran)}: ended well", *idle[:1]])
    return _condition(Status.TRUE, Reason.COMMANDS_COMPLETED, text)


def _holds_publishing(task: Task, runs: Runs) -> bool:
    """Under Warn only what runs, or is about to, holds anything up."""
    errand = runs.errands[task]
    if is_before(errand) or not is_awaited(errand):
        return False
    return command_of(errand).on_failure is OnFailure.BLOCK or task in runs.open


def _condition(status: Status, reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(Condition.COMMANDS_COMPLETED, status, reason, message)
