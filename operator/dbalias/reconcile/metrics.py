"""What Prometheus may scrape: counts and times, never a name of a Secret or a value."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dbalias.api.meta import Key

STATES = ("migrated", "pending", "failed")


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        project = ("namespace", "project")
        self.aliases = Gauge(
            "dbalias_aliases",
            "Aliases of a project by state: migrated, pending or failed.",
            (*project, "state"),
            registry=self.registry,
        )
        self.failing_since = Gauge(
            "dbalias_project_failing_since_seconds",
            "Unix time since when the project has been Stalled; 0 when it is not.",
            project,
            registry=self.registry,
        )
        self.last_success = Gauge(
            "dbalias_project_last_success_seconds",
            "Unix time of the last pass that ended without an error.",
            project,
            registry=self.registry,
        )
        self.passes = Counter(
            "dbalias_passes", "Passes by outcome.", ("outcome",), registry=self.registry
        )
        self.duration = Histogram(
            "dbalias_pass_duration_seconds", "Time of one pass.", registry=self.registry
        )
        self.queue_depth = Gauge(
            "dbalias_queue_depth", "Projects that are due and wait.", registry=self.registry
        )
        self.connected = Gauge(
            "dbalias_server_connected",
            "1 while the administrator of a DatabaseServer can work there, else 0.",
            ("namespace", "server"),
            registry=self.registry,
        )
        self.sessions = Counter(
            "dbalias_server_sessions_opened",
            "Sessions that were opened on a database server, or tried.",
            ("address",),
            registry=self.registry,
        )
        self.leading = Gauge(
            "dbalias_leading", "1 while this process holds the Lease.", registry=self.registry
        )

    def observe_project(
        self, key: Key, counts: Mapping[str, int], *, failing_since: float, now: float
    ) -> None:
        """Record a pass over a project."""
        labels = (key.namespace, key.name)
        for state in STATES:
            self.aliases.labels(*labels, state).set(counts.get(state, 0))
        self.failing_since.labels(*labels).set(failing_since)
        self.last_success.labels(*labels).set(now)
        self.passes.labels("success").inc()

    def forget_project(self, key: Key) -> None:
        """Drop the series of a project that is gone."""
        labels = (key.namespace, key.name)
        for state in STATES:
            _remove(self.aliases, *labels, state)
        _remove(self.failing_since, *labels)
        _remove(self.last_success, *labels)

    def forget_server(self, key: Key) -> None:
        """Drop the series of a DatabaseServer that is gone."""
        _remove(self.connected, key.namespace, key.name)


def _remove(gauge: Gauge, *labels: str) -> None:
    try:
        gauge.remove(*labels)
    except KeyError:
        return
