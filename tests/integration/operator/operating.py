"""The operator as a process of this machine, and waiting for what it does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localkube.ports import reserve_port

SETTLED = 7.0
"""Seconds after which an operator that has just begun to work no longer waits to settle."""


def wait_until(probe: Callable[[], Any], *, seconds: float = 300, what: str = "") -> Any:
    """Return the first true answer of the probe; fail when none comes in time."""
    give_up = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {seconds:.0f} s: {what or probe}")
        time.sleep(0.2)


@dataclass(slots=True)
class Operator:
    """``dbalias run``; the same one can be started again after its end."""

    arguments: tuple[str, ...]
    kubeconfig: Path
    log: Path
    port: int = 0
    started_at: float = 0.0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Operator:
        """Start it; it may take seconds until the Lease is its own."""
        self.port, self.started_at = reserve_port(), time.time()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    Path(sys.executable).parent / "dbalias",
                    "run",
                    *self.arguments,
                    "--lease-namespace=dbalias-system",
                    f"--http-port={self.port}",
                ],
                env=os.environ | {"KUBECONFIG": str(self.kubeconfig), "MALLOC_ARENA_MAX": "1"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the running process."""
        assert self._process is not None, "the operator has not been started"
        return self._process

    def is_running(self) -> bool:
        """Tell whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it without warning, as a lost node would."""
        return self._end(signal.SIGKILL)

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a series of /metrics, None while there is none."""
        for line in self.page("metrics").splitlines():
            series, _, value = line.rpartition(" ")
            found = dict(re.findall(r'(\w+)="([^"]*)"', series))
            if series.partition("{")[0] == name and found == labels:
                return float(value)
        return None

    def is_ready(self) -> bool:
        """Tell what the readiness probe would hear."""
        return self.page("readyz") == "ok\n"

    def is_leading(self) -> bool:
        """Tell whether this process holds the Lease."""
        return self.metric("dbalias_leading") == 1.0

    def has_passed(self, namespace: str, project: str) -> bool:
        """Tell whether this process has looked at a project."""
        labels = {"namespace": namespace, "project": project}
        at = self.metric("dbalias_project_last_success_seconds", **labels)
        return (at or 0.0) > self.started_at

    def page(self, path: str) -> str:
        """Return what an HTTP endpoint says, "" while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=30) as page:
                return str(page.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                return str(refused.read().decode())
        except OSError:
            return ""

    def resident_mebibytes(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(180)


@contextmanager
def running(*operators: Operator) -> Iterator[Operator]:
    """Run operators for a block, and end them after it; the first is handed in."""
    for operator in operators:
        operator.start()
    try:
        yield operators[0]
    finally:
        for operator in operators:
            operator.stop()
