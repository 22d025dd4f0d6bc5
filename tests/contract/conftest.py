"""A real API server with our CRDs, one for all contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.apiserver import ApiServer
from localkube import Cluster, Options

CRDS = sorted((Path(__file__).parents[2] / "crds").glob("*.yaml"))


@pytest.fixture(scope="session")
def crds() -> dict[str, dict[str, Any]]:
    """The custom resource definitions by kind."""
    read = [yaml.safe_load(path.read_text()) for path in CRDS]
    return {crd["spec"]["names"]["kind"]: crd for crd in read}


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[Path]:
    """The administrator's kubeconfig of a kube-apiserver."""
    with Cluster(options=Options(node=False, controllers=False)) as cluster:
        yield cluster.kubeconfig


@pytest.fixture(scope="session")
def apiserver(kubeconfig: Path, crds: dict[str, dict[str, Any]]) -> Iterator[ApiServer]:
    """A kube-apiserver that serves our kinds."""
    with closing(ApiServer(kubeconfig)) as server:
        for crd in crds.values():
            server.serve(crd)
        yield server
