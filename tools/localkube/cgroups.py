"""The control group of one cluster: the surest way to find all that its node started.

The kubelet would also remove pods' groups it does not know, so two kubelets need two roots.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.processes import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A named group directly below the root of every hierarchy of the machine (v1, v2 or both)."""

    name: str

    def create(self) -> None:
        """Make the group in every hierarchy, with a leaf for the node's own programs."""
        for root in _hierarchies():
            group = root / self.name
            _delegate_controllers(root)
            group.mkdir(exist_ok=True)
            # A v1 cpuset takes no process until it has been given processors and memory.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (group / setting).exists() and not (root / "cgroup.controllers").exists():
                    (group / setting).write_text((root / setting).read_text())
        self.daemons.mkdir(exist_ok=True)

    @property
    def daemons(self) -> Path:
        """Return the folder of the leaf that the node's own programs join."""
        return _tracking_hierarchy() / self.name / "daemons"

    def pids(self) -> set[int]:
        """Return all processes in the group, in whichever hierarchy."""
        found: set[int] = set()
        for folder in self._folders():
            with contextlib.suppress(OSError):
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
        return found

    def kill(self, timeout: float = PATIENCE_SECONDS) -> None:
        """End every process of the group; repeat, since they may fork meanwhile."""
        deadline = time.monotonic() + timeout
        while pids := self.pids():
            if time.monotonic() > deadline:
                raise LocalkubeError(f"processes of {self.name} do not end: {sorted(pids)}")
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def remove(self) -> None:
        """Remove the group's folders, deepest first. Call after `kill`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for folder in self._folders():
            while time.monotonic() < deadline:
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    # The kernel frees a group a moment after its last process.
                    time.sleep(0.02)

    def _folders(self) -> Iterator[Path]:
        for root in _hierarchies():
            for folder, _, _ in os.walk(root / self.name, topdown=False):
                yield Path(folder)


def _mounts() -> Iterator[tuple[str, Path]]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        yield right.split()[0], Path(left.split()[4])


def _hierarchies() -> list[Path]:
    return [point for kind, point in _mounts() if kind in ("cgroup", "cgroup2")]


def _tracking_hierarchy() -> Path:
    # v2 if there is one, also beside v1; else any v1 hierarchy will do.
    unified = [point for kind, point in _mounts() if kind == "cgroup2"]
    found = unified or _hierarchies()
    if not found:
        raise LocalkubeError("no control groups are mounted on this machine: a node needs them")
    return found[0]


def _delegate_controllers(root: Path) -> None:
    offered = root / "cgroup.controllers"
    if not offered.exists():
        return
    for controller in offered.read_text().split():
        with contextlib.suppress(OSError):
            (root / "cgroup.subtree_control").write_text(f"+{controller}")
