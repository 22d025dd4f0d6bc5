"""One server as its pass sees it: a bounded number of sessions, opened when needed, then reused.

Every endpoint has threads, sessions and deadlines of its own: nothing is shared that a server
that hangs could fill up. Here alone sessions are opened.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias, TypeVar

from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.faults import ServerFaultError
from dbalias.servers.plot import Engine, Plot, Session, Step, Survey
from dbalias.servers.sessions.opening import OpenSession, open_session
from dbalias.servers.sessions.postgresql_login import ignore_environment
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.threads import Watch, in_thread, start
from dbalias.servers.wanted import Wanted

T = TypeVar("T")

Fence: TypeAlias = Callable[[float], None]
"""Asked before whatever is sent: raises unless nobody else may work here for so many seconds."""


def unfenced(seconds: float) -> None:
    """Let everything through: nobody else works here."""


@dataclass(eq=False, slots=True)
class _Slot:
    """One of the sessions that may be open; ``session`` None: none is."""

    fence: Callable[[], None]
    watch: Watch = field(init=False)
    session: OpenSession | None = None
    since: float = 0.0

    def __post_init__(self) -> None:
        self.watch = Watch(self.fence)

    def take_out(self) -> OpenSession | None:
        """Return the session for closing; the next one gets a watch of its own."""
        session, self.session, self.watch = self.session, None, Watch(self.fence)
        return session


class Endpoint:
    """An administrator's sessions on one server. Its methods raise ServerFaultError.

    They also raise what ``fence`` does; then nothing more is sent, and the session is closed: a
    transaction that was begun is undone.

    ``opened`` counts the sessions that were opened, or tried. A session that saw a fault is
    closed. What waits for a session when the server turns out to be gone, full or read-only ends
    with that fault at once: a thousand aliases do not wait for a thousand timeouts.
    """

    def __init__(
        self,
        address: Address,
        engine: Engine,
        *,
        timeouts: Timeouts | None = None,
        fence: Fence = unfenced,
        on_open: Callable[[], object] = lambda: None,
    ) -> None:
        self.address = address
        self.opened = 0
        self._engine = engine
        self._timeouts = timeouts or Timeouts()
        self._on_open = on_open
        asked = partial(fence, self._timeouts.late)
        self._free = [_Slot(asked) for _ in range(address.max_connections)]
        self._busy: set[_Slot] = set()
        self._room = asyncio.Semaphore(address.max_connections)
        self._broke: tuple[float, ServerFaultError] | None = None
        if address.engine is ServerEngine.POSTGRESQL:
            ignore_environment()

    async def survey(self, wanted: Sequence[Wanted]) -> Survey:
        """Look up everything wanted, in one session."""
        return await self._use(lambda session: self._engine.survey(session, wanted))

    async def look_up(self, wanted: Wanted) -> Plot:
        """Look up one database again, for less than a survey costs."""
        return await self._use(lambda session: self._engine.look_up(session, wanted))

    async def look_inside(self, plot: Plot) -> Plot:
        """Return the plot with what a session in its ``unseen`` database shows."""
        return await self._use(
            lambda session: self._engine.look_inside(session, plot), database=plot.unseen
        )

    async def run(self, steps: Sequence[Step]) -> None:
        """Carry out steps in order, those that follow each other in one database in one session.

        The first that fails ends it.
        """
        for database, group in itertools.groupby(steps, key=lambda step: step.database):
            await self._use(_runner(tuple(group)), database=database)

    async def try_login(self, user: str, password: SecretBytes, database: str) -> None:
        """Log in as somebody else and leave at once."""
        login = replace(self.address, user=user, password=password)
        await self._use(lambda session: None, database=database, login=login)

    async def close(self) -> None:
        """End every session, also those at work."""
        for slot in self._busy:
            slot.watch.cut()
        for slot in self._free:
            _close_apart(slot.take_out())

    async def _use(
        self,
        work: Callable[[Session], T],
        *,
        database: str | None = None,
        login: Address | None = None,
    ) -> T:
        """Do ``work`` in a session: the administrator's own are kept, others closed afterwards."""
        entered = time.monotonic()
        await self._room.acquire()
        if self._broke is not None and self._broke[0] >= entered:
            self._room.release()
            raise ServerFaultError(self._broke[1].fault, str(self._broke[1]))
        kept = database is None and login is None
        task = _Task(login or self.address, database, self._timeouts, kept=kept)
        slot = self._choose(task)
        return await in_thread(
            lambda: task.do(slot, work), slot.watch, ended=lambda: self._give_back(slot, task)
        )

    def _choose(self, task: _Task) -> _Slot:
        """Take a slot: one with a living session where that can be used, else one without."""
        self._free.sort(key=lambda slot: (slot.session is None) is task.kept)
        slot = self._free.pop(0)
        self._busy.add(slot)
        if slot.session is None or not task.kept or not slot.session.is_alive():
            task.stale = slot.take_out()
            self.opened += 1
            self._on_open()
        return slot

    def _give_back(self, slot: _Slot, task: _Task) -> None:
        slot.since = time.monotonic()
        if task.broke is not None:
            self._broke = (slot.since, task.broke)
        self._busy.discard(slot)
        self._free.append(slot)
        self._room.release()
        if slot.session is not None:
            asyncio.get_running_loop().call_later(self._timeouts.idle, self._close_idle, slot)

    def _close_idle(self, slot: _Slot) -> None:
        idle = time.monotonic() - slot.since
        if slot in self._free and idle >= self._timeouts.idle:
            _close_apart(slot.take_out())


@dataclass(slots=True)
class _Task:
    """What a thread does in a slot."""

    address: Address
    database: str | None
    timeouts: Timeouts
    kept: bool
    stale: OpenSession | None = None
    broke: ServerFaultError | None = None
    """Why no other task could do anything on this server either."""

    def do(self, slot: _Slot, work: Callable[[Session], T]) -> T:
        """Work in the slot's session, opened if there is none, closed unless it is kept."""
        well = False
        try:
            session = slot.session or self._open(slot)
            result = work(session)
            well = True
        except ServerFaultError as error:
            if not self.kept:
                error.keep_to_database()
            if error.is_of_server:
                self.broke = error
            raise
        finally:
            if not (well and self.kept) and (done := slot.take_out()) is not None:
                done.close()
        return result

    def _open(self, slot: _Slot) -> OpenSession:
        if self.stale is not None:
            self.stale.close()
        slot.session = open_session(
            self.address, self.database, watch=slot.watch, timeouts=self.timeouts
        )
        return slot.session


def _runner(steps: tuple[Step, ...]) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        for step in steps:
            session.run(step)

    return run


def _close_apart(session: OpenSession | None) -> None:
    """Close it in a thread: saying goodbye to a server that hangs may take long."""
    if session is not None:
        start(session.close)
