"""Processes that outlive the command which started them, and are found again by pid and start time.

Each runs in a session of its own. Its pid and the moment the kernel started it are written to the
state folder; nothing is ever signalled unless both still agree, so a reused pid is safe.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.paths import write_whole
from localkube.progress import last_lines

PATIENCE_SECONDS = 180.0
"""How long whatever surely comes is waited for; every wait ends as soon as it has come."""

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
}


def start_time(pid: int) -> int | None:
    """Return when the kernel started a process (clock ticks since boot), None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything, so count from the last parenthesis (proc(5)).
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX" and not _has_threads(pid):
        # Ours if this very command started it: then nobody else collects it.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return None
    return int(fields[19])


def is_same(pid: int | None, started: int | None) -> bool:
    """Return whether a process is there, and no other one under its pid."""
    return pid is not None and started is not None and start_time(pid) == started


def children_of(pid: int) -> dict[int, int | None]:
    """Return the processes that a process has started, each with its start time."""
    return {one: start_time(one) for one in _listed() if _parent(one) == pid}


def working_in(folder: Path) -> dict[int, int | None]:
    """Return the processes whose working folder this is, each with its start time."""
    place = folder.resolve()
    return {one: start_time(one) for one in _listed() if _working_folder(one) == place}


def wait_until_gone(processes: Mapping[int, int | None], seconds: float = PATIENCE_SECONDS) -> bool:
    """Return whether all of these processes, by pid and start time, have ended in time."""
    deadline = time.monotonic() + seconds
    while any(is_same(pid, started) for pid, started in processes.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _listed() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _working_folder(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _has_threads(pid: int) -> bool:
    """Return whether threads outlive the first one: a killed process keeps its ports until then."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass(frozen=True, slots=True)
class Process:
    """One program of a cluster: how it is started, where it logs, and which pid it has."""

    name: str
    argv: Sequence[str]
    record: Path
    log: Path

    @property
    def pid(self) -> int | None:
        """Return the pid while the process runs, else None."""
        try:
            known = json.loads(self.record.read_text())
        except FileNotFoundError:
            return None
        return known["pid"] if is_same(known["pid"], known["started"]) else None

    @property
    def is_running(self) -> bool:
        """Return whether the process is there."""
        return self.pid is not None

    def start(self) -> None:
        """Start the process, unless it runs already."""
        if self.is_running:
            return
        self._write(pid=None, started=None)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # Not subprocess.Popen: it warns about a child that outlives it, which is the purpose here.
        pid = os.posix_spawnp(
            self.argv[0], list(self.argv), _ENVIRONMENT, file_actions=actions, setsid=True
        )
        self._write(pid=pid, started=start_time(pid))

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """Send a signal, and wait until the process is gone if it is a deadly one."""
        pid = self.pid
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        if signum in (signal.SIGKILL, signal.SIGTERM):
            self.wait_gone()

    def wait_gone(self, timeout: float = PATIENCE_SECONDS) -> None:
        """Wait until the process has ended. Raises LocalkubeError after the timeout (seconds)."""
        pid = self.pid
        if pid is not None and not wait_until_gone({pid: start_time(pid)}, timeout):
            raise LocalkubeError(f"{self.name} (pid {pid}) does not end")

    def restart(self) -> None:
        """Kill the process and start it again."""
        self.kill()
        self.start()

    def require_running(self) -> None:
        """Raise LocalkubeError with the end of the log when the process has ended."""
        if not self.is_running:
            raise LocalkubeError(f"{self.name} ended; from {self.log}:\n{last_lines(self.log)}")

    def _write(self, *, pid: int | None, started: int | None) -> None:
        self.record.parent.mkdir(parents=True, exist_ok=True)
        told = {"argv": list(self.argv), "log": str(self.log), "pid": pid, "started": started}
        write_whole(self.record, json.dumps(told))


def load_processes(records: Path) -> dict[str, Process]:
    """Return the processes recorded in a folder, by name, in the order they were first started."""
    found = sorted(records.glob("*.json"), key=lambda file: file.name)
    processes = {}
    for record in found:
        told = json.loads(record.read_text())
        name = record.stem.partition("-")[2]
        processes[name] = Process(name, told["argv"], record, Path(told["log"]))
    return processes
