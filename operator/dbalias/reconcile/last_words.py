"""What pods showed last: one that is evicted is gone the moment it has ended, with its report.

The watch sees it go. A process that starts afterwards has not, and then only the Job tells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from dbalias.api.meta import Key
from dbalias.migrations.observed import PodState

KEPT = 64
"""Pods remembered for each project; a run's end is stored in the pass after it."""


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
