"""Requests to Django's own handlers, as servers make them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler


class Wsgi:
    """A WSGI server without a network: a request runs in the thread that asks."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()

    def get(self, path: str, *, close: bool = True) -> str:
        """Return the body; without ``close`` the server forgets to end the request."""
        environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "wsgi.input": BytesIO()}
        environ |= {"SERVER_NAME": "testserver", "SERVER_PORT": "80"}
        response = self.handler(environ, lambda status, headers: None)
        body = b"".join(response).decode()
        if close:
            response.close()
        return body


class Asgi:
    """An ASGI server without a network: a request runs in the task that asks."""

    def __init__(self) -> None:
        self.handler = ASGIHandler()

    async def get(self, path: str) -> str:
        """Return the body."""
        sent: list[Mapping[str, Any]] = []
        waiting = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Mapping[str, Any]:
            return waiting.pop() if waiting else await asyncio.Future()

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
        await self.handler(scope, receive, send)
        return b"".join(message.get("body", b"") for message in sent).decode()
