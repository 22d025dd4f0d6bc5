"""Physical databases that several projects use: one run at a time on each.

Projects are reconciled beside each other, so between looking whether a database is free and
creating a Job there, nobody else may do the same. Hence first a claim, in the memory of the one
process that leads, and then the look at the cluster, which alone is remembered over a restart:
whoever claims later sees the Job. Several names of one server are several databases here; on
those the lock that every run takes keeps runs apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from dbalias.api.meta import Key
from dbalias.api.ownership import MANAGED_BY, MANAGER
from dbalias.migrations.marks import DATABASE_LABEL, Purpose
from dbalias.migrations.observed import JobState, parse_job, parse_pod
from dbalias.migrations.remains import survivors
from dbalias.reconcile.ports import Cluster, Resource

AT_ONCE = 100
"""Databases asked for in one request: their names stand in its URL."""


@dataclass(slots=True)
class Databases:
    """Who may start a run where; databases are named by ``identity.database_mark``."""

    cluster: Cluster
    _claims: dict[str, Key] = field(default_factory=dict)
    _waiting: dict[Key, dict[Key, None]] = field(default_factory=dict)

    async def claim(self, key: Key, databases: Collection[str]) -> Mapping[str, str]:
        """Claim databases for a project; return, by database, who else has them, in words.

        What is claimed stays so until ``release``, also when this raises UnreadableError.
        """
        owners = {one: self._claims.setdefault(one, key) for one in databases}
        taken = {}
        for database, owner in owners.items():
            if owner != key:
                taken[database] = f"project {owner} is about to start a Job"
                self._wait(key, owner)
        for job in await _runs_on(self.cluster, sorted(databases)):
            owner = Key(job.namespace, job.project)
            if owner != key:
                taken[job.database] = f"the Job {job.name} of project {owner} runs"
                self._wait(key, owner)
        return taken

    def release(self, key: Key) -> bool:
        """Give up all claims of a project; tell whether there were any."""
        others = {one: owner for one, owner in self._claims.items() if owner != key}
        had_any, self._claims = len(others) < len(self._claims), others
        return had_any

    def waiting_for(self, key: Key) -> tuple[Key, ...]:
        """Return, once, the projects that found a database in the hands of this one."""
        return tuple(self._waiting.pop(key, ()))

    def _wait(self, key: Key, owner: Key) -> None:
        self._waiting.setdefault(owner, {})[key] = None


async def _runs_on(cluster: Cluster, databases: Sequence[str]) -> list[JobState]:
    """Return the unfinished Jobs of all projects that write to these databases."""
    found = []
    for begin in range(0, len(databases), AT_ONCE):
        some = {MANAGED_BY: MANAGER, DATABASE_LABEL: databases[begin : begin + AT_ONCE]}
        # In this order: the pod of a Job that was deleted between the two is then still seen.
        jobs = await cluster.list_everywhere(Resource.JOBS, labels=some)
        pods = [parse_pod(pod) for pod in await cluster.list_everywhere(Resource.PODS, labels=some)]
        states = [state for body in jobs if (state := parse_job(body, pods, ()))]
        found += [*states, *survivors(pods, states)]
    return [job for job in found if not job.finished and job.purpose is not Purpose.CHECK]
