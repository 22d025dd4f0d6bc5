"""What a plan may ask for. ``execute`` knows how; nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dbalias.api.meta import JSON, Key, Kind, Metadata
from dbalias.api.project import Workload
from dbalias.api.secrets import SecretBytes
from dbalias.migrations.marks import DATABASE_LABEL


@dataclass(frozen=True, slots=True)
class Note:
    """One event to record on an object, because something changed."""

    reason: str
    message: str
    warning: bool


@dataclass(frozen=True, slots=True)
class PublishConfigMap:
    """Create or repair a ConfigMap; ``foreign`` keys of it are removed."""

    name: str
    data: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    uid: str | None = None
    """The object that is to be repaired; None: there is none yet."""
    immutable: bool = False
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishSecret:
    """Create or repair a Secret; ``foreign`` keys of it are removed."""

    name: str
    data: Mapping[str, SecretBytes]
    annotations: Mapping[str, str] = field(default_factory=dict)
    uid: str | None = None
    """The object that is to be repaired; None: there is none yet."""
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Write one object's status, then record what changed."""

    kind: Kind
    metadata: Metadata
    status: Mapping[str, JSON]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Delete an object of ours that nothing needs any more."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Start an attempt whose record is already stored."""

    alias: str
    body: JSON


@dataclass(frozen=True, slots=True)
class RestartWorkload:
    """Stamp a workload's pod template, so that its pods load what is published now."""

    workload: Workload
    annotations: Mapping[str, str]


Action = PublishConfigMap | PublishSecret | WriteStatus | DeleteObject | CreateJob | RestartWorkload


def label(action: Action) -> str:
    """Return ``Kind/name`` of the object that an action writes: the key of a refusal."""
    match action:
        case PublishConfigMap():
            return f"ConfigMap/{action.name}"
        case PublishSecret():
            return f"Secret/{action.name}"
        case WriteStatus():
            return f"{action.kind.value}/{action.metadata.name}"
        case DeleteObject():
            return f"{action.kind}/{action.name}"
        case CreateJob():
            return f"Job/{action.body['metadata']['name']}"
        case RestartWorkload():
            return f"{action.workload.kind}/{action.workload.name}"


def is_publication(name: str) -> bool:
    """Tell whether a label is that of a published object."""
    return name.startswith(("ConfigMap/", "Secret/"))


@dataclass(frozen=True, slots=True)
class Plan:
    """``early`` can be undone or does no harm early; ``late`` cannot, and comes after it."""

    key: Key
    owner: Metadata | None = None
    early: tuple[Action, ...] = ()
    late: tuple[Action, ...] = ()
    wake_at: datetime | None = None
    awaiting: bool = False
    """A Secret is awaited: poll often."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Aliases by state, for metrics: migrated, pending, failed."""
    failing: float = 0.0
    """Unix time since when the project has been Stalled; 0 when it is not."""

    @property
    def databases(self) -> frozenset[str]:
        """Name the databases on which Jobs would start."""
        jobs = [action.body for action in self.late if isinstance(action, CreateJob)]
        marks = (body["metadata"]["labels"].get(DATABASE_LABEL) for body in jobs)
        return frozenset(mark for mark in marks if mark)
