"""Which aliases were written to: with ``pinReads: Request``, reads of them stay on them.

A request has one set of pins, which all its threads and asyncio tasks share: everything that
Django starts for it, and every task that its views start. It ends with the request. Elsewhere
(a worker, a command) pins belong to the task or thread that wrote; a task starts with those of
its parent. They end with it, or when ``forget_writes`` is called.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import SyncToAsync
from django.core.signals import request_finished, request_started

_own: ContextVar[frozenset[str]] = ContextVar("dbalias_own_pins", default=frozenset())
_request: ContextVar[set[str] | None] = ContextVar("dbalias_request_pins", default=None)
_asgi: MutableMapping[Any, set[str]] = WeakKeyDictionary()
"""Pins of ASGI requests, by the ThreadSensitiveContext that Django opens for each.

Django 5.0 to 6.0 send ``request_started`` in a task of its own, so what a receiver sets there
never reaches the request (Django's ticket 36714).
"""


def remember_write(alias: str) -> None:
    """Pin reads of an alias from now on."""
    shared = _shared()
    if shared is None:
        _own.set(_own.get() | {alias})
    else:
        shared.add(alias)


def was_written(alias: str) -> bool:
    """Return whether reads of an alias are pinned."""
    shared = _shared()
    return alias in (_own.get() if shared is None else shared)


def forget_writes(**kwargs: Any) -> None:
    """Unpin all reads of this request, task or thread; fit to receive any signal.

    Threads that never see a request keep their pins for life: connect it to what ends a unit
    of work there, such as Celery's ``task_postrun``, or call it between two messages.
    """
    shared = _shared()
    if shared is not None:
        shared.clear()
    _own.set(frozenset())


def _shared() -> set[str] | None:
    context = SyncToAsync.thread_sensitive_context.get(None)
    return _request.get() if context is None else _asgi.setdefault(context, set())


def _begin_request(**kwargs: Any) -> None:
    _request.set(set())  # a new one: what outlives the last request still holds the old


def _end_request(**kwargs: Any) -> None:
    forget_writes()
    _request.set(None)


request_started.connect(_begin_request, dispatch_uid="dbalias_request_started")
request_finished.connect(_end_request, dispatch_uid="dbalias_request_finished")
