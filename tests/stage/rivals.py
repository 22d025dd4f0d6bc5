"""Two operators where there should be one: a second release, or a leader that others lost."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence

from localkube import Cluster
from stage.api import JSON, ApiServer
from stage.images import OPERATOR_REPOSITORY, OPERATOR_TAG, ROOT
from stage.operating import processes_of
from stage.play import WITHIN
from stage.setting import OPERATOR, OPERATOR_NAMESPACE

RIVAL = "dbalias-rival"


@contextlib.contextmanager
def second_release(cluster: Cluster, namespaces: Sequence[str]) -> Iterator[None]:
    """Install the chart once more, for these namespaces: it has a Lease of its own, and leads."""
    helm = [str(cluster.binary("helm")), f"--kubeconfig={cluster.kubeconfig}"]
    where = f"--namespace={RIVAL}"
    watched = ",".join(namespaces)
    subprocess.run(
        [
            *helm, "install", RIVAL, str(ROOT / "charts" / "dbalias"), where, "--create-namespace",
            "--wait", "--timeout=300s", "--set=crds.install=false",
            f"--set=image.repository={OPERATOR_REPOSITORY}", f"--set=image.tag={OPERATOR_TAG}",
            f"--set=watchNamespaces={{{watched}}}",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    try:
        yield
    finally:
        subprocess.run([*helm, "uninstall", RIVAL, where], check=True, capture_output=True)


def leader(api: ApiServer) -> JSON:
    """Return the pod that holds the Lease; waits until one of those that are there does."""
    deadline = time.monotonic() + WITHIN
    while True:
        holder = str(holder_of_lease(api) or "").rpartition("_")[0]
        for pod in api.objects("Pod", OPERATOR_NAMESPACE):
            if pod["metadata"]["name"] == holder:
                return pod
        assert time.monotonic() < deadline, f"nobody leads; the Lease names {holder or 'nobody'}"
        time.sleep(0.2)


def wait_for_another_leader(api: ApiServer, than: JSON) -> None:
    """Wait until the Lease has run out and another pod holds it."""
    deadline = time.monotonic() + WITHIN
    while leader(api)["metadata"]["name"] == than["metadata"]["name"]:
        assert time.monotonic() < deadline, "nobody else took the Lease"
        time.sleep(0.2)


def holder_of_lease(api: ApiServer) -> str | None:
    """Return who holds the operator's Lease, as it names itself."""
    lease = api.get("Lease", OPERATOR_NAMESPACE, OPERATOR)
    return lease["spec"].get("holderIdentity") if lease else None


@contextlib.contextmanager
def frozen(pod: JSON) -> Iterator[None]:
    """Stop a pod's process where it is; at the end it goes on as if no time had passed."""
    (status,) = pod["status"]["containerStatuses"]
    pids = processes_of(status)
    assert pids, f"{pod['metadata']['name']} has no process"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def cut_off(cluster: Cluster, pod: JSON) -> Iterator[None]:
    """Drop what a pod and the API server send each other, without a word to either."""
    port = cluster.url.rpartition(":")[2]
    address, server = pod["status"]["podIP"], cluster.host_address
    rules = [
        ["-s", address, "-d", server, "-p", "tcp", "--dport", port, "-j", "DROP"],
        ["-s", server, "-d", address, "-p", "tcp", "--sport", port, "-j", "DROP"],
    ]
    inside = ["nsenter", f"--net={cluster.node.network.namespace_file}"]
    # The mangle table: kube-proxy puts its own rules first in the filter table again and again.
    chain = [*inside, "iptables", "-t", "mangle"]
    for rule in rules:
        subprocess.run([*chain, "-I", "FORWARD", *rule], check=True, capture_output=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run([*chain, "-D", "FORWARD", *rule], check=True, capture_output=True)
