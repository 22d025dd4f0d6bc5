"""The life of some aliases on one server: two processes that may die, and what is remembered."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dbalias.api.meta import JSON, Key
from dbalias.api.ownership import DATABASE_FINALIZER
from dbalias.api.server import ServerEngine
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.ports import ClusterError, RefusedError, Resource
from dbalias.reconcile.provisioning.reconciler import ServerReconciler
from dbalias.servers.bindings import Intact, binding_name, read_binding
from dbalias.servers.marks import Mark
from dbalias.servers.names import role_names
from integration.operator.operating import wait_until
from integration.provisioning.ground import Ground
from integration.provisioning.logins import end_of_threads
from integration.provisioning.mortal import Fate, KilledError, MortalCluster
from integration.provisioning.rig import ADMIN_PASSWORD, INSTALLATION, Rig

SERVERS = ("main", "twin")
"""Two DatabaseServers that lead to one machine."""
NEVER = 10**9
_SET = re.compile(r"(?:set the password of login|create login|make login) ([^ ;]+)")
_DROPPED = re.compile(r"drop database ([^ ;]+)")

Credentials = tuple[str, str]


@dataclass(slots=True)
class Process:
    """One operator: what it remembers, and when it dies."""

    fate: Fate
    reconciler: ServerReconciler
    sessions: set[int] = field(default_factory=set)
    """What it keeps open on the server between its passes."""


@dataclass(slots=True)
class Seat:
    """One of an alias' two Secrets, as those see it who connect with it.

    ``valid``: the password that each login was published with last, unless somebody meddled.
    """

    readers: bool
    published: Credentials | None = None
    valid: dict[str, str] = field(default_factory=dict)
    backups: list[JSON] = field(default_factory=list)


@dataclass(slots=True)
class Tenant:
    """One alias, whether it is there or not, and what is expected of it."""

    rig: Rig
    name: str
    seats: tuple[Seat, Seat] = field(default_factory=lambda: (Seat(False), Seat(True)))
    meddled: bool = False
    """Somebody touched its login, its Secret or its database since all was well."""
    traces: bool = False
    """It may have left something on the server that was to stay."""
    dying: str | None = None
    """The uid of the object that was deleted and whose database was to be dropped."""

    @property
    def key(self) -> Key:
        """The object."""
        return Key(self.rig.namespace, self.name)

    @property
    def mark(self) -> Mark:
        """What marks its own."""
        return Mark(INSTALLATION, self.rig.namespace, self.name)

    async def body(self) -> JSON | None:
        """Return the object."""
        return await self.rig.cluster.get(Resource.ALIASES, self.rig.namespace, self.name)

    async def secret(self, seat: Seat) -> JSON | None:
        """Return a binding Secret, or what lies in its place."""
        name = binding_name(self.name, readers=seat.readers)
        return await self.rig.cluster.get(Resource.SECRETS, self.rig.namespace, name)

    def roles(self, engine: ServerEngine) -> list[str]:
        """Return the names of all roles that it may have."""
        names = role_names(self.rig.namespace, self.name, engine=engine)
        pairs = (names.logins, names.readers)
        return [names.owner, *(login for pair in pairs for login in (pair.a, pair.b))]


@dataclass(slots=True)
class Life:
    """Everything that one seed comes to."""

    rig: Rig
    guest: Rig
    random: random.Random
    ground: Ground
    tenants: list[Tenant] = field(default_factory=list)
    checks_logins: bool = False
    has_project: bool = False
    past: timedelta = timedelta()
    processes: list[Process] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=lambda: {ADMIN_PASSWORD})
    kept: dict[str, str] = field(default_factory=dict)
    """What must be found in each database for as long as nobody asks for its end."""
    by_hand: dict[str, list[object]] = field(default_factory=dict)
    """Portraits of databases that nobody adopted."""
    makers: dict[str, Key] = field(default_factory=dict)
    """Which alias a database was made for by the operator."""
    unmarked: set[str] = field(default_factory=set)
    """Databases of which somebody removed the marks."""
    outage: str | None = None
    admits: bool = True
    gone: list[JSON] = field(default_factory=list)
    """The DatabaseServers that somebody deleted and will apply again."""

    @property
    def engine(self) -> ServerEngine:
        """Which kind of server it is."""
        return ServerEngine(self.ground.server.engine)

    @property
    def shared(self) -> str:
        """The name of a database that several aliases may want."""
        return f"{self.rig.namespace}_shared"

    def now(self) -> datetime:
        """Return the time as the operator has it."""
        return self.rig.api.clock.now() + self.past

    def tell(self, what: str) -> None:
        """Note what happened, for whoever reads of a failure."""
        self.story.append(what)

    def start(self) -> Process:
        """Start an operator that remembers nothing."""
        fate = Fate(NEVER)
        cluster = MortalCluster(self.rig.cluster, fate)
        reconciler = ServerReconciler(
            cluster,
            BindingSecrets(cluster),
            Metrics(),
            clock=self.now,
            installation=INSTALLATION,
            connect=fate.connect,
        )
        return Process(fate, reconciler)

    async def restart(self, index: int) -> Process:
        """End one of the processes and start another in its place."""
        await self.processes[index].reconciler.close()
        self.processes[index] = self.start()
        return self.processes[index]

    async def run(self, index: int, server: str, moments: int | None = None) -> None:
        """Run one pass; with ``moments`` the process dies within it, if it lasts so long."""
        process = self.processes[index]
        begin = len(process.fate.said)
        process.fate.fatal = NEVER if moments is None else begin + moments
        try:
            await process.reconciler.reconcile(Key(self.rig.namespace, server))
        except* KilledError:
            assert process.fate.is_met
        except* ClusterError as group:
            self.tell(f"  ended early: {group.exceptions[0]}")
        said = process.fate.said[begin:]
        self.tell(f"  pass {index} over {server}: {'; '.join(said) or 'nothing'}")
        others = {number for one in self.processes if one is not process for number in one.sessions}
        if process.fate.is_met:
            self.tell("  and died")
            self._doubt(said)
            await self.restart(index)
            await self._outlast(process.fate, others)
        self.processes[index].sessions = self.ground.sessions() - others
        self._bury(said)
        await self.observe()

    async def _outlast(self, fate: Fate, others: set[int]) -> None:
        """Wait until all is over that a process sent before it died, which servers go on with."""
        await fate.end()
        await end_of_threads()
        await asyncio.to_thread(wait_until, lambda: not self.ground.sessions() - others)

    def _doubt(self, said: list[str]) -> None:
        """Expect no more of a login whose password was set by a process that died then."""
        names = {name for one in said for name in _SET.findall(one)}
        for tenant in self.tenants:
            for seat in tenant.seats:
                for name in names & seat.valid.keys():
                    if not (seat.published and seat.published[0] == name):
                        del seat.valid[name]

    async def observe(self) -> None:
        """See what is published by now."""
        for tenant in self.tenants:
            for seat in tenant.seats:
                await self._observe(tenant, seat)

    async def _observe(self, tenant: Tenant, seat: Seat) -> None:
        body = await tenant.secret(seat)
        found = read_binding(body, tenant.mark, self.engine)
        if not isinstance(found, Intact):
            return
        issued = found.issued.login, found.issued.password.reveal().decode()
        self.secrets.add(issued[1])
        if issued == seat.published:
            return
        if seat.published is not None and not tenant.meddled:
            before, after = seat.published[0], issued[0]
            assert before != after, f"{tenant.key}: {after} got another password while in use"
        seat.published = issued
        seat.valid[issued[0]] = issued[1]
        if body is not None and len(seat.backups) < 5:
            note = {"annotations": body["metadata"]["annotations"]}
            seat.backups.append({"data": body["data"], "metadata": note})

    async def patch(self, tenant: Tenant, resource: Resource, name: str, **change: Any) -> bool:
        """Patch as a user; tell whether the API server took it."""
        try:
            await tenant.rig.patch(resource, name, **change)
        except RefusedError:
            return False
        return True

    async def wants(self, body: JSON) -> str:
        """Return the database that an alias asks for."""
        spec, meta = body["spec"], body["metadata"]
        return str(spec.get("name") or f"{meta['namespace']}_{meta['name']}")

    def _bury(self, said: list[str]) -> None:
        """Expect no more of what was dropped, as nothing may be but with a deleted alias."""
        there = self.ground.databases()
        for name in {one for line in said for one in _DROPPED.findall(line)} - there:
            if name in self.kept:
                dying = [one.key for one in self.tenants if one.dying is not None]
                assert self.makers.get(name) in dying, f"{name} was dropped"
            self.kept.pop(name, None)
            self.makers.pop(name, None)

    def is_made(self, database: str) -> bool:
        """Tell whether a database is marked as made by the operator, and not taken over."""
        marks = self.ground.marks(database)
        return bool(marks) and not any(one.adopted for one in marks)

    def is_held(self, body: JSON) -> bool:
        """Tell whether an alias waits for the operator when it is deleted."""
        return DATABASE_FINALIZER in (body["metadata"].get("finalizers") or ())
