"""Somebody with rights in one namespace, who uses the command line there."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localkube import Cluster
from stage.api import ApiServer
from stage.play import WITHIN, Shop


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Person:
    """A service account bound to one of Kubernetes' own roles, and its kubeconfig."""

    def __init__(self, shop: Shop, folder: Path, *, role: str) -> None:
        self._started: list[subprocess.Popen[str]] = []
        self._kubeconfig = folder / f"{role}.kubeconfig"
        self._kubeconfig.write_text(
            kubeconfig_of(shop.api, shop.setting.cluster, shop.namespace, role=role)
        )

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start `dbalias` with these words."""
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "dbalias"), *words],
            env={**os.environ, "KUBECONFIG": str(self._kubeconfig)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._started.append(process)
        return process

    def run(self, *words: str) -> Ended:
        """Run `dbalias` with these words to its end."""
        return finish(self.start(*words))

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def finish(process: "subprocess.Popen[str]") -> Ended:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=WITHIN)
    return Ended(process.returncode, out, err)


def interrupt_after(process: "subprocess.Popen[str]", line: str, *, times: int = 1) -> Ended:
    """Press Ctrl-C as soon as a command has written a line with this text; wait for its end.

    Once more only when it has taken note: the kernel makes one of two signals that both wait.
    """
    wait_for_line(process.stdout, line)
    process.send_signal(signal.SIGINT)
    for _ in range(times - 1):
        wait_for_line(process.stderr, "once more to leave")
        process.send_signal(signal.SIGINT)
    return finish(process)


def wait_for_line(stream: IO[str] | None, text: str) -> None:
    """Read what a command writes up to a line with this text."""
    assert stream is not None
    read: list[str] = []
    while not read or text not in read[-1]:
        read.append(stream.readline())
        assert read[-1], f"it ended without {text!r}: {''.join(read)}"


def kubeconfig_of(api: ApiServer, cluster: Cluster, namespace: str, *, role: str) -> str:
    """Bind a new service account to one of Kubernetes' own roles; its kubeconfig when it counts."""
    where = {"name": role, "namespace": namespace}
    account = {"kind": "ServiceAccount", "metadata": where}
    group = "rbac.authorization.k8s.io"
    binding = {
        "kind": "RoleBinding",
        "metadata": where,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", **where}],
    }
    api.apply({"apiVersion": "v1", **account})
    api.apply({"apiVersion": f"{group}/v1", **binding})
    user = f"system:serviceaccount:{namespace}:{role}"
    deadline = time.monotonic() + WITHIN
    while not api.may(user, "list", "djangoprojects", namespace):
        assert time.monotonic() < deadline, f"{user} has no rights"
        time.sleep(0.2)
    told = json.loads(cluster.kubeconfig.read_text())
    token = api.token(namespace, role)
    told["users"] = [{"name": told["users"][0]["name"], "user": {"token": token}}]
    for context in told["contexts"]:
        context["context"]["namespace"] = namespace
    return json.dumps(told)
