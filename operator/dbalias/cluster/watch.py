"""Watches: kopf tells that something changed, and this turns it into the key of who acts on it.

kopf only triggers. Its index is no cache to plan from, since a re-list never notices what is
gone, so every pass reads live. One kopf operator per named namespace is supervised on its
own: one that becomes forbidden leaves the others running.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import kopf

from dbalias.api.meta import FIELD_MANAGER, GROUP, VERSION, Key, Kind
from dbalias.api.ownership import (
    MANAGED_BY,
    MANAGER,
    PROJECT_LABEL,
    ROTATE_REQUESTED_AT,
)
from dbalias.cluster.client import Api
from dbalias.migrations.observed import PodState, parse_pod
from dbalias.reconcile.gather import is_finished
from dbalias.reconcile.poll import version_of
from dbalias.reconcile.ports import UnreadableError
from dbalias.reconcile.provisioning.abandonment import is_abandoned
from dbalias.reconcile.provisioning.gather import server_named_by

logger = logging.getLogger(__name__)

RESTART_AFTER = 10.0
"""Seconds before watches that ended are started again."""
STOP_WITHIN = 3.0
"""Seconds that watches get to end; after that the process goes without them."""


class Changes(Protocol):
    """Who wants to know that something changed."""

    def project_changed(self, key: Key, *, vanished: bool, ended: bool) -> None:
        """An object of this project appeared or changed; what declares it vanished; a Job ended."""

    def pod_gone(self, key: Key, pod: PodState) -> None:
        """A pod of a Job of this project vanished; this is how it was seen last."""

    def secret_changed(self, namespace: str, name: str, version: str | None) -> None:
        """A Secret has this version now; None when it is gone."""

    def server_changed(self, server: Key, version: str | None) -> None:
        """A DatabaseServer has this version now; None when it is gone."""


class ServerChanges(Protocol):
    """Who wants to know that something concerns a DatabaseServer."""

    def changed(self, server: Key, kind: str, name: Key, print: Hashable) -> None:
        """An object that concerns a server is as ``print`` says; None: it vanished."""

    def abandoned(self, alias: Key) -> None:
        """An alias that names no server any more has something that one left."""


def project_of(body: Mapping[str, Any]) -> str | None:
    """Return the name of the project that an object belongs to, None for foreign objects."""
    kind = body.get("kind")
    if kind == Kind.PROJECT:
        return str(body["metadata"]["name"])
    if kind in (Kind.ALIAS, Kind.POLICY):
        return ((body.get("spec") or {}).get("projectRef") or {}).get("name")
    for owner in body["metadata"].get("ownerReferences") or ():
        # Its label may just have been removed, which is to be repaired.
        if owner.get("controller") and owner.get("kind") == Kind.PROJECT:
            return str(owner["name"])
    return (body["metadata"].get("labels") or {}).get(PROJECT_LABEL)


class Watch:
    """The supervised watches of one scope: a namespace, or the whole cluster."""

    def __init__(
        self,
        api: Api,
        namespace: str | None,
        changes: Changes,
        servers: ServerChanges,
        *,
        secrets: bool = False,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._changes = changes
        self._servers = servers
        self._secrets = secrets
        self._where = namespace or "all namespaces"
        self._ready = threading.Event()

    def is_ready(self) -> bool:
        """Tell whether the watches of this scope run."""
        return self._ready.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until ``stop``; whatever ends the watches, start them again."""
        while not stop.is_set():
            if await self._is_served():
                logger.info("watching %s", self._where)
                await self._watch(stop)
            if not stop.is_set():
                logger.warning("watches of %s start again in %.0f s", self._where, RESTART_AFTER)
                await _wait(stop, RESTART_AFTER)

    async def _is_served(self) -> bool:
        """Tell whether the custom resources exist: kopf would never notice them appearing."""
        try:
            answer = await self._api.request("GET", f"/apis/{GROUP}/{VERSION}")
        except UnreadableError as error:
            logger.warning("%s", error)
            return False
        if answer.status not in (200, 404):
            logger.warning(
                "the resources cannot be looked up: the API server says %s %s",
                answer.status,
                answer.reason,
            )
            return False
        served = {r["name"] for r in (answer.body or {}).get("resources") or ()}
        missing = {kind.plural for kind in Kind} - served
        if missing:
            logger.warning(
                "the cluster does not serve %s: install the CRDs of the chart",
                ", ".join(f"{name}.{GROUP}" for name in sorted(missing)),
            )
        return not missing

    async def _watch(self, stop: asyncio.Event) -> None:
        """Run kopf in a thread until ``stop``, or until it ends.

        When a kopf operator ends, it cancels every task of its event loop, and it takes the
        signal handlers of the main thread: so each has a loop and a thread of its own.
        """
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        flag = threading.Event()
        thread = threading.Thread(
            target=self._run_kopf, args=(flag, loop, over), name="watch", daemon=True
        )
        thread.start()
        stopping = asyncio.create_task(stop.wait())
        first: set[asyncio.Future[Any]] = {over, stopping}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            flag.set()
            await asyncio.wait({over}, timeout=STOP_WITHIN)
        finally:
            flag.set()
            stopping.cancel()
            self._ready.clear()

    def _run_kopf(
        self, flag: threading.Event, loop: asyncio.AbstractEventLoop, over: asyncio.Future[None]
    ) -> None:
        try:
            asyncio.run(self._operate(flag, loop))
        except Exception as error:
            logger.error("watches of %s ended: %s", self._where, type(error).__name__)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(_resolve, over)

    async def _operate(self, flag: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        async def on_event(*, body: kopf.Body, type: str | None, **_: Any) -> None:
            change = Change.of(body, type)
            loop.call_soon_threadsafe(self._tell, change)

        scope: dict[str, Any] = (
            {"clusterwide": True} if self._namespace is None else {"namespaces": [self._namespace]}
        )
        # By default kopf asks for the name of the process' user, and a container's has none.
        scope["identity"] = FIELD_MANAGER
        try:
            await kopf.operator(
                registry=_registry(on_event, self._secrets),
                settings=_settings(),
                standalone=True,
                stop_flag=flag,
                ready_flag=self._ready,
                **scope,
            )
        finally:
            flag.set()  # else a thread of kopf would wait for it for ever

    def _tell(self, change: Change) -> None:
        if change.server is not None:
            self._servers.changed(change.server, change.kind, change.name, change.print)
        elif change.is_abandoned:
            self._servers.abandoned(change.name)
        if change.kind == Kind.SERVER:
            self._changes.server_changed(change.name, change.version)
        if change.secret is not None:
            self._changes.secret_changed(change.namespace, change.secret, change.version)
        elif change.project is not None:
            key = Key(change.namespace, change.project)
            if change.gone is not None:
                self._changes.pod_gone(key, change.gone)
            self._changes.project_changed(
                key,
                vanished=change.vanished,
                ended=change.ended,
            )


@dataclass(frozen=True, slots=True)
class Change:
    """What crosses from kopf's thread to ours: names, never bodies, and a vanished pod's end.

    ``vanished`` tells of what was declared: an input is gone. A Job or pod that goes is none.
    ``ended``: a Job has ended just now.
    """

    namespace: str
    project: str | None
    secret: str | None
    version: str | None
    vanished: bool
    ended: bool
    kind: str
    name: Key
    server: Key | None = None
    print: Hashable = None
    """What the pass over ``server`` acts on; None: the object is gone."""
    is_abandoned: bool = False
    gone: PodState | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any], type: str | None) -> Change:
        """Return what a watch event says; ``type`` None: the object was there already."""
        kind, metadata, gone = body["kind"], body["metadata"], type == "DELETED"
        is_secret = kind == "Secret"
        server = server_of(body)
        return cls(
            namespace=str(metadata["namespace"]),
            project=None if is_secret else project_of(body),
            secret=str(metadata["name"]) if is_secret else None,
            version=None if gone else version_of(body),
            vanished=gone and kind in set(Kind),
            ended=type == "MODIFIED" and kind == "Job" and is_finished(body),
            kind=str(kind),
            name=Key(str(metadata["namespace"]), str(metadata["name"])),
            server=server,
            print=None if gone else _print(body),
            is_abandoned=kind == Kind.ALIAS and is_abandoned(body),
            gone=parse_pod(body) if gone and kind == "Pod" else None,
        )


