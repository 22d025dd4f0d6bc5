"""One control plane and one operator, beside which the command line runs as a user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.operator.workbench import Space
from stage.person import kubeconfig_of

Dbalias = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def viewer(space: Space, tmp_path: Path) -> Path:
    """The kubeconfig of somebody who may view this namespace, which is its context's."""
    path = tmp_path / "viewer.kubeconfig"
    bench = space.bench
    path.write_text(kubeconfig_of(bench.api, bench.cluster, space.name, role="view"))
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
