"""One namespace in memory, with passes over its projects and a clock that tests move."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON, Key, Kind
from dbalias.reconcile.actions import Action, Plan
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.execute import execute
from dbalias.reconcile.gather import gather
from dbalias.reconcile.plan import plan
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.snapshot import Memory, Snapshot
from unit.reconcile.fake import CREATED, FakeCluster

SPACE = "shop"
RESOURCES = {resource.value.kind: resource for resource in Resource}
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
SETTLED = BEGINNING + timedelta(seconds=6)


@dataclass(slots=True)
class Scene:
    """Objects, what the API server refuses, and the time; ``settled`` five seconds after."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    now: datetime = SETTLED
    refusals: Mapping[str, str] = field(default_factory=dict)

    def put(self, *bodies: JSON) -> Scene:
        """Store what somebody applies."""
        for body in bodies:
            self.cluster.put(RESOURCES[body["kind"]], SPACE, body)
        return self

    def get(self, kind: str, name: str) -> JSON:
        """Return an object as it is now; None when there is none."""
        return self.cluster.objects.get((RESOURCES[kind], SPACE, name))

    def drop(self, kind: str, name: str) -> None:
        """Remove what somebody deletes."""
        del self.cluster.objects[RESOURCES[kind], SPACE, name]

    def all(self, kind: str) -> list[JSON]:
        """Return the objects of a kind."""
        resource = RESOURCES[kind]
        return [body for place, body in self.cluster.objects.items() if place[0] is resource]

    def plan(self, project: str = "shop", *, salt: str = "salt") -> Plan:
        """Return what a pass would do."""
        memory = Memory(quiet_from=BEGINNING, salt=salt, refusals=self.refusals)
        return plan(self.gather(memory, project), self.now)

    def gather(self, memory: Memory, project: str = "shop") -> Snapshot:
        """Return what a pass of a fresh process would see."""
        secrets = BindingSecrets(self.cluster)
        return asyncio.run(gather(self.cluster, secrets, Key(SPACE, project), memory))

    def reconcile(self, project: str = "shop", *, salt: str = "salt") -> Plan:
        """Run one pass; return what it did."""
        planned = self.plan(project, salt=salt)
        self.refusals = self._write(planned)
        return planned

    def reconcile_and_die(self, writes: int | None) -> list[JSON]:
        """Run a pass that dies after so many of its writes (None: it lives); return its Jobs."""
        planned = self.plan()
        if writes is not None:
            late = planned.late[: max(0, writes - len(planned.early))]
            planned = replace(planned, early=planned.early[:writes], late=late)
        before = {job["metadata"]["name"] for job in self.all("Job")}
        self._write(planned)
        return [job for job in self.all("Job") if job["metadata"]["name"] not in before]

    def _write(self, planned: Plan) -> Mapping[str, str]:
        self.cluster.created = timestamp(self.now)
        refusals = asyncio.run(execute(self.cluster, planned))
        self.cluster.created = CREATED
        return refusals

    def settle(self, project: str = "shop", *, passes: int = 8) -> Scene:
        """Run passes until one does nothing; fail when none does."""
        for number in range(passes):
            # Another process has another salt: it must not matter once one is stored.
            planned = self.reconcile(project, salt=f"salt-{number}")
            if not actions(planned):
                return self
        raise AssertionError(f"still at work after {passes} passes: {actions(planned)}")

    def wait(self, seconds: float) -> Scene:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def condition(self, kind: Kind, name: str, wanted: str = "Ready") -> JSON:
        """Return a condition of an object of ours, {} while it is not there."""
        body = self.get(kind.value, name) or {"status": {}}
        listed = body["status"].get("conditions", ())
        return next((c for c in listed if c["type"] == wanted), {})

    def document(self) -> JSON:
        """Return the published databases.json, None while there is none."""
        body = self.get("ConfigMap", "shop-databases")
        return None if body is None else json.loads(body["data"]["databases.json"])

    def jobs(self, alias: str, purpose: str = "migrate", command: str = "") -> list[JSON]:
        """Return an alias' Jobs of one purpose, the oldest first; no alias: the project's."""
        wanted = (alias, purpose, command)
        mine = [
            one
            for one in self.all("Job")
            if tuple(_label(one, part) for part in ("alias", "purpose", "command")) == wanted
        ]
        return sorted(mine, key=lambda one: int(_label(one, "attempt")))

    def job(self, alias: str, purpose: str = "migrate", command: str = "") -> JSON:
        """Return the newest Job of an alias."""
        return self.jobs(alias, purpose, command)[-1]

    def end_job(
        self, alias: str, *, code: int = 0, purpose: str = "migrate", command: str = "",
        **report: Any,
    ) -> None:  # fmt: skip
        """Let an alias' newest Job end, its pod with this exit code and report."""
        body = self.job(alias, purpose, command)
        told = json.dumps({"format": 1, "exit": code} | report)
        ended = {"exitCode": code, "reason": "Completed", "message": told}
        end = {"type": "Failed" if code else "Complete", "status": "True",
               "lastTransitionTime": timestamp(self.now)}  # fmt: skip
        self.put({**body, "status": {"conditions": [end]}})
        meta = body["metadata"]
        owner = {"controller": True, "uid": meta["uid"], "kind": "Job", "name": meta["name"]}
        labels = meta["labels"] | {"batch.kubernetes.io/job-name": meta["name"]}
        container = {"name": "migrate", "state": {"terminated": ended}}
        phase = "Failed" if code else "Succeeded"
        status = {"phase": phase, "containerStatuses": [container]}
        pod = {"name": f"{meta['name']}-pod", "labels": labels, "ownerReferences": [owner]}
        self.put({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "status": status})


def actions(planned: Plan) -> tuple[Action, ...]:
    """Return all that a plan does."""
    return (*planned.early, *planned.late)


def names(planned: tuple[Action, ...]) -> list[str]:
    """Return actions by class, those of one kind once."""
    return list(dict.fromkeys(type(action).__name__ for action in planned))


def _label(body: JSON, name: str) -> str:
    return str((body["metadata"].get("labels") or {}).get(f"dbalias.dev/{name}", ""))
