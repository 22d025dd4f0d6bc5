"""Leader election by a Lease of our own.

The library's election leads on through a hung API server and writes local times, so the
rules are ours: validity is counted on the monotonic clock from before the request that
renewed it, whoever writes asks ``is_held`` first, and the process ends when it is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api.meta import JSON
from dbalias.cluster.client import Api
from dbalias.reconcile.ports import Resource, UnreadableError

logger = logging.getLogger(__name__)

DURATION = 15.0
RENEW_EVERY = 4.0
MARGIN = 2.0
"""Seconds before the end of validity from which nothing is written any more."""
ANSWER_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class LeaseName:
    """Where the Lease is and who we are in it."""

    namespace: str
    name: str
    identity: str


def _now() -> float:
    """Return seconds that also count while the machine is suspended, as the Lease's do."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """Held by one process at a time; ``run`` keeps it and returns when it is lost."""

    def __init__(self, api: Api, name: LeaseName) -> None:
        self._api = api
        self._name = name
        self._valid_until = 0.0
        self._seen: tuple[JSON, float] = (None, 0.0)
        self.acquired = asyncio.Event()

    def remaining(self) -> float:
        """Return the seconds for which writing is safe; zero or less when not leading."""
        return self._valid_until - MARGIN - _now()

    def is_held(self) -> bool:
        """Tell whether this process may write now."""
        return self.remaining() > 0

    async def run(self) -> None:
        """Wait for the Lease, keep renewing it, return once it is lost."""
        await self._acquire()
        logger.info("the Lease is ours", extra={"lease": self._name.name})
        self.acquired.set()
        await self._keep()
        logger.error("the Lease is lost: nothing is written any more, the process ends")

    async def _acquire(self) -> None:
        held = await self._attempt()
        while not held:
            await asyncio.sleep(RENEW_EVERY / 2)
            held = await self._attempt()

    async def _keep(self) -> None:
        pause = RENEW_EVERY
        while self.is_held():
            await asyncio.sleep(pause)
            pause = RENEW_EVERY if await self._attempt() else 1.0

    async def release(self) -> None:
        """Give the Lease up, so that the next process need not wait for its end."""
        if not self.is_held():
            return
        self._valid_until = 0.0
        try:
            body = await self._read()
            if body and body["spec"].get("holderIdentity") == self._name.identity:
                body["spec"] |= {"holderIdentity": None, "leaseDurationSeconds": 1}
                await self._put(body)
        except UnreadableError as error:
            logger.warning("the Lease was not given up, it will run out: %s", error)

    async def _attempt(self) -> bool:
        started = _now()
        try:
            held = await self._renew_or_take()
        except UnreadableError as error:
            logger.warning("the Lease could not be renewed: %s", error)
            return False
        if held:
            self._valid_until = started + DURATION
        return held

    async def _renew_or_take(self) -> bool:
        body = await self._read()
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = {
            "holderIdentity": self._name.identity,
            "leaseDurationSeconds": int(DURATION),
            "renewTime": now,
        }
        if body is None:
            return await self._create(mine | {"acquireTime": now, "leaseTransitions": 0})
        spec = body.get("spec") or {}
        if spec.get("holderIdentity") != self._name.identity:
            self._valid_until = 0.0  # whatever our clock says: somebody else writes
            if spec.get("holderIdentity") and not self._expired(spec):
                return False
            transitions = int(spec.get("leaseTransitions") or 0) + 1
            mine |= {"acquireTime": now, "leaseTransitions": transitions}
        body["spec"] = spec | mine
        return await self._put(body)

    def _expired(self, spec: JSON) -> bool:
        # Another holder's clock is not compared with ours: its Lease is over when it has not
        # changed for its duration as we watch it.
        seen, since = self._seen
        if seen != spec:
            self._seen = (spec, _now())
            return False
        return _now() - since > float(spec.get("leaseDurationSeconds") or DURATION)

    async def _read(self) -> JSON:
        path = Resource.LEASES.value.path(self._name.namespace, self._name.name)
        answer = await self._api.request("GET", path, within=ANSWER_TIMEOUT)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise UnreadableError(f"GET {path} answered {answer.status} {answer.reason}")
        return answer.body

    async def _create(self, spec: JSON) -> bool:
        path = Resource.LEASES.value.path(self._name.namespace)
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name.name, "namespace": self._name.namespace},
            "spec": spec,
        }
        answer = await self._api.request("POST", path, body=body, within=ANSWER_TIMEOUT)
        if answer.status not in (201, 409):
            raise UnreadableError(f"POST {path} answered {answer.status} {answer.reason}")
        return answer.status == 201

    async def _put(self, body: JSON) -> bool:
        path = Resource.LEASES.value.path(self._name.namespace, self._name.name)
        answer = await self._api.request("PUT", path, body=body, within=ANSWER_TIMEOUT)
        if answer.status not in (200, 409):
            raise UnreadableError(f"PUT {path} answered {answer.status} {answer.reason}")
        return answer.status == 200
