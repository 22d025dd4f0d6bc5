"""What ``inject`` prints is taken by a real API server, where Pod Security is enforced."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias.cli.inject_pod import Mount, mount_into
from localkube.binaries import find_binaries
from unit.cli.workloads import KINDS, pod_of, restricted_pod, workload

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]
RESTRICTED = {f"pod-security.kubernetes.io/{what}": "restricted" for what in ("enforce", "warn")}
EVERYTHING = Mount("shop", profile="web", pythonpath="/app", wait="python")


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    """Return kubectl in a namespace that admits nothing but restricted pods."""
    argv = [str(find_binaries("kubectl").path("kubectl")), f"--kubeconfig={kubeconfig}"]

    def run(*arguments: str, body: Any = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*argv, "--namespace=inject", *arguments],
            input=None if body is None else yaml.safe_dump(body),
            capture_output=True,
            text=True,
            check=False,
        )

    for body in (
        {"apiVersion": "v1", "kind": "Namespace",
         "metadata": {"name": "inject", "labels": RESTRICTED}},
        {"apiVersion": "v1", "kind": "ServiceAccount",
         "metadata": {"name": "default", "namespace": "inject"}},
    ):  # fmt: skip
        made = run("create", "-f", "-", body=body)
        assert made.returncode == 0, made.stderr
    return run


@pytest.mark.parametrize("kind", KINDS)
def test_workloads_with_the_mount_are_admitted_as_restricted(kind: str, kubectl: Kubectl) -> None:
    """No unknown field, no refusal, and no warning of Pod Security about the template."""
    body = workload(kind, mount_into(restricted_pod(), EVERYTHING, at="spec"))
    taken = kubectl("create", "-f", "-", "--dry-run=server", "--validate=strict", "-o=yaml",
                    body=body)  # fmt: skip
    assert taken.returncode == 0, taken.stderr
    assert taken.stderr == ""
    stored = pod_of(yaml.safe_load(taken.stdout))
    assert [one["name"] for one in stored["initContainers"]] == ["dbalias-wait"]
    assert stored["volumes"][0]["projected"]["defaultMode"] == 0o440


def test_what_the_api_server_made_of_it_is_left_as_it_is(kubectl: Kubectl) -> None:
    """Its defaults (modes, policies) are no reason to change a live object."""
    pod = mount_into(restricted_pod(), EVERYTHING, at="spec")
    taken = kubectl("create", "-f", "-", "--dry-run=server", "-o=yaml",
                    body=workload("Deployment", pod))  # fmt: skip
    stored = pod_of(yaml.safe_load(taken.stdout))
    again = mount_into(stored, EVERYTHING, at="spec")
    assert again["volumes"] == stored["volumes"]
    assert again["containers"] == stored["containers"]
    assert again["securityContext"] == stored["securityContext"]
