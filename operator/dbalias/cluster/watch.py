"""Watches: kopf tells that something changed, and this turns it into the key of a project.

kopf only triggers. Its index is no cache to plan from, since a re-list never notices what is
gone, so every pass reads live. One kopf operator per named namespace is supervised on its
own: one that becomes forbidden leaves the others running.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import kopf

from dbalias.api.meta import GROUP, VERSION, Key, Kind
from dbalias.api.ownership import MANAGED_BY, MANAGER, PROJECT_LABEL
from dbalias.cluster.client import Api
from dbalias.reconcile.ports import UnreadableError

logger = logging.getLogger(__name__)

RESTART_AFTER = 10.0
"""Seconds before watches that ended are started again."""


class Changes(Protocol):
    """Who wants to know that something changed."""

    def project_changed(self, key: Key, *, vanished: bool) -> None:
        """An object of this project appeared, changed or vanished."""

    def secret_changed(self, namespace: str, name: str, version: str | None) -> None:
        """A Secret has this resourceVersion now; None when it is gone."""


def project_of(body: Mapping[str, Any]) -> str | None:
    """Return the name of the project that an object belongs to, None for foreign objects."""
    kind = body.get("kind")
    if kind == Kind.PROJECT:
        return str(body["metadata"]["name"])
    if kind in (Kind.ALIAS, Kind.POLICY):
        return ((body.get("spec") or {}).get("projectRef") or {}).get("name")
    return (body["metadata"].get("labels") or {}).get(PROJECT_LABEL)


class Watch:
    """The supervised watches of one scope: a namespace, or the whole cluster."""

    def __init__(
        self, api: Api, namespace: str | None, changes: Changes, *, secrets: bool = False
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._changes = changes
        self._secrets = secrets
        self._ready = asyncio.Event()

    def is_ready(self) -> bool:
        """Tell whether the watches of this scope run."""
        return self._ready.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until ``stop``; whatever ends the watches, start them again."""
        where = self._namespace or "all namespaces"
        while not stop.is_set():
            if await self._is_served():
                logger.info("watching %s", where)
                try:
                    await self._watch(stop)
                except Exception as error:
                    logger.error("watches of %s ended (%s)", where, type(error).__name__)
            if not stop.is_set():
                logger.warning("watches of %s start again in %s s", where, int(RESTART_AFTER))
                await _wait(stop, RESTART_AFTER)

    async def _is_served(self) -> bool:
        """Tell whether the custom resources exist: kopf would never notice them appearing."""
        try:
            answer = await self._api.request("GET", f"/apis/{GROUP}/{VERSION}")
        except UnreadableError as error:
            logger.warning("%s", error)
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
        ended = asyncio.Event()
        relay = asyncio.create_task(_relay(stop, ended))
        scope: dict[str, Any] = (
            {"clusterwide": True} if self._namespace is None else {"namespaces": [self._namespace]}
        )
        try:
            await kopf.operator(
                registry=_registry(self._on_event, self._secrets),
                settings=_settings(),
                standalone=True,
                stop_flag=ended,
                ready_flag=self._ready,
                **scope,
            )
        finally:
            self._ready.clear()
            relay.cancel()

    async def _on_event(self, *, body: kopf.Body, type: str | None, **_: Any) -> None:
        vanished = type == "DELETED"
        namespace = str(body.metadata.namespace)
        if body["kind"] == "Secret":
            version = None if vanished else str(body.metadata["resourceVersion"])
            self._changes.secret_changed(namespace, str(body.metadata.name), version)
        elif name := project_of(body):
            self._changes.project_changed(Key(namespace, name), vanished=vanished)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
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


async def _relay(stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
