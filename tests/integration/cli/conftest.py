"""One control plane and one operator, beside which the command line runs as a user has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.operator.operating import wait_until
from integration.operator.workbench import Space

Dbalias = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def viewer(space: Space, tmp_path: Path) -> Path:
    """The kubeconfig of somebody who may view this namespace, which is its context's."""
    bench = space.bench
    bench.kubectl("create", "serviceaccount", "viewer", "-n", space.name)
    bench.kubectl("create", "rolebinding", "viewer", "-n", space.name, "--clusterrole=view",
                  f"--serviceaccount={space.name}:viewer")  # fmt: skip
    asked = ("auth", "can-i", "list", "djp", "-n", space.name)
    viewer = f"--as=system:serviceaccount:{space.name}:viewer"
    wait_until(lambda: bench.kubectl(*asked, viewer, check=False).startswith("yes"))
    config = json.loads(bench.cluster.kubeconfig.read_text())
    token = bench.kubectl("create", "token", "viewer", "-n", space.name).strip()
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    for context in config["contexts"]:
        context["context"]["namespace"] = space.name
    path = tmp_path / "viewer.kubeconfig"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def dbalias(viewer: Path) -> Iterator[Dbalias]:
    """Start ``dbalias`` as the viewer; what still runs after the test is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "dbalias", *arguments],
            env=os.environ | {"KUBECONFIG": str(viewer)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
