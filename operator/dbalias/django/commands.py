"""What is known of Django's management commands without running them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbalias.api.conditions import Reason
from dbalias.api.meta import Kind
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject
from dbalias.django.entries import EntryKind, Resolution

READING = frozenset(
    {
        "check",
        "diffsettings",
        "dumpdata",
        "inspectdb",
        "makemigrations",
        "showmigrations",
        "sqlflush",
        "sqlmigrate",
        "sqlsequencereset",
    }
)
"""Commands that write nothing to a database; any other may. ``makemigrations`` writes files."""


def is_reading(words: Sequence[str]) -> bool:
    """Tell whether a command, given with its arguments, leaves every database as it is."""
    return words[0] in READING


def command_problems(project: DjangoProject, resolution: Resolution) -> Iterator[Problem]:
    """Yield what is wrong with the databases that ``spec.commands`` names."""
    for index, command in enumerate(project.commands):
        for alias in command.databases:
            if trouble := _trouble(alias, resolution):
                message, remedy, reason = trouble
                yield Problem(
                    object=f"{Kind.PROJECT.value}/{project.metadata.name}",
                    field=f"spec.commands[{index}].databases",
                    message=message,
                    remedy=remedy,
                    reason=reason,
                )


def _trouble(alias: str, resolution: Resolution) -> tuple[str, str, Reason] | None:
    """Return message, remedy and reason for an alias on which no command can run."""
    if alias not in resolution.owners and alias not in resolution.problems:
        remedy = "Declare it, or correct the name"
        return f"there is no alias {alias}", remedy, Reason.ALIAS_NOT_FOUND
    entry = resolution.entries.get(alias)
    if entry is None or entry.kind is EntryKind.PRIMARY:
        return None
    message = f"no command can run on the alias {alias}: it {_NO_DATABASE[entry.kind]}"
    return message, "Remove it from the list", Reason.INVALID_CONFIGURATION


_NO_DATABASE = {
    EntryKind.EMPTY: "is empty on purpose",
    EntryKind.REPLICA: "is a replica, and its primary is the place",
    EntryKind.LOCAL: "is a file of each pod",
}
