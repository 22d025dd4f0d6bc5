"""Whose processor time the seconds of a benchmark were."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PARTS = frozenset({"postgres", "kube-apiserver", "etcd"})
_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process, which a busy machine does not change."""
    return sum(_ticks(_stat(pid))[:2]) / _TICKS


class Processors:
    """Seconds of processor time by part, from when this is made until `spent`.

    Parts are the benchmark itself, the operator where its process is given, and all processes
    that bear a name of ``PARTS``.
    """

    def __init__(self, operator: int | None = None) -> None:
        self._known = {"the benchmark": os.getpid()}
        if operator is not None:
            self._known["the operator"] = operator
        self._before = self._now()

    def spent(self) -> dict[str, float]:
        """Return the seconds of each part."""
        return {name: round(now - self._before[name], 1) for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        found: dict[str, float] = defaultdict(float)
        for name, pid in self._known.items():
            found[name] = processor_seconds(pid)
        for name, ticks in _named():
            if name in PARTS:
                found[name] += ticks / _TICKS
        return found


def _named() -> Iterator[tuple[str, int]]:
    """Give names and ticks; those of ended children count for the process that collected them."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = _stat(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield stat[stat.index("(") + 1 : stat.rindex(")")], sum(_ticks(stat))


def _stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text()


def _ticks(stat: str) -> list[int]:
    """Return user, system, and both of its ended children (proc(5))."""
    return [int(field) for field in stat.rpartition(")")[2].split()[11:15]]
