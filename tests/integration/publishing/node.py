"""A node without containers: Jobs and the application run as processes of this machine.

What they mount is what a kubelet could show them at that moment, mixed pairs included.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integration.operator.workbench import Workbench
from integration.runtime.pod import Pod, mount
from stage.api import ApiServer, Watch
from unit.reconcile.starting import DATABASES, Files, Versions, content, volumes

Body = Any
NOT_YET = 75
PROGRAM = Path(__file__).with_name("program.py").read_text()
"""What a pod of the application does: it uses every table of every model."""
STALE = timedelta(seconds=10)
"""How old a ConfigMap may be beside a new Secret; the model of the unit tests goes further."""
AGAIN_AFTER = 2.0
"""Seconds between starts that only repeat what was tried before."""


@dataclass(slots=True)
class Published:
    """Every version of one namespace's ConfigMap and Secret, with the time of each."""

    config_maps: Versions = field(default_factory=list)
    secrets: Versions = field(default_factory=list)
    mountable: dict[str, Files] = field(default_factory=dict)
    """Every pair that a pod could ever mount, by what is in it."""

    def note(self, kind: str, files: Files) -> None:
        """Remember a version, and the pairs that a kubelet could show from now on."""
        versions = self.config_maps if kind == "ConfigMap" else self.secrets
        if not versions or versions[-1][1] != files:
            now = datetime.now(UTC)
            versions.append((now, files))
            pairs = volumes(self.config_maps, self.secrets, now, stale=STALE)
            self.mountable |= {_digest(pair): pair for pair in pairs}


class Node:
    """Runs the pods of Jobs, and remembers what was published; use as a context manager."""

    def __init__(self, bench: Workbench, scratch: Path) -> None:
        self.bench = bench
        self.scratch = scratch
        self.published: dict[str, Published] = defaultdict(Published)
        self.images = {release: Pod(scratch / release, release=release) for release in RELEASES}
        self.api: ApiServer = bench.client()
        self._numbers, self._noting = itertools.count(1), threading.Lock()
        self._watches = [self.api.watch(kind) for kind in ("ConfigMap", "Secret", "Pod")]
        jobs = (self._remember, self._remember, self._run_jobs)
        pairs = zip(jobs, self._watches, strict=True)
        self._threads = [threading.Thread(target=job, args=(watch,)) for job, watch in pairs]

    def __enter__(self) -> Node:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self._watches:
            watch.stop()
        for thread in self._threads:
            thread.join(10)
        self.api.close()

    def start(self, files: Files, release: str, **env: str) -> str:
        """Start the application with these files; return what went wrong, "" for nothing."""
        folder = self._folder(files)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, release],
            cwd=self.images[release].image,
            env=_environment(folder) | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return "" if done.returncode in (0, NOT_YET) else f"{release}: {done.stdout}{done.stderr}"

    def _remember(self, watch: Watch) -> None:
        for body in watch:
            meta, kind = body["metadata"], body["kind"]
            if meta["name"] == DATABASES and "deletionTimestamp" not in meta:
                files = {name: content(kind, text) for name, text in body["data"].items()}
                with self._noting:
                    self.published[meta["namespace"]].note(kind, files)

    def _run_jobs(self, watch: Watch) -> None:
        seen = set()
        for pod in watch:
            uid, labels = pod["metadata"]["uid"], pod["metadata"].get("labels") or {}
            if "dbalias.dev/alias" in labels and uid not in seen:
                seen.add(uid)
                threading.Thread(target=self._run_job, args=(pod,)).start()

    def _run_job(self, pod: Body) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        container = pod["spec"]["containers"][0]
        folder, report = self._folder(self._mounted(pod)), self.scratch / f"{name}.json"
        command = [word.replace("/etc/dbalias", str(folder)) for word in container["command"]]
        given = {one["name"]: one.get("value", "") for one in container["env"]}
        done = subprocess.run(
            [sys.executable, *command[1:], *container["args"]],
            cwd=self.images[container["image"].rpartition(":")[2]].image,
            env=_environment(folder) | given | {"DBALIAS_REPORT": str(report)},
            capture_output=True,
            check=False,
        )
        ended = {"exitCode": done.returncode, "reason": "Completed", "message": report.read_text()}
        told = {"name": "migrate", "image": container["image"], "imageID": "", "ready": False,
                "restartCount": 0, "state": {"terminated": ended}}  # fmt: skip
        phase = "Failed" if done.returncode else "Succeeded"
        status = {"phase": phase, "containerStatuses": [told]}
        self.api.merge_status("Pod", namespace, name, status)

    def _mounted(self, pod: Body) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for volume in pod["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", ()):
                kind = "ConfigMap" if "configMap" in source else "Secret"
                name = (source.get("configMap") or source["secret"])["name"]
                body = self.api.get(kind, pod["metadata"]["namespace"], name)
                assert body is not None, f"{kind}/{name} is not there"
                files |= {key: content(kind, text) for key, text in body["data"].items()}
        return files

    def _folder(self, files: Files) -> Path:
        folder = self.scratch / f"volume-{next(self._numbers)}"
        folder.mkdir()
        mount(folder, files)
        return folder


RELEASES = ("1.4", "1.5")


class Restarts:
    """Starts the application with every pair that may be mounted, and then again and again."""

    def __init__(self, node: Node, namespace: str, **env: str) -> None:
        self.faults: list[str] = []
        self.starts = 0
        self._node, self._published, self._env = node, node.published[namespace], env
        self._last: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Restarts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    @property
    def untried(self) -> set[str]:
        """Pairs that no start has had yet."""
        return self._published.mountable.keys() - self._last.keys()

    @property
    def tried(self) -> int:
        """How many different pairs have been started with."""
        return len(self._last)

    def _go_on(self) -> None:
        while not self._over.is_set():
            pairs = dict(self._published.mountable)
            if pairs:
                chosen = min(pairs, key=lambda one: self._last.get(one, 0))
                self._try(pairs[chosen])
                self._last[chosen] = self.starts
            self._over.wait(0.05 if self.untried else AGAIN_AFTER)

    def _try(self, files: Files) -> None:
        self.starts += 1
        release = RELEASES[self.starts % len(RELEASES)]
        fault = self._node.start(files, release, **self._env)
        if fault:
            document = json.loads(files["databases.json"])
            shown = {part: document[part] for part in ("databases", "routing", "unavailable")}
            self.faults.append(f"start {self.starts}, {fault}\n{json.dumps(shown)}")


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    return kept | {
        "PYTHONPATH": str(folder),
        "DJANGO_SETTINGS_MODULE": "dbalias_settings",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _digest(files: Files) -> str:
    relevant = [(name, files[name]) for name in sorted(files) if not name.endswith(".py")]
    return hashlib.sha256(repr(relevant).encode()).hexdigest()
