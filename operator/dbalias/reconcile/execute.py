"""Carry a plan out, in its order, through the Cluster protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from itertools import groupby
from typing import assert_never

from dbalias.api.meta import JSON
from dbalias.reconcile.actions import (
    Action,
    CreateJob,
    DeleteObject,
    Plan,
    PublishConfigMap,
    PublishSecret,
    RestartWorkload,
    WriteStatus,
    is_publication,
    label,
)
from dbalias.reconcile.objects import build_object
from dbalias.reconcile.ports import (
    WORKLOADS,
    AlreadyExistsError,
    Cluster,
    GoneError,
    RefusedError,
    Resource,
)
from dbalias.reconcile.reporting import report

logger = logging.getLogger(__name__)

DELETABLE = {"ConfigMap": Resource.CONFIG_MAPS, "Secret": Resource.SECRETS, "Job": Resource.JOBS}
AT_ONCE = 8
"""Neighbouring statuses are written together, and so are Jobs: none waits for another."""


async def execute(cluster: Cluster, plan: Plan) -> dict[str, str]:
    """Do what the plan says, the late actions only after every early one; raise ClusterError.

    Return what the API server refused, by ``label`` with its message. After a refused
    publication nothing more is done in this pass, after another early one nothing late;
    a refused Job or restart leaves the others alone.
    """
    execution = _Execution(cluster, plan)
    for are_statuses, actions in groupby(plan.early, lambda one: isinstance(one, WriteStatus)):
        await _each(execution, actions, at_once=AT_ONCE if are_statuses else 1)
        if any(is_publication(name) for name in execution.refusals):
            return execution.refusals
    if not execution.refusals:
        await _each(execution, plan.late, at_once=AT_ONCE)
    return execution.refusals


async def _each(execution: _Execution, actions: Iterable[Action], *, at_once: int) -> None:
    """Do all of them, ``at_once`` at a time; after an error start no more, and raise it."""
    slots, failed = asyncio.Semaphore(at_once), asyncio.Event()

    async def do(action: Action) -> None:
        async with slots:
            if failed.is_set():
                return
            try:
                await execution.do(action)
            except RefusedError as error:
                logger.warning("%s was refused: %s", label(action), error)
                execution.refusals[label(action)] = str(error)
            except GoneError as error:
                logger.info(
                    "%s is not written, what it belongs to is gone: %s", label(action), error
                )
            except BaseException:
                failed.set()
                raise

    for result in await asyncio.gather(*map(do, actions), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


class _Execution:
    def __init__(self, cluster: Cluster, plan: Plan) -> None:
        self._cluster = cluster
        self._plan = plan
        self._namespace = plan.key.namespace
        self.refusals: dict[str, str] = {}

    async def do(self, action: Action) -> None:
        match action:
            case PublishConfigMap():
                await self._publish(Resource.CONFIG_MAPS, action)
            case PublishSecret():
                await self._publish(Resource.SECRETS, action)
            case WriteStatus():
                await report(self._cluster, action)
            case DeleteObject():
                resource = DELETABLE[action.kind]
                await self._cluster.delete(resource, self._namespace, action.name, uid=action.uid)
            case CreateJob():
                await self._create_job(action)
            case RestartWorkload():
                await self._restart(action)
            case _:
                assert_never(action)

    async def _publish(self, resource: Resource, action: PublishConfigMap | PublishSecret) -> None:
        assert self._plan.owner is not None
        body = build_object(action, self._plan.key, owner=self._plan.owner)
        # Created when absent, applied only where the plan saw our controller reference: a
        # forced apply would take over somebody else's object, and so the uid goes with it.
        if action.uid is None:
            await self._create_publication(resource, body)
            return
        body["metadata"]["uid"] = action.uid
        if action.foreign:
            removal = {
                "metadata": {"uid": action.uid},
                "data": dict.fromkeys(action.foreign),
            }
            await self._cluster.patch(resource, self._namespace, action.name, removal)
        await self._cluster.apply(resource, self._namespace, body)

    async def _create_publication(self, resource: Resource, body: JSON) -> None:
        try:
            await self._cluster.create(resource, self._namespace, body)
        except AlreadyExistsError as error:
            raise RefusedError("an object of this name exists and is not ours") from error

    async def _create_job(self, action: CreateJob) -> None:
        try:
            await self._cluster.create(Resource.JOBS, self._namespace, action.body)
        except AlreadyExistsError:
            # Ours from before a crash, or somebody else's: the next pass reads which.
            logger.info("Job %s exists already", action.body["metadata"]["name"])

    async def _restart(self, action: RestartWorkload) -> None:
        patch = {"spec": {"template": {"metadata": {"annotations": dict(action.annotations)}}}}
        resource = WORKLOADS[action.workload.kind]
        await self._cluster.patch(resource, self._namespace, action.workload.name, patch)