def server_of(body: Mapping[str, Any]) -> Key | None:
    """Return the server that an object is, or names; None for others."""
    metadata = body["metadata"]
    if body.get("kind") == Kind.SERVER:
        return Key(str(metadata["namespace"]), str(metadata["name"]))
    return server_named_by(body) if body.get("kind") == Kind.ALIAS else None


def _print(body: Mapping[str, Any]) -> Hashable:
    """Return what changes when a pass over a server would have something new to act on."""
    metadata, status = body["metadata"], body.get("status") or {}
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        (metadata.get("annotations") or {}).get(ROTATE_REQUESTED_AT),
        status.get("settledLogin"),
    )


def _resolve(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    # A scope that ends must not take the process with it ten minutes later.
    settings.process.ultimate_exiting_timeout = None
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.watching.server_timeout = 300
    settings.watching.chunk_size = 500
    settings.persistence.finalizer = f"{GROUP}/unused"
    for plural in ("configmaps", "jobs", "pods"):
        settings.watching.label_selectors[plural] = f"{MANAGED_BY}={MANAGER}"
    return settings


def _registry(on_event: Callable[..., Any], secrets: bool) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry, id="login")
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    async def handle(**kwargs: Any) -> None:
        await on_event(**kwargs)

    for kind in Kind:
        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=kind.plural)(handle)
    others = [("", "v1", "configmaps"), ("batch", "v1", "jobs"), ("", "v1", "pods")]
    if secrets:
        others.append(("", "v1", "secrets"))
    for group, version, plural in others:
        kopf.on.event(group, version, plural, registry=registry, id=plural)(handle)
    return registry


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
