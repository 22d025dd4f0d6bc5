"""What befalls the operator itself: killed, or not there."""

import os
import signal
import time
from pathlib import Path

from stage.api import JSON, ApiServer
from stage.play import WITHIN
from stage.setting import OPERATOR, OPERATOR_NAMESPACE


def kill_operator(api: ApiServer) -> None:
    """Kill the operator's process as the kernel would for want of memory; kubelet restarts it."""
    deadline = time.monotonic() + WITHIN
    while not (running := operator_processes(api)):
        assert time.monotonic() < deadline, "the operator does not run"
        time.sleep(0.2)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    while any(Path(f"/proc/{pid}").exists() for pid in running):
        assert time.monotonic() < deadline, "the operator does not end"
        time.sleep(0.05)


def operator_processes(api: ApiServer) -> list[int]:
    """Return the pids, as this machine counts them, of the operator; none while it does not run."""
    return processes_of(_container(api))


def count_restarts(api: ApiServer) -> int:
    """Return how often the kubelet has restarted the operator's container."""
    return int(_container(api)["restartCount"])


def scale_operator(api: ApiServer, replicas: int) -> None:
    """Set how many operators run and wait until it is so."""
    api.merge("Deployment", OPERATOR_NAMESPACE, OPERATOR, spec={"replicas": replicas})
    deadline = time.monotonic() + WITHIN
    while len(api.objects("Pod", OPERATOR_NAMESPACE)) != replicas:
        assert time.monotonic() < deadline, f"the operator is not scaled to {replicas}"
        time.sleep(0.2)


def processes_of(status: JSON) -> list[int]:
    """Return the pids, as this machine counts them, of a container; none once it has ended."""
    container = status.get("containerID", "").removeprefix("containerd://")
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if container and entry.name.isdigit() and container in _groups(entry)
    ]


def _container(api: ApiServer) -> JSON:
    (pod,) = api.objects("Pod", OPERATOR_NAMESPACE)
    (status,) = pod["status"]["containerStatuses"]
    return status


def _groups(process: Path) -> str:
    try:
        return (process / "cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
