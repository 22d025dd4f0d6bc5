"""DjangoProject: one settings artefact and how its databases are migrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbalias.api.meta import JSON, Key, Metadata


class SettingsMode(StrEnum):
    """How the published settings meet the project's own."""

    OVERLAY = "Overlay"
    IMPORTED = "Imported"


class Unmatched(StrEnum):
    """Where a model goes that no rule claims."""

    DEFAULT_ONLY = "DefaultOnly"
    EVERYWHERE = "Everywhere"
    REFUSE = "Refuse"


class AuditMode(StrEnum):
    """Whether a routing audit with errors blocks migrations."""

    ENFORCE = "Enforce"
    WARN = "Warn"


class PublishMode(StrEnum):
    """When a changed entry reaches the application."""

    AFTER_MIGRATE = "AfterMigrate"
    IMMEDIATELY = "Immediately"


class MigrateMode(StrEnum):
    """Who decides that a migration runs."""

    AUTO = "Auto"
    APPROVE = "Approve"
    CHECK = "Check"
    NEVER = "Never"


class CommandScope(StrEnum):
    """Whether a management command runs once or once per database."""

    PROJECT = "Project"
    PER_DATABASE = "PerDatabase"


class CommandTime(StrEnum):
    """When a management command runs."""

    BEFORE_MIGRATE = "BeforeMigrate"
    AFTER_MIGRATE = "AfterMigrate"


class OnFailure(StrEnum):
    """What a failed management command means for what follows."""

    BLOCK = "Block"
    WARN = "Warn"


class WorkloadKind(StrEnum):
    """Workloads that can be restarted by an annotation of their pod template."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


@dataclass(frozen=True, slots=True)
class Settings:
    """``spec.settings``: the module to build on, and further settings by name."""

    module: str | None = None
    mode: SettingsMode = SettingsMode.OVERLAY
    extra: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Routing:
    """``spec.routing``: the project's own routers around the generated ones."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    unmatched: Unmatched | None = None
    audit: AuditMode = AuditMode.ENFORCE


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """What a profile changes on one alias; ``alias`` may be ``*``.

    ``changes`` has Django's keys: CONN_MAX_AGE, CONN_HEALTH_CHECKS, ATOMIC_REQUESTS, OPTIONS.
    """

    alias: str
    changes: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of connection settings, chosen by DBALIAS_PROFILE in a pod."""

    name: str
    aliases: tuple[ProfileEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Names that must exist before anything irreversible starts."""

    aliases: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PodOptions:
    """``spec.migrate.pod``: what a user may set on a Job's pod, as Kubernetes spells it.

    Each value is the JSON of the field of that name in a PodSpec or container; the CRD
    types every one of them, so nothing outside the allowed set can arrive here.
    """

    resources: JSON = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[JSON, ...] = ()
    affinity: JSON = None
    topology_spread_constraints: tuple[JSON, ...] = ()
    image_pull_secrets: tuple[JSON, ...] = ()
    image_pull_policy: str | None = None
    service_account_name: str | None = None
    env: tuple[JSON, ...] = ()
    env_from: tuple[JSON, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    priority_class_name: str | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    fs_group: int | None = None
    volumes: tuple[JSON, ...] = ()
    volume_mounts: tuple[JSON, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectMigrate:
    """``spec.migrate``: how migrations of this project run."""

    mode: MigrateMode = MigrateMode.AUTO
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    max_parallel: int = 4
    lock_timeout_seconds: int = 300
    deadline_seconds: int | None = None
    history_limit: int = 3
    pod: PodOptions = field(default_factory=PodOptions)


@dataclass(frozen=True, slots=True)
class Command:
    """One of ``spec.commands``: another management command to run."""

    name: str
    args: tuple[str, ...]
    scope: CommandScope = CommandScope.PER_DATABASE
    databases: tuple[str, ...] = ()
    when: CommandTime = CommandTime.AFTER_MIGRATE
    on_failure: OnFailure = OnFailure.BLOCK


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload of the same namespace that restarts when published data changes."""

    kind: WorkloadKind
    name: str


@dataclass(frozen=True, slots=True)
class DjangoProject:
    """A DjangoProject as declared, and the ``status`` it was last given."""

    metadata: Metadata
    image: str | None = None
    settings: Settings = field(default_factory=Settings)
    interpreter: tuple[str, ...] = ("python",)
    routing: Routing = field(default_factory=Routing)
    publish: PublishMode = PublishMode.AFTER_MIGRATE
    profiles: tuple[Profile, ...] = ()
    wait_for: WaitFor = field(default_factory=WaitFor)
    migrate: ProjectMigrate = field(default_factory=ProjectMigrate)
    commands: tuple[Command, ...] = ()
    workloads: tuple[Workload, ...] = ()
    suspend: bool = False
    status: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """The key this project is reconciled under."""
        return Key(self.metadata.namespace, self.metadata.name)
