"""What is wrong with an object: where, what, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from dbalias.api.conditions import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``field`` is a path such as ``spec.options``; never a value."""

    object: str
    """Kind/name, for example ``DatabaseAlias/users``."""
    field: str
    message: str
    remedy: str
    reason: Reason = Reason.INVALID_CONFIGURATION

    def __str__(self) -> str:
        where = f"{self.object} {self.field}" if self.field else self.object
        return f"{where}: {self.message}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The outcome of parsing one object: a value, or every problem that prevents one."""

    value: T | None
    problems: tuple[Problem, ...] = ()
