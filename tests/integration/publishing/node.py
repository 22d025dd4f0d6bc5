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
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from dbalias.api.conditions import parse_timestamp
from integration.operator.operating import wait_until
from integration.operator.workbench import Workbench
from integration.runtime.pod import Pod, mount
from stage.api import ApiServer, Watch
from unit.reconcile.starting import DATABASES, Files, Versions, content, volumes

Body = Any
NOT_YET = 75
PROGRAM = Path(__file__).with_name("program.py").read_text()
"""What a pod of the application does: it uses every table of every model."""
PATIENCE = 300
"""Seconds for what a machine of two processors takes while three stories restart on it."""
STALE = timedelta(seconds=10)
"""How old a ConfigMap may be beside a new Secret; the model of the unit tests goes further."""
BEHIND = timedelta(seconds=2)
"""How far a Secret may lag behind a new ConfigMap: the lead, less three seconds in which a busy
machine keeps the operator from the write that it decided on. The model knows of no such time.
"""
AGAIN_AFTER = 2.0
"""Seconds between starts that only repeat what was tried before."""


@dataclass(slots=True)
class Published:
    """Every version of one namespace's ConfigMap and Secret, with the time of each."""

    config_maps: Versions = field(default_factory=list)
    secrets: Versions = field(default_factory=list)
    mountable: dict[str, Files] = field(default_factory=dict)
    """Every pair that a pod could ever mount, by what is in it."""
    newest_secret: int = 0
    """The resource version of the Secret that was noted last."""

    def note(self, body: Body) -> None:
        """Remember a version, and the pairs that a kubelet could show from its writing on."""
        kind, written = body["kind"], _written_at(body)
        files = {name: content(kind, text) for name, text in body["data"].items()}
        versions = self.config_maps if kind == "ConfigMap" else self.secrets
        if not versions or versions[-1][1] != files:
            versions.append((written, files))
            pairs = volumes(self.config_maps, self.secrets, written, stale=STALE, behind=BEHIND)
            self.mountable |= {_digest(pair): pair for pair in pairs}
        if kind == "Secret":
            self.newest_secret = _version(body)


class Node:
    """Runs the pods of Jobs, and remembers what was published; use as a context manager."""

    def __init__(self, bench: Workbench, scratch: Path) -> None:
        self.bench = bench
        self.scratch = scratch
        self.published: dict[str, Published] = defaultdict(Published)
        self.images = {release: Pod(scratch / release, release=release) for release in RELEASES}
        self.api: ApiServer = bench.client()
        self._numbers, self._noting = itertools.count(1), threading.Lock()
        self._jobs: list[threading.Thread] = []
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
            thread.join(PATIENCE)
        for job in self._jobs:
            job.join(PATIENCE)
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
            timeout=PATIENCE,
            check=False,
        )
        return "" if done.returncode in (0, NOT_YET) else f"{release}: {done.stdout}{done.stderr}"

    def _remember(self, watch: Watch) -> None:
        for body in watch:
            meta = body["metadata"]
            if meta["name"] == DATABASES and "deletionTimestamp" not in meta:
                if body["kind"] == "ConfigMap":
                    self._wait_for_secret(meta["namespace"])
                with self._noting:
                    self.published[meta["namespace"]].note(body)

    def _wait_for_secret(self, namespace: str) -> None:
        """Wait for the other watch: a Secret that is late would seem older than it is."""
        published = self.published[namespace]

        def is_noted(version: int) -> bool:
            return published.newest_secret >= version

        if body := self.api.get("Secret", namespace, DATABASES):
            wait_until(partial(is_noted, _version(body)), seconds=PATIENCE, what="the Secret")

    def _run_jobs(self, watch: Watch) -> None:
        seen = set()
        for pod in watch:
            uid, labels = pod["metadata"]["uid"], pod["metadata"].get("labels") or {}
            if "dbalias.dev/alias" in labels and uid not in seen:
                seen.add(uid)
                self._jobs.append(threading.Thread(target=self._run_job, args=(pod,)))
                self._jobs[-1].start()

    def _run_job(self, pod: Body) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        try:
            ended = self._end_of(pod)
        except AssertionError:
            if self.api.get("Pod", namespace, name):  # what it mounts goes before one that ends
                raise
            return
        told = {"name": "migrate", "image": pod["spec"]["containers"][0]["image"], "imageID": "",
                "ready": False, "restartCount": 0, "state": {"terminated": ended}}  # fmt: skip
        phase = "Failed" if ended["exitCode"] else "Succeeded"
        status = {"phase": phase, "containerStatuses": [told]}
        self.api.merge_status("Pod", namespace, name, status)

    def _end_of(self, pod: Body) -> Body:
        container = pod["spec"]["containers"][0]
        folder = self._folder(self._mounted(pod))
        report = self.scratch / f"{pod['metadata']['name']}.json"
        command = [word.replace("/etc/dbalias", str(folder)) for word in container["command"]]
        given = {one["name"]: one.get("value", "") for one in container["env"]}
        done = subprocess.run(
            [sys.executable, *command[1:], *container["args"]],
            cwd=self.images[container["image"].rpartition(":")[2]].image,
            env=_environment(folder) | given | {"DBALIAS_REPORT": str(report)},
            capture_output=True,
            check=False,
        )
        return {"exitCode": done.returncode, "reason": "Completed", "message": report.read_text()}

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
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"pairs without a start: {len(self.untried)}"

    @property
    def untried(self) -> set[str]:
        """Pairs that no start has had yet."""
        return self._published.mountable.keys() - self._last.keys()

    @property
    def tried(self) -> int:
        """How many different pairs have been started with."""
        return len(self._last)

    def _go_on(self) -> None:
        while self.untried or not self._over.is_set():
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


def _written_at(body: Body) -> datetime:
    """Return when the API server took this version, whoever hears of it when."""
    times = [parse_timestamp(one.get("time")) for one in body["metadata"]["managedFields"]]
    return max(filter(None, times))


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])


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
