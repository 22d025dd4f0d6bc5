"""Where projects stand, read from the statuses that the operator writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dbalias.api.conditions import STALLING, Condition, Reason, Status
from dbalias.api.meta import JSON, Key, Kind
from dbalias.cli.steps import Step
from dbalias.migrations.marks import OF_THE_SCHEMA, PROJECT, Purpose, Task
from dbalias.migrations.record import Outcome, Record, stored_tasks


class State(StrEnum):
    """What an alias' migrations are doing."""

    MIGRATED = "migrated"
    EXEMPT = "exempt"
    """There is nothing to migrate: empty, a replica, a local file, not ours."""
    DONE = "done"
    """A command has ended well; what was migrated is not done but migrated."""
    RUNNING = "running"
    CHECKING = "checking"
    """A Job looks, and nothing is migrated."""
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The operator has not said anything of what is declared now."""


EXEMPTIONS = frozenset(
    {Reason.EMPTY_DEFAULT, Reason.REPLICA, Reason.LOCAL_DATABASE, Reason.NOT_MANAGED}
)

TROUBLES = frozenset(
    {
        Reason.LONG_RUNNING,
        Reason.POD_NOT_CREATED,
        Reason.POD_CANNOT_START,
        Reason.IMAGE_NOT_PULLED,
        Reason.POD_UNSCHEDULABLE,
        Reason.NODE_LOST,
    }
)
"""Reasons of a Job that is under way and does not get on, whatever it is for."""


@dataclass(frozen=True, slots=True)
class CommandProgress:
    """A command of ``spec.commands`` on an alias, or ("") on the project itself."""

    name: str
    alias: str
    state: State
    reason: str
    message: str
    job: str = ""
    elapsed: int | None = field(default=None, compare=False)
    log: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AliasProgress:
    """One alias. ``elapsed``: seconds of a run that is under way.

    ``pending`` are those that the last check found; ``plan`` is ``status.plan``. ``provisioned`` is
    the reason of that condition, where the database is made for the alias. ``step`` and
    ``log`` come from the log of the Job's pod: how far a run is, and its last lines.
    """

    object: str
    alias: str
    ready: bool
    stalled: bool
    state: State
    reason: str
    message: str
    database: str = ""
    job: str = ""
    elapsed: int | None = field(default=None, compare=False)
    applied: int = 0
    last: str | None = None
    pending: tuple[str, ...] = ()
    pending_count: int = 0
    plan: Mapping[str, JSON] = field(default_factory=dict)
    provisioned: str = ""
    step: Step | None = None
    log: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ProjectProgress:
    """One project. ``declared`` False: aliases refer to it and it does not exist."""

    key: Key
    declared: bool
    ready: bool
    stalled: bool
    revision: str | None = None
    published: str | None = None
    conditions: tuple[Mapping[str, JSON], ...] = ()
    aliases: tuple[AliasProgress, ...] = ()
    routes: Mapping[str, JSON] = field(default_factory=dict)
    """Where the installed models go, as ``status.routes`` has it."""
    commands: tuple[CommandProgress, ...] = ()
    plan: Mapping[str, JSON] = field(default_factory=dict)
    approval: Mapping[str, JSON] = field(default_factory=dict)
    """``status.plan`` and ``status.approval``: what waits for an approval, and what has one."""

    @property
    def is_done(self) -> bool:
        """Whether project and aliases are Ready as they are declared now."""
        return self.ready and all(alias.ready for alias in self.aliases)

    @property
    def is_stalled(self) -> bool:
        """Whether nothing but an edit or a request helps."""
        return self.stalled or any(alias.stalled for alias in self.aliases)


def read_progress(
    projects: Iterable[JSON], aliases: Iterable[JSON], *, now: datetime
) -> list[ProjectProgress]:
    """Return the projects by namespace and name, each with its aliases by name."""
    grouped: dict[Key, list[JSON]] = {}
    bodies: dict[Key, JSON] = {}
    for body in projects:
        key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
        bodies[key] = body
        grouped[key] = []
    for body in aliases:
        key = Key(body["metadata"]["namespace"], body["spec"]["projectRef"]["name"])
        grouped.setdefault(key, []).append(body)
    return [_project(key, bodies.get(key), grouped[key], now) for key in sorted(grouped)]


def _project(
    key: Key, body: JSON | None, aliases: Sequence[JSON], now: datetime
) -> ProjectProgress:
    status = (body or {}).get("status") or {}
    told = sorted((_alias(one, now) for one in aliases), key=lambda one: (one.alias, one.object))
    return ProjectProgress(
        key=key,
        declared=body is not None,
        ready=body is not None and _is_true(body, Condition.READY),
        stalled=body is not None and _is_true(body, Condition.STALLED),
        revision=status.get("revision"),
        published=status.get("publishedRevision"),
        conditions=tuple(status.get("conditions") or ()),
        aliases=tuple(told),
        routes=status.get("routes") or {},
        commands=(*_commands(status, PROJECT, now), *_commands_of(aliases, now)),
        plan=status.get("plan") or {},
        approval=status.get("approval") or {},
    )


def _commands_of(aliases: Iterable[JSON], now: datetime) -> list[CommandProgress]:
    found = (_commands(one.get("status") or {}, _name(one), now) for one in aliases)
    return sorted((one for listed in found for one in listed), key=lambda c: (c.name, c.alias))


def _commands(status: Mapping[str, JSON], alias: str, now: datetime) -> Iterator[CommandProgress]:
    for task in stored_tasks(status, alias):
        if task.purpose is Purpose.COMMAND:
            record = Record.stored(status, task)
            state = _OUTCOMES[record.outcome]
            yield CommandProgress(
                name=task.command,
                alias=alias,
                state=state,
                reason=record.reason or "",
                message=record.message,
                job=record.job,
                elapsed=_elapsed(record, now) if state is State.RUNNING else None,
            )


_OUTCOMES = {
    Outcome.NONE: State.PENDING,
    Outcome.STARTING: State.RUNNING,
    Outcome.RUNNING: State.RUNNING,
    Outcome.CANCELLED: State.PENDING,
    Outcome.SUCCEEDED: State.DONE,
    Outcome.FAILED: State.FAILED,
}


def _elapsed(record: Record, now: datetime) -> int:
    return max(0, int((now - record.started_at).total_seconds())) if record.started_at else 0


def _name(alias: JSON) -> str:
    said = (alias.get("status") or {}).get("alias") or alias["spec"].get("alias")
    return str(said or alias["metadata"]["name"])


def _alias(body: JSON, now: datetime) -> AliasProgress:
    status = body.get("status") or {}
    record, checked = (Record.stored(status, Task("", purpose)) for purpose in OF_THE_SCHEMA)
    ready, migrated = _condition(body, Condition.READY), _condition(body, Condition.MIGRATED)
    state = _state(body, migrated, record, checked)
    made = _condition(body, Condition.PROVISIONED) if "provision" in body["spec"] else {}
    shown = migrated if ready.get("status") == Status.TRUE and migrated else ready
    if shown is not ready and made.get("reason") == Reason.ROTATION_PENDING:
        shown = made
    if "deletionTimestamp" in body["metadata"] and made.get("status") == Status.FALSE:
        shown = made  # what the deletion waits for: nobody tells anything else of it any more
    running = state in (State.RUNNING, State.CHECKING)
    if state is State.CHECKING:
        record = checked
    seen = checked.completed
    return AliasProgress(
        object=f"{Kind.ALIAS.value}/{body['metadata']['name']}",
        alias=_name(body),
        ready=_is_true(body, Condition.READY),
        stalled=_is_true(body, Condition.STALLED),
        state=state,
        reason=shown.get("reason", ""),
        message=shown.get("message", ""),
        database=_database(status.get("database") or {}),
        job=record.job,
        elapsed=_elapsed(record, now) if running else None,
        applied=record.completed.applied_count if record.completed else 0,
        last=record.completed.last if record.completed else None,
        pending=seen.pending if seen and state is State.PENDING else (),
        pending_count=seen.pending_count if seen and state is State.PENDING else 0,
        plan=status.get("plan") or {},
        provisioned=made.get("reason", ""),
    )


def _state(body: JSON, migrated: Mapping[str, JSON], record: Record, checked: Record) -> State:
    reason = migrated.get("reason")
    if not _is_current(body):
        return State.UNKNOWN
    if _is_true(body, Condition.STALLED):
        return State.FAILED
    if migrated.get("status") == Status.TRUE:
        if reason not in EXEMPTIONS:
            return State.MIGRATED
        return State.EXEMPT if _is_true(body, Condition.READY) else State.PENDING
    ended = [one.reason for one in (record, checked) if one.outcome is Outcome.FAILED]
    if reason in ended or reason in STALLING:
        return State.FAILED
    return _under_way(str(reason), record, checked)


def _under_way(reason: str, record: Record, checked: Record) -> State:
    in_trouble = reason in TROUBLES and _began(checked) > _began(record)
    if reason == Reason.CHECKING or in_trouble or _repeats(checked, reason):
        return State.CHECKING
    running = reason in {Reason.MIGRATING, *TROUBLES} or _repeats(record, reason)
    return State.RUNNING if running else State.PENDING


def _repeats(record: Record, reason: str) -> bool:
    """Tell whether an attempt is under way that repeats a failed one: that one's reason stays."""
    return record.outcome is Outcome.RUNNING and record.reason == reason


def _began(record: Record) -> float:
    return record.started_at.timestamp() if record.started_at else 0.0


def _database(told: Mapping[str, JSON]) -> str:
    """Return ``mysql db:3306/users``, without what is not set."""
    engine = str(told.get("engine") or "").rpartition(".")[2]
    host = ":".join(str(told[part]) for part in ("host", "port") if told.get(part))
    place = "/".join(part for part in (host, str(told.get("name") or "")) if part)
    return " ".join(part for part in (engine, place) if part)


def _is_current(body: JSON) -> bool:
    observed = (body.get("status") or {}).get("observedGeneration")
    return bool(observed == body["metadata"].get("generation"))


def _is_true(body: JSON, kind: Condition) -> bool:
    return _is_current(body) and _condition(body, kind).get("status") == Status.TRUE


def _condition(body: JSON, kind: Condition) -> Mapping[str, JSON]:
    listed = (body.get("status") or {}).get("conditions") or ()
    return next((one for one in listed if one["type"] == kind), {})
