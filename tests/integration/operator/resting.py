"""A cluster that rests from the start of the test run to its end, beside all other tests."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration.operator.operating import SETTLED, running, wait_until
from integration.operator.scenery import PROJECTS, database_servers, set_scene
from integration.operator.workbench import Workbench, workbench
from localkube.databases import DatabaseServer

REST = float(os.environ.get("DBALIAS_REST_SECONDS", "700"))
"""Seconds without any write that are demanded: longer than from one look for drift to the next."""
LOGGED_IN = "SELECT sum(sessions) FROM pg_stat_database WHERE datname LIKE %s"


@dataclass(slots=True)
class Rest:
    """The resting cluster of a test run, whichever of its processes has begun it.

    ``folder`` is known to all processes of the run. The first to come begins, in a thread of
    its own, so that no test waits; what it found is written to ``found.json``.
    """

    folder: Path
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start the cluster, unless another process of the run has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "door").open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            if (self.folder / "begun").exists():
                return
            (self.folder / "begun").touch()
        self._thread = threading.Thread(target=self._run, name="rest")
        self._thread.start()

    def end(self, *, at_once: bool) -> None:
        """Return when the cluster is gone; ``at_once``: nobody waits for what it finds."""
        if self._thread is not None:
            if at_once:
                self._over.set()
            self._thread.join()
        if at_once:
            shutil.rmtree(self.folder, ignore_errors=True)

    def found(self) -> dict[str, Any]:
        """Wait for the end of the rest; return its seconds, reads and writes, or the error."""
        file = self.folder / "found.json"
        give_up = time.monotonic() + REST + 300
        while not file.exists():
            assert time.monotonic() < give_up, "the resting cluster says nothing"
            time.sleep(0.5)
        read: dict[str, Any] = json.loads(file.read_text())
        shutil.rmtree(self.folder)
        return read

    def _run(self) -> None:
        try:
            with tempfile.TemporaryDirectory() as scratch, workbench(Path(scratch)) as bench:
                found = self._rest(bench)
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        partial = self.folder / "found.partial"
        partial.write_text(json.dumps(found))
        partial.rename(self.folder / "found.json")

    def _rest(self, bench: Workbench) -> dict[str, Any]:
        bench.install()
        with (
            database_servers(bench.scratch) as (postgres, maria),
            running(bench.operator()) as operator,
        ):
            space = bench.namespace("scene")
            set_scene(space, postgres, maria)
            wait_until(
                lambda: self._over.is_set() or bench.is_quiet(seconds=SETTLED), what="the rest"
            )
            mark, began = bench.mark(), time.monotonic()
            logins = _sessions(postgres, space.name)
            self._over.wait(REST)
            rested = time.monotonic() - began
            return {
                "seconds": rested,
                "running": operator.is_running() and operator.is_leading(),
                "passed": [name for name in PROJECTS if operator.has_passed(space.name, name)],
                "reads": len(bench.reads(since=mark)),
                "logins": _sessions(postgres, space.name) - logins,
                "writes": [str(write) for write in bench.writes(since=mark)],
            }


def _sessions(postgres: DatabaseServer, namespace: str) -> int:
    """Return how often anybody has logged in to the databases made for a namespace."""
    [(count,)] = postgres.admin_sql(LOGGED_IN, [f"{namespace}\\_%"])
    return int(count)
