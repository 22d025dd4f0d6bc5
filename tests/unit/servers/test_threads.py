"""Blocking work in threads of its own, which the event loop can end."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from dbalias.servers import threads
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.threads import Watch, in_thread

PATIENCE = 60.0
"""Seconds for what comes at once, unless the machine is busy."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thread notice that it was cut when it is its turn."""
    monkeypatch.setattr(threads, "_GRACE", PATIENCE)


@contextlib.contextmanager
def a_pair(watch: Watch) -> Iterator[socket.socket]:
    """Give a connection on which nobody ever says a word, under a watch."""
    near, far = socket.socketpair()
    with near, far:
        watch.guard(near.dup())
        yield near
    watch.release()


async def test_work_returns_its_result() -> None:
    """In a daemon thread, for the process' end waits for no other."""
    result = await in_thread(lambda: threading.current_thread().daemon, Watch())
    assert result is True


async def test_work_raises_its_error() -> None:
    """As if it had been called here."""

    def work() -> None:
        raise ServerFaultError(Fault.FULL, "no room")

    with pytest.raises(ServerFaultError, match="no room"):
        await in_thread(work, Watch())


@pytest.mark.usefixtures("patient")
async def test_a_call_that_is_overdue_is_cut() -> None:
    """Its connection ends, and so does the call: whoever reads gets an end of file."""
    watch = Watch()

    def work() -> bytes:
        watch.allow(0.1)
        return near.recv(1)

    with a_pair(watch) as near:
        assert await in_thread(work, watch) == b""
    assert watch.was_cut


def test_a_call_that_was_cut_before_it_had_a_connection_ends_with_it() -> None:
    """An endpoint may be closed while a name resolves: the login after it waits for nobody."""
    watch = Watch()
    watch.cut()
    with a_pair(watch) as near:
        near.settimeout(60)
        assert near.recv(1) == b""


async def test_a_call_that_ended_in_time_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is a call's, not the thread's: our own computing may take longer."""
    watch, clock = Watch(), [0.0]
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(threads, "_LOOK", 0.01)

    def work() -> str:
        watch.allow(1)
        watch.done()
        clock[0] = 2
        time.sleep(0.15)
        return "well"

    assert await in_thread(work, watch) == "well"
    assert not watch.was_cut


async def test_a_call_that_the_fence_refuses_is_not_made() -> None:
    """Whoever waits for the work gets what the fence raised, and no deadline runs on."""
    said: list[str] = []

    def refuse() -> None:
        raise PermissionError

    def work() -> None:
        watch.allow(0.1)
        said.append("sent")

    watch = Watch(refuse)
    with pytest.raises(PermissionError):
        await in_thread(work, watch)
    assert said == []
    assert watch.remaining() == math.inf


@pytest.mark.usefixtures("patient")
async def test_a_deadline_that_was_moved_is_kept() -> None:
    """One thread makes many calls, each with a deadline of its own."""
    watch = Watch()

    def work() -> bytes:
        watch.allow(PATIENCE)
        time.sleep(0.05)
        watch.allow(0.1)
        return near.recv(1)

    with a_pair(watch) as near:
        began = time.monotonic()
        assert await in_thread(work, watch) == b""
    assert time.monotonic() - began < PATIENCE / 2


async def test_a_thread_that_cannot_be_cut_is_left_behind() -> None:
    """A name that does not resolve has no connection yet; its place is free only afterwards."""
    watch, go_on, ended = Watch(), threading.Event(), asyncio.Event()

    def work() -> None:
        watch.allow(0.05)
        go_on.wait(PATIENCE)

    with pytest.raises(ServerFaultError) as caught:
        await in_thread(work, watch, ended=ended.set)
    assert caught.value.fault is Fault.UNREACHABLE
    assert "name takes too long" in str(caught.value)
    assert not ended.is_set()
    go_on.set()
    await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_a_thread_that_has_a_connection_is_not_said_to_look_for_a_name() -> None:
    """It was cut, and on a busy machine it is not its turn yet to notice."""
    watch, go_on, ended = Watch(), threading.Event(), asyncio.Event()

    def work() -> None:
        watch.allow(0.05)
        go_on.wait(PATIENCE)

    with a_pair(watch):
        with pytest.raises(ServerFaultError, match="no answer in time"):
            await in_thread(work, watch, ended=ended.set)
        go_on.set()
        await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_a_thread_that_cannot_be_started_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container may have no more of them for a while."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    ended: list[str] = []
    with pytest.raises(RuntimeError):
        await in_thread(lambda: None, Watch(), ended=lambda: ended.append("ended"))
    assert ended == ["ended"]


async def test_cancelling_cuts_the_call() -> None:
    """The operator ends within seconds, whatever its servers do."""
    watch = Watch()
    ended = asyncio.Event()
    with a_pair(watch) as near:
        call = asyncio.create_task(in_thread(lambda: near.recv(1), watch, ended=ended.set))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_a_thread_that_ends_after_its_event_loop_tells_nobody() -> None:
    """Its result is of no use to a process that ends; pytest counts its error as a failure."""
    begun, go_on = threading.Event(), threading.Event()
    alive: list[threading.Thread] = []

    def work() -> None:
        alive.append(threading.current_thread())
        begun.set()
        go_on.wait(PATIENCE)

    async def begin() -> None:
        call = asyncio.create_task(in_thread(work, Watch()))
        await asyncio.to_thread(begun.wait, PATIENCE)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call

    await asyncio.to_thread(asyncio.run, begin())
    go_on.set()
    await asyncio.to_thread(alive[0].join, PATIENCE)
    assert not alive[0].is_alive()
