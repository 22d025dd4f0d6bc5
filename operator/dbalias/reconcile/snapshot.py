"""Everything one pass decides from, read live: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON, Key, Kind, Metadata
from dbalias.api.ownership import MANAGER
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject, Workload
from dbalias.api.secrets import SecretBytes
from dbalias.django.sources import Sources
from dbalias.migrations.observed import JobState, PodState
from dbalias.reconcile.poll import Versions


@dataclass(frozen=True, slots=True)
class Broken:
    """An object that is there but cannot be understood, with every reason why."""

    kind: Kind
    metadata: Metadata
    problems: tuple[Problem, ...]
    alias: str | None = None
    status: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedConfigMap:
    """A ConfigMap that carries one of our names."""

    name: str
    uid: str
    ours: bool
    predecessors: bool
    """Controlled by a deleted project of the same name: the garbage collector takes it."""
    data: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PublishedSecret:
    """A Secret that carries one of our names."""

    name: str
    uid: str
    ours: bool
    predecessors: bool
    """Controlled by a deleted project of the same name: the garbage collector takes it."""
    data: Mapping[str, SecretBytes]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """A workload that is to restart: its pod template's annotations and its progress."""

    workload: Workload
    found: bool
    template_annotations: Mapping[str, str] = field(default_factory=dict)
    rolled_out: bool = False
    leaving: bool = False
    """Pods of it are ending, and connect anew with the login that they began with."""


@dataclass(frozen=True, slots=True)
class Astray:
    """What the server pass is to look at soon: a binding Secret that is not as it has written it,
    or a run that did not get into the database. ``version`` is the Secret's, or names the Job.
    """

    server: Key
    object: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What only the running process knows, because Kubernetes forgets it.

    ``quiet_from``: the newest moment at which an object of this project was seen to vanish,
    or the start of the process.
    """

    quiet_from: datetime
    salt: str
    """The salt of this project's Secret as last seen, else a fresh one."""
    unread_before: bool = False
    """The last pass could not read everything either."""
    refusals: Mapping[str, str] = field(default_factory=dict)
    """Objects that the API server refused to take in the last pass, with its reason."""
    last_words: tuple[PodState, ...] = ()
    """Pods of Jobs as they were seen last, when they vanished."""
    installation: str = MANAGER
    """How this operator signs on database servers and binding Secrets."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One project and all that belongs to it. ``unreadable`` names what could not be read.

    ``aliases`` are where their servers are, as ``places`` puts them; ``hindered`` has, by object,
    why one that names a server is nowhere; ``tried`` are the objects of which the pass over their
    server tries the logins.
    """

    key: Key
    memory: Memory
    project: DjangoProject | Broken | None = None
    aliases: tuple[DatabaseAlias, ...] = ()
    policies: tuple[DatabaseRoutingPolicy, ...] = ()
    broken: tuple[Broken, ...] = ()
    hindered: Mapping[str, Problem] = field(default_factory=dict)
    tried: frozenset[str] = frozenset()
    astray: frozenset[Astray] = frozenset()
    sources: Sources = field(default_factory=dict)
    config_map: PublishedConfigMap | None = None
    secret: PublishedSecret | None = None
    migrate_secret: PublishedSecret | None = None
    revisions: tuple[PublishedConfigMap, ...] = ()
    jobs: tuple[JobState, ...] = ()
    foreign_jobs: frozenset[str] = frozenset()
    taken: Mapping[str, str] = field(default_factory=dict)
    """By database, where a run would start: the other project that is at it, in words."""
    workloads: tuple[WorkloadState, ...] = ()
    unreadable: tuple[str, ...] = ()
    versions: Versions = field(default_factory=dict)
    """What was read by name, for the poll to compare."""
    bindings: Versions = field(default_factory=dict)
    """The binding Secrets among it, which are looked at apart."""

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of this key exists, as far as everything could be read."""
        declared = self.project or self.aliases or self.policies or self.broken
        return not (declared or self.unreadable)
