"""What pods showed last: one that is evicted is gone the moment it has ended, with its report.

The watch sees it go. A process that starts afterwards has not, and then only the Job tells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from dbalias.api.meta import Key
from dbalias.migrations.observed import PodState
from dbalias.migrations.record import Outcome
from dbalias.reconcile.gather import records
from dbalias.reconcile.snapshot import Snapshot

KEPT = 64
"""Pods remembered for each project; a run's end is stored in the pass after it."""

LISTEN = 3.0
"""Seconds in which the watch tells of a pod that a listing no longer shows."""


def is_unheard(snapshot: Snapshot) -> bool:
    """Tell whether a run is gone, Job and pod, and nothing is known of its end.

    A listing may be ahead of the watch: whoever is about to judge the run listens first.
    """
    known = {job.uid for job in snapshot.jobs}
    return not snapshot.unreadable and any(
        record.outcome is Outcome.RUNNING and record.job_uid not in known
        for _, record in records(snapshot)
    )


@dataclass(frozen=True, slots=True)
class LastWords:
    """Pods of our Jobs as they were when they went, by project."""

    _pods: defaultdict[Key, dict[str, PodState]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, key: Key, pod: PodState) -> None:
        """Remember a pod that is gone, and forget the oldest beyond ``KEPT``."""
        pods = self._pods[key]
        pods[pod.uid] = pod
        for uid in list(pods)[:-KEPT]:
            del pods[uid]

    def of(self, key: Key) -> tuple[PodState, ...]:
        """Return what is remembered of a project's pods."""
        return tuple(self._pods.get(key, {}).values())

    def forget(self, key: Key) -> None:
        """Forget a project."""
        self._pods.pop(key, None)
