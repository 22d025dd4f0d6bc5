"""``pinReads: Request`` under Django's handlers, in threads and in asyncio tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.signals import request_finished
from django.db import router
from django.dispatch import Signal
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from dbalias.api.policy import PinReads
from dbalias_pins import forget_writes
from unit.builders import a_policy, a_rule
from unit.runtime.chains import document_of
from unit.runtime.conftest import Publish
from unit.runtime.models import Customer, Order
from unit.runtime.serving import Asgi, Wsgi

PRIMARY, REPLICA = "users", "users_r1"
left: dict[str, Any] = {}
"""What views and their test leave for each other."""


def reads() -> str:
    """Return where a read goes at this moment."""
    return str(router.db_for_read(Order))


def write() -> None:
    """Do what saving an object does to routing."""
    assert router.db_for_write(Customer) == PRIMARY


def reading(request: Any) -> HttpResponse:
    """Only read."""
    return HttpResponse(reads())


def writing(request: Any) -> HttpResponse:
    """Read, write, read."""
    before = reads()
    write()
    return HttpResponse(f"{before} {reads()}")


def streaming(request: Any) -> StreamingHttpResponse:
    """Write, and read while the answer is under way."""
    write()
    return StreamingHttpResponse(reads() for _ in range(2))


def meeting(request: Any) -> HttpResponse:
    """Write while another request is there, too."""
    left["meeting"].wait()
    write()
    left["meeting"].wait()
    return HttpResponse(reads())


def met(request: Any) -> HttpResponse:
    """Read after another request wrote, before it ends."""
    left["meeting"].wait()
    left["meeting"].wait()
    return HttpResponse(reads())


async def gathering(request: Any) -> HttpResponse:
    """Write in one task, read in another, in a thread, and here."""

    async def task(step: Callable[[], Any]) -> Any:
        return step()

    await asyncio.gather(task(write), task(lambda: None))
    found = await asyncio.gather(task(reads), sync_to_async(reads)(), asyncio.to_thread(reads))
    return HttpResponse(" ".join([*found, reads()]))


async def waiting(request: Any) -> HttpResponse:
    """Write, then stay until another request was answered."""
    await sync_to_async(write)()
    left["written"].set()
    await left["answered"].wait()
    return HttpResponse(reads())


async def leaving(request: Any) -> HttpResponse:
    """Write, and leave a task behind that writes later."""
    write()

    async def later() -> list[str]:
        await left["go"].wait()
        before = reads()
        write()
        return [before, reads()]

    left["task"] = asyncio.create_task(later())
    return HttpResponse(reads())


VIEWS = [reading, writing, streaming, meeting, met, gathering, waiting, leaving]
urlpatterns = [path(view.__name__, view) for view in VIEWS]


@pytest.fixture(autouse=True)
def _pinning(publish: Publish) -> Iterator[None]:
    """Publish a pool with pinReads Request, and let Django's router load it."""
    rule = a_rule(PRIMARY, "*", read=(REPLICA,))
    document = document_of(a_policy("p", rule, pin_reads=PinReads.REQUEST))
    publish(document)
    with override_settings(
        DATABASE_ROUTERS=document["routers"],
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["testserver", "unknown"],
    ):
        yield
    forget_writes()


def test_reads_are_pinned_from_a_write_to_the_end_of_the_request() -> None:
    """In the order in which a view does things."""
    server = Wsgi()

    assert server.get("/reading") == REPLICA
    assert server.get("/writing") == f"{REPLICA} {PRIMARY}"
    assert server.get("/reading") == REPLICA


def test_a_streamed_answer_is_part_of_its_request() -> None:
    """What it reads under way was perhaps just written."""
    server = Wsgi()

    assert server.get("/streaming") == PRIMARY * 2
    assert server.get("/reading") == REPLICA


def test_a_request_that_was_never_ended_leaves_nothing_to_the_next_of_its_thread() -> None:
    """A server that does not close its response ends it at the latest with the next request."""
    server = Wsgi()

    assert server.get("/writing", close=False) == f"{REPLICA} {PRIMARY}"
    assert server.get("/reading") == REPLICA


def test_what_a_thread_wrote_outside_requests_pins_no_request() -> None:
    """And ends with the next request, at the latest."""
    write()

    assert reads() == PRIMARY
    assert Wsgi().get("/reading") == REPLICA
    assert reads() == REPLICA


