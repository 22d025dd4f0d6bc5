"""Where projects stand, read from the statuses that the operator writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dbalias.api.conditions import STALLING, Condition, Reason, Status
from dbalias.api.meta import JSON, Key, Kind
from dbalias.migrations.marks import OF_THE_SCHEMA, Task
from dbalias.migrations.record import Outcome, Record


class State(StrEnum):
    """What an alias' migrations are doing."""

    MIGRATED = "migrated"
    EXEMPT = "exempt"
    """There is nothing to migrate: empty, a replica, a local file, not ours."""
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
class AliasProgress:
    """One alias. ``elapsed``: seconds of a run that is under way."""

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
    )


def _alias(body: JSON, now: datetime) -> AliasProgress:
    status = body.get("status") or {}
    record, checked = (Record.stored(status, Task("", purpose)) for purpose in OF_THE_SCHEMA)
    ready, migrated = _condition(body, Condition.READY), _condition(body, Condition.MIGRATED)
    state = _state(body, migrated, record, checked)
    shown = migrated if ready.get("status") == Status.TRUE and migrated else ready
    running = state in (State.RUNNING, State.CHECKING)
    if state is State.CHECKING:
        record = checked
    elapsed = int((now - record.started_at).total_seconds()) if record.started_at else None
    return AliasProgress(
        object=f"{Kind.ALIAS.value}/{body['metadata']['name']}",
        alias=status.get("alias") or body["spec"].get("alias") or body["metadata"]["name"],
        ready=_is_true(body, Condition.READY),
        stalled=_is_true(body, Condition.STALLED),
        state=state,
        reason=shown.get("reason", ""),
        message=shown.get("message", ""),
        database=_database(status.get("database") or {}),
        job=record.job,
        elapsed=max(0, elapsed or 0) if running else None,
        applied=record.completed.applied_count if record.completed else 0,
        last=record.completed.last if record.completed else None,
    )


def _state(body: JSON, migrated: Mapping[str, JSON], record: Record, checked: Record) -> State:
    reason = migrated.get("reason")
    if not _is_current(body):
        return State.UNKNOWN
    if _is_true(body, Condition.STALLED):
        return State.FAILED
    if migrated.get("status") == Status.TRUE:
        return State.EXEMPT if reason in EXEMPTIONS else State.MIGRATED
    ended = [one.reason for one in (record, checked) if one.outcome is Outcome.FAILED]
    if reason in ended or reason in STALLING:
        return State.FAILED
    if reason == Reason.CHECKING or (reason in TROUBLES and _began(checked) > _began(record)):
        return State.CHECKING
    return State.RUNNING if reason in {Reason.MIGRATING, *TROUBLES} else State.PENDING


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
