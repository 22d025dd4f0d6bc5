"""Leader election by a Lease of our own.

The library's election leads on through a hung API server and writes local times, so the
rules are ours: validity is counted on a clock that goes on while the machine is suspended, from
before the request that renewed it; whoever writes asks first; and the process ends when it is lost.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api.meta import JSON
from dbalias.cluster.client import Api
from dbalias.reconcile.ports import NotLeadingError, Resource, UnreadableError

logger = logging.getLogger(__name__)

DURATION = 15.0
RENEW_EVERY = 2.0
MARGIN = 2.0
"""Seconds before the end of validity from which nothing is written any more."""
ANSWER_TIMEOUT = 3.0
PATIENCE = 2.5
"""Seconds for which what is to be covered waits for the Lease to be renewed."""


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
        self._covered_until = 0.0
        self._seen: tuple[JSON, float] = (None, 0.0)
        self.acquired = asyncio.Event()

    def remaining(self) -> float:
        """Return the seconds for which writing is safe; zero or less when not leading."""
        return self._valid_until - MARGIN - _now()

    def is_held(self) -> bool:
        """Tell whether this process may write now."""
        return self.remaining() > 0

    def cover(self, seconds: float) -> None:
        """Raise NotLeadingError unless what begins now and is over in so long may be begun.

        Any thread may ask. What was let through is waited for when the Lease is given up.
        """
        # Noted first: between a look at the Lease and a note of it, the Lease might be given up.
        self._covered_until = _now() + seconds
        if self.remaining() < seconds:
            raise NotLeadingError("nothing was sent to a server: the Lease may be lost meanwhile")

    def wait_until_covered(self, seconds: float) -> None:
        """As `cover`, but wait a moment where the Lease is ours and its renewal a little late.

        For threads alone: the renewal itself needs the event loop.
        """
        until = _now() + PATIENCE
        while self.is_held() and self.remaining() < seconds and _now() < until:
            time.sleep(0.05)
        self.cover(seconds)

    async def run(self) -> None:
        """Wait for the Lease, keep renewing it, return once it is lost."""
        await self._acquire()
        logger.info("the Lease is ours", extra={"lease": self._name.name})
        self.acquired.set()
        await self._keep()
        logger.error("the Lease is lost: nothing is written any more, the process ends")

    async def _acquire(self) -> None:
        held = await self._attempt(self._renew_or_take)
        while not held:
            await asyncio.sleep(RENEW_EVERY / 2)
            held = await self._attempt(self._renew_or_take)

    async def _keep(self) -> None:
        pause = RENEW_EVERY
        while self.is_held():
            await asyncio.sleep(pause)
            pause = RENEW_EVERY if await self._attempt(self._renew) else 1.0

    async def release(self) -> None:
        """Give the Lease up, so that the next process need not wait for its end."""
        if not self.is_held():
            return
        self._valid_until = 0.0
        try:
            while body := await self._read():
                if body["spec"].get("holderIdentity") != self._name.identity:
                    return
                # A renewal that was under way when the process was told to end may come between.
                if await self._put(body | {"spec": body["spec"] | self._given_up()}):
                    return
        except UnreadableError as error:
            logger.warning("the Lease was not given up, it will run out: %s", error)

    def _given_up(self) -> JSON:
        """Return what a Lease says that is free, or is once what was let through is over."""
        left = math.ceil(self._covered_until - _now())
        if left > 0:
            return {"leaseDurationSeconds": left}
        return {"holderIdentity": None, "leaseDurationSeconds": 1}

    async def _attempt(self, get_hold: Callable[[], Awaitable[bool]]) -> bool:
        started = _now()
        try:
            held = await get_hold()
        except UnreadableError as error:
            logger.warning("the Lease could not be renewed: %s", error)
            return False
        if held:
            self._valid_until = started + DURATION
        return held

    async def _renew_or_take(self) -> bool:
        body, renewed = await self._read(), self._renewed()
        taken = renewed | {"acquireTime": renewed["renewTime"]}
        if body is None:
            return await self._create(taken | {"leaseTransitions": 0})
        spec = body.get("spec") or {}
        if spec.get("holderIdentity") == self._name.identity:
            return await self._put(body | {"spec": spec | renewed})
        if spec.get("holderIdentity") and not self._expired(spec):
            return False
        transitions = int(spec.get("leaseTransitions") or 0) + 1
        return await self._put(body | {"spec": spec | taken | {"leaseTransitions": transitions}})

    async def _renew(self) -> bool:
        body = await self._read()
        spec = (body or {}).get("spec") or {}
        if spec.get("holderIdentity") != self._name.identity:
            # Whatever our clock says, and for good: even if nobody has it now, somebody may have
            # worked meanwhile, and what is planned here knows nothing of that.
            self._valid_until = 0.0
            return False
        return await self._put(body | {"spec": spec | self._renewed()})

    def _renewed(self) -> dict[str, JSON]:
        return {
            "holderIdentity": self._name.identity,
            "leaseDurationSeconds": int(DURATION),
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }

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
