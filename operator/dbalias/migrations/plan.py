"""The plan of an alias: what a check found to be done, with its SQL and a digest.

The runner computes it (``runtime/dbalias_proposal.py``); the alias' status keeps it, and a person
approves it. Two plans with the same digest do the same to the same database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from dbalias.api.meta import JSON

MOST_MIGRATIONS = 50
MOST_SENTENCES = 20
MOST_STATEMENTS = 10
LONGEST_SENTENCE = 600
LARGEST = 2**31 - 1
NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One pending migration: the digest of its source and SQL, and its first statements."""

    name: str
    digest: str
    statements: int = 0
    gaps: int = 0
    """Operations that have no SQL before they run; the digest covers their source."""
    atomic: bool = True
    sql: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check found. Lists may be shorter than their counts.

    ``database`` names the physical database. ``identity`` and ``job`` are the check's; ``after``
    is the Job of the run that used up the last approval before it: a plan that is found again
    after a run is approved anew. ``superseded`` tells which approved plan it took the place of.
    """

    digest: str
    database: str = ""
    count: int = 0
    destructive: tuple[str, ...] = ()
    destructive_count: int = 0
    unjudged: tuple[str, ...] = ()
    unjudged_count: int = 0
    steps: tuple[Step, ...] = ()
    identity: str = ""
    job: str = ""
    after: str = ""
    superseded: str = ""

    @classmethod
    def parse(cls, data: JSON) -> Plan | None:
        """Return the plan in a report or a status; None for none. Never raises."""
        if not isinstance(data, Mapping) or not _text(data, "digest"):
            return None
        return cls(
            digest=_text(data, "digest"),
            database=_text(data, "database"),
            count=_number(data, "count"),
            destructive=_texts(data, "destructive", MOST_SENTENCES),
            destructive_count=_number(data, "destructiveCount"),
            unjudged=_texts(data, "unjudged", MOST_SENTENCES),
            unjudged_count=_number(data, "unjudgedCount"),
            steps=tuple(map(_step, _mappings(data, "migrations")[:MOST_MIGRATIONS])),
            identity=_text(data, "identity"),
            job=_text(data, "job"),
            after=_text(data, "after"),
            superseded=_text(data, "superseded"),
        )

    def render(self) -> dict[str, JSON]:
        """Return ``status.plan`` of the alias."""
        shown = {
            "digest": self.digest,
            "database": self.database,
            "count": self.count,
            "destructive": list(self.destructive),
            "destructiveCount": self.destructive_count,
            "unjudged": list(self.unjudged),
            "unjudgedCount": self.unjudged_count,
            "migrations": [_render_step(step) for step in self.steps],
            "identity": self.identity,
            "job": self.job,
            "after": self.after,
            "superseded": self.superseded,
        }
        return {name: value for name, value in shown.items() if value}


def difference(old: Plan, new: Plan | None) -> str:
    """Say by what a plan was superseded; the most telling difference first."""
    if new is None:
        return "nothing is pending any more"
    if new.digest == old.digest:
        return f"the Job {new.after} has used its approval up"
    if new.database != old.database:
        return "it was made for another database"
    before = {step.name: step.digest for step in old.steps}
    now = {step.name: step.digest for step in new.steps}
    told = [
        _told("added", [name for name in now if name not in before], old, new),
        _told("no longer pending", [name for name in before if name not in now], old, new),
        _told("changed", [n for n, one in now.items() if before.get(n, one) != one], old, new),
    ]
    whole = "the arguments, the command or what routing allows differ"
    return "; ".join(filter(None, told)) or (
        whole if _is_whole(old) and _is_whole(new) else f"{whole}, or migrations not listed here"
    )


def _told(what: str, names: list[str], old: Plan, new: Plan) -> str:
    """Name what was added, is gone or changed; what a cut list does not hold is not judged."""
    if not names or (what != "changed" and not (_is_whole(old) and _is_whole(new))):
        return ""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    verb = {"added": "was added", "changed": "differs in source or SQL"}.get(what, f"is {what}")
    return f"{', '.join(names[:NAMES_SHOWN])}{more} {verb}"


def _is_whole(plan: Plan) -> bool:
    return len(plan.steps) == plan.count


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        name=_text(data, "name"),
        digest=_text(data, "digest"),
        statements=_number(data, "statements"),
        gaps=_number(data, "gaps"),
        atomic=data.get("atomic") is not False,
        sql=_texts(data, "sql", MOST_STATEMENTS),
    )


def _render_step(step: Step) -> dict[str, JSON]:
    shown = {
        "name": step.name,
        "digest": step.digest,
        "statements": step.statements,
        "gaps": step.gaps,
        "sql": list(step.sql),
    }
    said = {name: value for name, value in shown.items() if value}
    return said if step.atomic else {**said, "atomic": False}


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return _bounded(value) if isinstance(value, str) else ""


def _texts(data: Mapping[str, Any], key: str, most: int) -> tuple[str, ...]:
    value = data.get(key)
    listed = value if isinstance(value, list | tuple) else ()
    return tuple(_bounded(text) for text in listed if isinstance(text, str))[:most]


def _mappings(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = data.get(key)
    return [one for one in value if _is_mapping(one)] if isinstance(value, list | tuple) else []


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _bounded(text: str) -> str:
    return text[:LONGEST_SENTENCE].encode("utf-8", "replace").decode()


def _number(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(0, value), LARGEST)
