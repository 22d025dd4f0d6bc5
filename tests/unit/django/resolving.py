"""Aliases resolved without any Secret: what they come to, or what is wrong with them."""

from __future__ import annotations

from typing import Any

from dbalias.api.conditions import Reason
from dbalias.django.resolve import resolve
from unit.builders import a_project

INVALID = Reason.INVALID_CONFIGURATION


def settings_of(*aliases: Any, sources: Any = None) -> Any:
    """Return the public dictionary of the last alias, which must resolve."""
    resolution = resolve(a_project(), aliases, sources or {})
    assert not resolution.problems
    return resolution.entries[aliases[-1].alias].connection.settings


def problems_of(*aliases: Any, project: Any = None) -> list[tuple[str, Reason]]:
    """Return (field, reason) of the last alias' problems."""
    resolution = resolve(project or a_project(), aliases, {})
    found = resolution.problems.get(aliases[-1].alias, ())
    return [(one.field, one.reason) for one in found]
