"""The chart on a real API server: installing it, and acting as the operator's account."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rendering
from localkube import Cluster, Options

ACCOUNT = f"system:serviceaccount:{rendering.NAMESPACE}:dbalias"


@contextmanager
def control_plane() -> Iterator[Cluster]:
    """Start one without a node: nothing here needs a pod to run."""
    with Cluster(options=Options(node=False, controllers=False)) as running:
        running.kubectl("create", "namespace", "shop")
        yield running


def helm(cluster: Cluster, *arguments: str) -> None:
    """Run helm against the cluster and fail with its words."""
    done = subprocess.run(
        [rendering.helm(), f"--kubeconfig={cluster.kubeconfig}", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def install(cluster: Cluster, *values: str) -> None:
    """Install or upgrade the release as the README does."""
    helm(
        cluster, "upgrade", "--install", "dbalias", str(rendering.CHART),
        "--namespace", rendering.NAMESPACE, "--create-namespace",
        # Without it, an upgrade that sets nothing silently keeps what the last one set.
        "--reset-values", *values,
    )  # fmt: skip


def as_operator(cluster: Cluster, *arguments: str, body: dict[str, Any] | None = None) -> None:
    """Act as the operator's account; LocalkubeError carries a refusal."""
    cluster.kubectl(
        f"--as={ACCOUNT}", "--namespace=shop", *arguments, input=json.dumps(body) if body else None
    )


def patch_as_operator(cluster: Cluster, target: str, change: dict[str, Any]) -> None:
    """Merge a change into an object, as the operator's account."""
    as_operator(cluster, "patch", target, "--type=merge", "--patch", json.dumps(change))
