"""A node without containers: the pods of Deployments are clients that run as processes here.

Deployments are rolled out by Kubernetes' own controller. A pod mounts what is published when it
starts, is ready once it has served a request, and is asked to end when it is deleted.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration.operator.objects import Body
from integration.operator.workbench import Space
from integration.runtime.pod import mount
from stage.api import ApiServer
from unit.reconcile.starting import DATABASES, content

PROGRAM = Path(__file__).with_name("client.py")
LOOK = 0.1
PATIENCE = 300


@dataclass(slots=True)
class Process:
    """One client, and the lines that it said."""

    popen: subprocess.Popen[str]
    said: list[dict[str, Any]] = field(default_factory=list)
    _reader: threading.Thread | None = None

    @classmethod
    def start(cls, mode: str, folder: Path, **env: str) -> Process:
        """Start it with what lies in a folder."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
        settings = {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "dbalias_settings"}
        popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), mode],
            env=kept | settings | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        process = cls(popen)
        process._reader = threading.Thread(target=process._read, daemon=True)
        process._reader.start()
        return process

    @property
    def stands(self) -> str:
        """What it said last."""
        return str(self.said[-1]["say"]) if self.said else ""

    @property
    def never_began(self) -> bool:
        """Whether it was asked to end before Django was loaded."""
        return self.popen.wait(PATIENCE) == -signal.SIGTERM and not self.said

    def tell(self) -> None:
        """Wake it."""
        assert self.popen.stdin
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()

    def wait(self) -> dict[str, Any]:
        """Return its last words, which it has when it ended well."""
        code = self.popen.wait(PATIENCE)
        assert self._reader
        self._reader.join(PATIENCE)
        assert (code, self.stands) == (0, "over"), f"a client ended with {code}: {self.said}"
        return self.said[-1]

    def _read(self) -> None:
        assert self.popen.stdout
        assert self.popen.stdin
        with self.popen.stdin, self.popen.stdout as lines:
            for line in lines:
                self.said.append(json.loads(line))


class Node:
    """Runs the pods of one namespace; use as a context manager."""

    def __init__(self, space: Space, api: ApiServer, scratch: Path) -> None:
        self.space = space
        self.ended: list[Process] = []
        self._api, self._scratch = api, scratch
        self._numbers = itertools.count(1)
        self._started: list[Process] = []
        self._running: dict[str, Process] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Node:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        for process in self._started:
            process.popen.kill()
            process.popen.wait(PATIENCE)

    def process(self, mode: str, **env: str) -> Process:
        """Start a client with what is published now."""
        folder = self._scratch / f"volume-{next(self._numbers)}"
        folder.mkdir()
        files: dict[str, bytes] = {}
        for kind in ("ConfigMap", "Secret"):
            body = self._api.get(kind, self.space.name, DATABASES)
            assert body is not None, f"no {kind} is published"
            files |= {name: content(kind, text) for name, text in body["data"].items()}
        mount(folder, files)
        process = Process.start(mode, folder, **env)
        self._started.append(process)
        return process

    def last_words(self) -> list[dict[str, Any]]:
        """Return what each process that ended said last, and what those that serve said now."""
        ended = [one.wait() for one in self.ended if not one.never_began]
        return ended + [one.said[-1] for one in list(self._running.values()) if one.said]

    def _go_on(self) -> None:
        ready: set[str] = set()
        while not self._over.wait(LOOK):
            pods = {pod["metadata"]["name"]: pod for pod in self._pods()}
            for name in pods.keys() - self._running.keys():
                container = pods[name]["spec"]["containers"][0]
                env = {one["name"]: one["value"] for one in container.get("env") or ()}
                self._running[name] = self.process("serve", **env)
            for name in pods.keys() - ready:
                if self._running[name].said:
                    self._api.merge_status("Pod", self.space.name, name, READY)
                    ready.add(name)
            self._end(set(pods))

    def _pods(self) -> list[Body]:
        pods = self._api.objects("Pod", self.space.name)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def _end(self, wanted: set[str]) -> None:
        for name in self._running.keys() - wanted:
            process = self._running.pop(name)
            process.popen.terminate()
            self.ended.append(process)


READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def deployment(name: str, **env: str) -> Body:
    """Return a Deployment of one pod, of which there is always one that is ready."""
    labels = {"app": name}
    told = [{"name": key, "value": value} for key, value in env.items()]
    container = {"name": "app", "image": "registry.example/shop:1", "env": told}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