def test_requests_in_two_threads_do_not_pin_each_other() -> None:
    """One writes, the other reads while that is under way."""
    left.update(meeting=Barrier(2, timeout=300))
    server = Wsgi()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(server.get, ["/meeting", "/met"]))

    assert found == [PRIMARY, REPLICA]


def test_an_async_view_under_wsgi_shares_its_pins_with_what_it_starts() -> None:
    """Tasks and threads alike."""
    server = Wsgi()

    assert set(server.get("/gathering").split()) == {PRIMARY}
    assert server.get("/reading") == REPLICA


async def test_an_async_view_under_asgi_shares_its_pins_with_what_it_starts() -> None:
    """Tasks and threads alike; the next request of the connection knows nothing of it."""
    server = Asgi()

    assert set((await server.get("/gathering")).split()) == {PRIMARY}
    assert await server.get("/reading") == REPLICA


async def test_a_sync_view_under_asgi_is_pinned_as_under_wsgi() -> None:
    """Its thread is Django's choice."""
    server = Asgi()

    assert await server.get("/writing") == f"{REPLICA} {PRIMARY}"
    assert await server.get("/writing") == f"{REPLICA} {PRIMARY}"


async def test_asgi_requests_at_once_do_not_pin_each_other() -> None:
    """They share a thread, and nothing else."""
    server = Asgi()
    left.update(written=asyncio.Event(), answered=asyncio.Event())

    first = asyncio.create_task(server.get("/waiting"))
    await left["written"].wait()
    assert await server.get("/reading") == REPLICA
    left["answered"].set()

    assert await first == PRIMARY


async def test_a_task_that_outlives_its_request_pins_itself_alone() -> None:
    """The request's pins have ended for it; its own belong to no other request."""
    server = Asgi()
    left.update(go=asyncio.Event())

    assert await server.get("/leaving") == PRIMARY
    left["go"].set()

    assert await left["task"] == [REPLICA, PRIMARY]
    assert await server.get("/reading") == REPLICA


async def test_tasks_outside_requests_pin_themselves_and_what_they_start() -> None:
    """A task starts with the pins of its parent, and gives nothing back."""

    async def child(*, writes: bool) -> str:
        if writes:
            write()
        await asyncio.sleep(0)
        return reads()

    writer, reader = await asyncio.gather(child(writes=True), child(writes=False))

    assert (writer, reader) == (PRIMARY, REPLICA)
    assert reads() == REPLICA
    write()
    assert await asyncio.create_task(child(writes=False)) == PRIMARY


async def test_a_write_in_a_thread_of_a_task_pins_the_task() -> None:
    """An asynchronous save is a save in a thread."""
    await sync_to_async(write)()

    assert reads() == PRIMARY


def test_an_async_call_from_a_thread_pins_the_thread() -> None:
    """The other way round."""

    async def work() -> None:
        write()

    async_to_sync(work)()

    assert reads() == PRIMARY


def test_a_thread_without_requests_forgets_when_it_is_told_to() -> None:
    """As a worker does between two tasks, by a signal or by a call."""
    task_postrun = Signal()
    task_postrun.connect(forget_writes)

    def tasks() -> list[str]:
        found = []
        for _ in range(2):
            write()
            found.append(reads())
            task_postrun.send(None)
            found.append(reads())
        return found

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(tasks).result() == [PRIMARY, REPLICA] * 2


def test_the_test_client_makes_requests_like_any_other() -> None:
    """Tests see what users would."""
    client = Client()

    assert client.get("/writing").content.decode() == f"{REPLICA} {PRIMARY}"
    assert client.get("/reading").content.decode() == REPLICA


async def test_the_asynchronous_test_client_makes_requests_like_any_other() -> None:
    """It calls views in the task of the test."""
    client = AsyncClient()

    assert (await client.get("/writing")).content.decode() == f"{REPLICA} {PRIMARY}"
    assert (await client.get("/reading")).content.decode() == REPLICA


def test_the_end_of_a_request_is_heard_from_whoever_sends_it() -> None:
    """Handlers of other frameworks send Django's signal as well."""
    write()
    request_finished.send(None)

    assert reads() == REPLICA
