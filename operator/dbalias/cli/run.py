"""``dbalias run``: the operator."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dbalias.cli.logs import configure_logging
from dbalias.cli.serve import Health, serve
from dbalias.cluster.client import Api, own_namespace
from dbalias.cluster.lease import Lease, LeaseName
from dbalias.cluster.watch import Watch
from dbalias.cluster.write import LiveCluster
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.provisioning.reconciler import ServerReconciler
from dbalias.reconcile.reconciler import Reconciler
from dbalias.servers.address import Address
from dbalias.servers.connecting import connect
from dbalias.servers.endpoint import Endpoint

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What ``dbalias run`` was asked to do. No namespaces: all of them."""

    namespaces: tuple[str, ...]
    lease: LeaseName
    http_port: int
    watch_secrets: bool
    installation: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias run``."""
    scope = parser.add_mutually_exclusive_group(required=True)
    scope.add_argument(
        "--namespace",
        action="append",
        dest="namespaces",
        default=[],
        metavar="NAME",
        help="reconcile this namespace; may be repeated",
    )
    scope.add_argument("--all-namespaces", action="store_true", help="reconcile every namespace")
    parser.add_argument(
        "--installation", default="dbalias", help="how this operator signs on database servers"
    )
    parser.add_argument("--lease-namespace", help="where the Lease is; default: the pod's own")
    parser.add_argument("--lease-name", default="dbalias", help="name of the Lease")
    parser.add_argument("--http-port", type=int, default=8080, help="health and metrics")
    parser.add_argument("--watch-secrets", action="store_true", help="watch Secrets, not poll")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning"))
    parser.add_argument("--log-format", default="json", choices=("json", "text"))


def run(arguments: argparse.Namespace) -> int:
    """Run the operator until it is told to stop; return the process' exit code."""
    configure_logging(level=arguments.log_level, style=arguments.log_format)
    namespace = arguments.lease_namespace or _own_namespace()
    if namespace is None:
        print(
            "dbalias run: outside a pod, say where the Lease is with --lease-namespace",
            file=sys.stderr,
        )
        return 2
    identity = f"{socket.gethostname()}_{os.getpid()}"
    options = Options(
        namespaces=tuple(dict.fromkeys(arguments.namespaces)),
        lease=LeaseName(namespace, arguments.lease_name, identity),
        http_port=arguments.http_port,
        watch_secrets=arguments.watch_secrets,
        installation=arguments.installation,
    )
    return asyncio.run(_Operator(options).run())


class _Operator:
    """The running process: a Lease, the watches, the queue, the poll and the HTTP endpoints."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._stop = asyncio.Event()
        self._metrics = Metrics()
        self._health = Health()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        api = await Api.connect()
        lease = Lease(api, self._options.lease)
        self._health.is_leading = lease.is_held
        try:
            async with serve(self._options.http_port, self._health, self._metrics.registry):
                return await self._lead(api, lease)
        finally:
            await lease.release()
            await api.close()

    async def _lead(self, api: Api, lease: Lease) -> int:
        keeping = asyncio.create_task(lease.run(), name="lease")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        acquired = asyncio.create_task(lease.acquired.wait(), name="acquired")
        await asyncio.wait({keeping, stopping, acquired}, return_when=asyncio.FIRST_COMPLETED)
        work: list[asyncio.Task[None]] = []
        if acquired.done():
            self._metrics.leading.set(1)
            work = self._start_work(api, lease)
        await asyncio.wait({keeping, stopping, *work}, return_when=asyncio.FIRST_COMPLETED)
        asked = stopping.done()
        self._stop.set()
        await _end(work)
        await _end([keeping, stopping, acquired])
        return 0 if asked else 1

    def _start_work(self, api: Api, lease: Lease) -> list[asyncio.Task[None]]:
        served = self._options.namespaces
        cluster = LiveCluster(api, lease, namespaces=served)
        bindings = BindingSecrets(cluster)
        servers = ServerReconciler(
            cluster,
            bindings,
            self._metrics,
            clock=api.clock.now,
            installation=self._options.installation,
            connect=partial(self._connect, lease),
        )
        reconciler = Reconciler(
            cluster,
            bindings,
            self._metrics,
            clock=api.clock.now,
            installation=self._options.installation,
            binding_astray=servers.binding_changed,
        )
        scopes = served or (None,)
        secrets = self._options.watch_secrets
        watches = [Watch(api, scope, reconciler, servers, secrets=secrets) for scope in scopes]
        self._health.watches = watches
        return [
            asyncio.create_task(reconciler.queue.run(), name="queue"),
            asyncio.create_task(reconciler.poll.run(), name="poll"),
            asyncio.create_task(bindings.run(), name="bindings"),
            asyncio.create_task(servers.run(), name="servers"),
            *(asyncio.create_task(watch.run(self._stop), name="watch") for watch in watches),
        ]

    def _connect(self, lease: Lease, address: Address) -> Endpoint:
        opened = self._metrics.sessions.labels(str(address))
        return connect(address, fence=lease.wait_until_covered, on_open=opened.inc)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        if not task.done():
            task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            logger.error("a task ended with %s", type(result).__name__, exc_info=result)


def _own_namespace() -> str | None:
    try:
        return own_namespace()
    except OSError:
        return None
