"""The operator's HTTP endpoints: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


class Readable(Protocol):
    """Something that can say whether it has started."""

    def is_ready(self) -> bool:
        """Tell whether its first listing is done."""


@dataclass(slots=True)
class Health:
    """Live while the event loop answers; ready as the idle loser, or once all watches run."""

    is_leading: Callable[[], bool] = lambda: False
    watches: Sequence[Readable] = field(default_factory=tuple)

    def is_ready(self) -> bool:
        """Tell whether this process does what it is there for now."""
        return not self.is_leading() or any(watch.is_ready() for watch in self.watches)


@asynccontextmanager
async def serve(port: int, health: Health, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Answer on ``port`` while the block runs."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        ready = health.is_ready()
        return web.Response(text="ok\n" if ready else "starting\n", status=200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    application = web.Application()
    application.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    try:
        yield
    finally:
        await runner.cleanup()
