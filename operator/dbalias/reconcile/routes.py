"""Where the installed models go: what the audits of Jobs told, for the project's status."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON
from dbalias.migrations.observed import JobState
from dbalias.migrations.report import Route, parse_report
from dbalias.reconcile.snapshot import Snapshot

ENTRIES = 100
NAME_LENGTH = 253
"""Bounds of the CRD: a report comes from a pod, and must not make the status unwritable."""


def newest_routes(snapshot: Snapshot, revision: str) -> Mapping[str, JSON]:
    """Return ``status.routes``: of this revision if any Job told it, and the newest of those.

    What is stored is one of the candidates, so that it outlives its Job and nothing is written
    again for the same report.
    """
    stored = snapshot.project.status.get("routes") if snapshot.project else None
    told = [stored] if isinstance(stored, Mapping) else []
    told += [found for job in snapshot.jobs if (found := _told_by(job))]
    return max(told, key=lambda one: _rank(one, revision), default={})


def _rank(told: Mapping[str, JSON], revision: str) -> tuple[bool, str, str]:
    words = [str(told.get(name) or "") for name in ("revision", "reportedAt", "job")]
    return (words[0] == revision, words[1], words[2])


def _told_by(job: JobState) -> dict[str, JSON]:
    report = parse_report(job.pod.termination_message) if job.pod else None
    if report is None or job.finished_at is None or not report.routes:
        return {}
    return {
        "revision": report.revision[:64],
        "job": job.name,
        "reportedAt": timestamp(job.finished_at),
        "modelsCount": report.models_count,
        "routesCount": report.routes_count,
        "destinations": [_destination(route) for route in report.routes[:ENTRIES]],
    }


def _destination(route: Route) -> dict[str, JSON]:
    lists = {
        "apps": route.apps,
        "models": route.models,
        "read": route.read,
        "migrate": route.migrate,
    }
    names = {
        field: [name[:NAME_LENGTH] for name in names[:ENTRIES]] for field, names in lists.items()
    }
    shown = {**names, "write": (route.write or "")[:NAME_LENGTH]}
    return {
        **{field: value for field, value in shown.items() if value},
        "modelsCount": route.models_count,
    }
