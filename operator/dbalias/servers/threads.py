"""Blocking work in threads of its own, which another thread can end: one hang delays nobody else.

The default executor is shared, and joined when the process ends; a daemon thread is neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from dbalias.servers.faults import Fault, ServerFaultError

T = TypeVar("T")

_LOOK = 1.0
"""Seconds between looks at a deadline, which a thread may have moved meanwhile."""
_GRACE = 1.0
"""Seconds that a thread gets to notice that its connection was cut."""


class Watch:
    """How long a thread's present call may take, and the connection to cut when it takes longer.

    The thread sets it, the event loop looks at it: a driver's own timeouts bound a single read,
    not a statement, and none bounds a handshake whose every byte comes late.
    """

    def __init__(self, fence: Callable[[], None] = lambda: None) -> None:
        self.was_cut = False
        self._fence = fence
        self._due = math.inf
        self._socket: socket.socket | None = None

    def allow(self, seconds: float) -> None:
        """Begin a call that may take so long; it is not made where the fence raises."""
        self._fence()
        self._due = time.monotonic() + seconds

    def done(self) -> None:
        """End the call: what follows waits for nobody."""
        self._due = math.inf

    def remaining(self) -> float:
        """Return the seconds that the present call still has; negative when it is overdue."""
        return self._due - time.monotonic()

    def what_delays(self) -> str:
        """Return in one sentence what a call waits for that does not even end when it is cut."""
        if self._socket is None:
            return "the server's name takes too long to resolve"
        return "the server gave no answer in time, and its connection has not ended yet"

    def guard(self, connection: socket.socket) -> None:
        """Cut this socket, at once where the call was cut before it had one.

        It must be a duplicate, for a driver may wrap or close its own.
        """
        self._socket = connection
        if self.was_cut:
            self._shut()

    def cut(self) -> None:
        """End the call from outside: whoever reads or writes there gets an error at once."""
        self.was_cut = True
        self._shut()

    def _shut(self) -> None:
        if (connection := self._socket) is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Close the duplicate."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


async def in_thread(
    work: Callable[[], T], watch: Watch, *, ended: Callable[[], None] = lambda: None
) -> T:
    """Run ``work`` in a thread and return its result; cut it when its watch says so.

    ``ended`` is called in the event loop once the thread is over, which may be after this
    returns: a thread that cannot be cut (a name that does not resolve) is left behind.
    """
    future = start(work, ended)
    try:
        while not future.done():
            await asyncio.wait({future}, timeout=min(_LOOK, max(0.0, watch.remaining())))
            if not future.done() and watch.remaining() <= 0:
                watch.cut()
                await asyncio.wait({future}, timeout=_GRACE)
                break
    except asyncio.CancelledError:
        watch.cut()
        raise
    if not future.done():
        raise ServerFaultError(Fault.UNREACHABLE, watch.what_delays())
    return future.result()


def start(work: Callable[[], T], ended: Callable[[], None] = lambda: None) -> asyncio.Future[T]:
    """Run ``work`` in a thread of its own; ``ended`` is called in the event loop after it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        ended()
        if error is not None:
            future.set_exception(error)
            future.exception()  # Read, for nobody may be left who waits for it.
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # The event loop is closed: the process ends.
            loop.call_soon_threadsafe(settle, result, error)

    try:
        threading.Thread(target=body, name="dbalias-server", daemon=True).start()
    except RuntimeError:  # The container may have no more threads.
        ended()
        raise
    return future
