"""Statuses: what each object says of itself, and which changes are worth an event.

kstatus: ``Reconciling`` while time or another object will cure it, ``Stalled`` when only an
edit does, ``Ready`` sums up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dbalias.api.conditions import (
    STALLING,
    Condition,
    ConditionValue,
    Reason,
    Status,
    render_conditions,
)
from dbalias.api.meta import JSON, Kind, Metadata
from dbalias.reconcile.actions import Note, WriteStatus

QUIET_REASONS = frozenset(
    {
        Reason.SETTLING,
        Reason.QUEUED,
        Reason.MIGRATING,
        Reason.RUNNING_COMMAND,
        Reason.COMMAND_NOT_COMPLETED,
        Reason.CHECKING,
        Reason.ALIASES_NOT_READY,
        Reason.WAITING_FOR_OBJECTS,
        Reason.PENDING,
        Reason.DEPENDENCY_NOT_MIGRATED,
        Reason.ROLLING_OUT,
        Reason.PROJECT_NOT_FOUND,
        Reason.PROVISIONING,
        Reason.SERVER_MOVED,
    }
)
"""Reasons that pass by in the ordinary course: no warning is recorded for them."""

COMMAND_STEPS = frozenset(
    {
        (Condition.COMMANDS_COMPLETED, Reason.RUNNING_COMMAND),
        (Condition.COMMANDS_COMPLETED, Reason.COMMANDS_COMPLETED),
    }
)
ORDINARY = {
    Kind.PROJECT: COMMAND_STEPS,
    Kind.ALIAS: COMMAND_STEPS
    | {
        (Condition.MIGRATED, Reason.MIGRATING),
        (Condition.MIGRATED, Reason.MIGRATED),
        (Condition.MIGRATED, Reason.DATABASE_AHEAD),
    },
}
"""Transitions that are told though nothing is wrong."""


OF_THE_SERVER_PASS = frozenset({"binding", "provision", "lastHandledRotateRequest"})
"""Fields of an alias' status with a writer of their own. So is ``Provisioned`` where the alias has
``spec.provision``."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The object whose status is written, as it was read."""

    kind: Kind
    metadata: Metadata
    status: Mapping[str, JSON]

    @property
    def conditions(self) -> Sequence[Mapping[str, JSON]]:
        """The conditions it carries now."""
        return tuple(self.status.get("conditions") or ())

    @property
    def further(self) -> dict[str, JSON]:
        """What else the pass over a project has written there."""
        apart = {"observedGeneration", "conditions", *OF_THE_SERVER_PASS}
        return {name: value for name, value in self.status.items() if name not in apart}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an object is not Ready; ``stalled``: only an edit or a request helps."""

    reason: Reason
    message: str
    stalled: bool

    @classmethod
    def of(cls, reason: Reason, message: str) -> Obstacle:
        """Classify by the reason."""
        return cls(reason, message, reason in STALLING)


def summary(obstacle: Obstacle | None, *, ready: str) -> tuple[ConditionValue, ...]:
    """Return Ready, Reconciling and Stalled for one obstacle or none."""
    if obstacle is None:
        quiet = (Status.FALSE, Reason.READY, "")
        return (
            ConditionValue(Condition.READY, Status.TRUE, Reason.READY, ready),
            ConditionValue(Condition.RECONCILING, *quiet),
            ConditionValue(Condition.STALLED, *quiet),
        )
    told = (obstacle.reason, obstacle.message)
    waiting, stuck = (
        (Status.FALSE, Status.TRUE) if obstacle.stalled else (Status.TRUE, Status.FALSE)
    )
    return (
        ConditionValue(Condition.READY, Status.FALSE, *told),
        ConditionValue(Condition.RECONCILING, waiting, *told),
        ConditionValue(Condition.STALLED, stuck, *told),
    )


def write_status(
    subject: Subject,
    conditions: Sequence[ConditionValue],
    fields: Mapping[str, JSON],
    *,
    now: datetime,
) -> WriteStatus | None:
    """Return the write that brings a status up to date; None when it is so already.

    What passes over servers write into it is neither compared nor given.
    """
    generation = subject.metadata.generation
    rendered = render_conditions(
        conditions, previous=subject.conditions, generation=generation, now=now
    )
    status = {
        "observedGeneration": generation,
        "conditions": rendered,
        **{name: value for name, value in fields.items() if value not in (None, {}, [], "")},
    }
    theirs = {Condition.PROVISIONED} - {value.type for value in conditions}
    if _compared(status) == _compared(subject.status, without=theirs):
        return None
    return WriteStatus(subject.kind, subject.metadata, status, _notes(subject, conditions))


def _compared(status: Mapping[str, JSON], *, without: Collection[str] = ()) -> dict[str, JSON]:
    """Return the part of a status that is the project pass', its conditions by type."""
    own = {name: value for name, value in status.items() if name not in OF_THE_SERVER_PASS}
    conditions = {one.get("type"): one for one in own.get("conditions") or ()}
    kept = {name: one for name, one in conditions.items() if name not in without}
    return own | {"conditions": kept}


def _notes(subject: Subject, conditions: Sequence[ConditionValue]) -> tuple[Note, ...]:
    """Return an event for each transition that a person would want to hear of."""
    before = {old.get("type"): (old.get("status"), old.get("reason")) for old in subject.conditions}
    notes: dict[str, Note] = {}
    for value in conditions:
        changed = before.get(value.type.value) != (value.status.value, value.reason.value)
        if changed and (note := _note(subject.kind, value)):
            notes.setdefault(note.reason, note)
    return tuple(notes.values())


def _note(kind: Kind, value: ConditionValue) -> Note | None:
    fails, ready = value.status is Status.FALSE, value.type is Condition.READY
    grave = fails and (
        (ready and value.reason not in QUIET_REASONS)
        # Under onFailure Warn the object is Ready all the same.
        or (value.type is Condition.COMMANDS_COMPLETED and value.reason in STALLING)
    )
    works = ready and value.status is Status.TRUE and kind in (Kind.PROJECT, Kind.SERVER)
    if not (grave or works or (value.type, value.reason) in ORDINARY.get(kind, ())):
        return None
    return Note(value.reason.value, value.message, warning=grave)
