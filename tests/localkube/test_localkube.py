"""The local cluster itself: it runs pods, and leaves nothing behind."""

import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localkube import Cluster, LocalkubeError, Options, ensure_packages, network
from localkube.apt import NODE_PACKAGES
from localkube.binaries import CONTROL_PLANE, CONTROLLERS, NODE, find_binaries
from localkube.images import BASE_IMAGE, archive_of, base_image
from localkube.paths import cache_dir
from localkube.processes import PATIENCE_SECONDS
from localkube.progress import exclusive
from localkube.readiness import wait_until

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("dpkg"), reason="a node needs root on Debian"
    ),
    # The first test of a machine has Kubernetes built, or waits for another that does.
    pytest.mark.timeout(900, func_only=True),
]

PATIENCE = f"--timeout={PATIENCE_SECONDS:.0f}s"

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
REACH = f"""
import socket, time
def reach(host, port):
    deadline = time.monotonic() + {PATIENCE_SECONDS / 2}
    while True:
        try: return socket.create_connection((host, port), timeout=10).close()
        except OSError:
            if time.monotonic() > deadline: raise
        time.sleep(0.2)
"""
"""For scripts: whom they reach may have begun to run, but not to listen."""


def a_job(name: str, script: str) -> str:
    """Return a Job that meets the Pod Security level `restricted`, as JSON."""
    container = {
        "name": "main",
        "image": BASE_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", script],
        "securityContext": RESTRICTED,
    }
    return json.dumps(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {
                "backoffLimit": 0,
                "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
            },
        }
    )


def run_to_its_end(cluster: Cluster, name: str, script: str, *, on: str = "") -> str:
    """Run a script as a Job in the namespace `default`, on a certain node; what it printed."""
    job = json.loads(a_job(name, script))
    if on:
        pod = job["spec"]["template"]["spec"]
        pod["nodeSelector"] = {"kubernetes.io/hostname": on}
        pod["tolerations"] = [{"operator": "Exists"}]
    cluster.kubectl("apply", "-f", "-", input=json.dumps(job))
    cluster.kubectl("wait", "--for=condition=Complete", f"job/{name}", PATIENCE)
    return cluster.kubectl("logs", f"job/{name}").stdout.strip()


def start_pod(cluster: Cluster, name: str, script: str) -> None:
    """Run a script as a pod labelled `app=<name>` and wait until it is Ready."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": json.loads(a_job(name, script))["spec"]["template"]["spec"],
    }
    cluster.kubectl("apply", "-f", "-", input=json.dumps(pod))
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", PATIENCE)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name leaves room: a node's sockets lie deep, and pytest's folders too."""
    with tempfile.TemporaryDirectory(prefix="two-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def archive() -> Path:
    """Return the base image, on a machine that has been given all that clusters need."""
    ensure_packages(NODE_PACKAGES)
    find_binaries(*CONTROL_PLANE, *CONTROLLERS, *NODE)
    return archive_of(base_image())


@pytest.fixture
def own_slots(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep other tests' clusters from taking at once what one is about to see freed."""
    monkeypatch.setattr(network, "_SLOTS", range(200, 250))
    with exclusive(cache_dir() / "own-slots.lock"):
        yield


@pytest.fixture(scope="module")
def cluster(archive: Path) -> Iterator[Cluster]:
    """Return a cluster with the base image, shared by this module."""
    with Cluster() as started:
        started.load_archive(archive)
        started.kubectl(
            "label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted"
        )
        # Admission hears of a label by a watch, maybe later than who has set it.
        wait_until(
            lambda: violates(started, "--dry-run=server"),
            "waiting for the namespace's level",
            started.processes["kube-apiserver"],
        )
        yield started


def violates(cluster: Cluster, *options: str) -> bool:
    """Return whether a privileged pod is refused for what it may do."""
    tried = cluster.kubectl(
        "run", "bad", f"--image={BASE_IMAGE}", "--privileged", *options, check=False
    )
    return "violates PodSecurity" in tried.stderr


def test_a_restricted_job_completes_and_its_log_can_be_read(cluster: Cluster) -> None:
    """Pods run as an ordinary user and the kubelet serves their logs."""
    assert run_to_its_end(cluster, "hello", "print('hello')") == "hello"


def test_a_privileged_pod_is_refused(cluster: Cluster) -> None:
    """Pod Security admission is on."""
    assert violates(cluster)


def test_a_pod_resolves_and_reaches_the_apiserver_by_its_service(cluster: Cluster) -> None:
    """CoreDNS, kube-proxy and the pod network work together."""
    name = "kubernetes.default.svc.cluster.local"
    script = f"{REACH}\nreach({name!r}, 443); print(socket.gethostbyname({name!r}))"
    assert run_to_its_end(cluster, "dns", script) == cluster.node.network.first_service


def test_a_pod_reaches_a_server_on_the_host(cluster: Cluster) -> None:
    """Databases of the demo and the tests listen at `host_address`."""
    with socket.create_server((cluster.host_address, 0)) as server:
        port = server.getsockname()[1]
        script = f"{REACH}\nreach('host.localkube', {port})"
        assert run_to_its_end(cluster, "host", script) == ""


def test_a_service_is_reached_from_pods_and_from_the_host(cluster: Cluster) -> None:
    """Databases may run as pods; the host's tests reach them without port-forward."""
    start_pod(cluster, "web", "import http.server as h; h.test(h.SimpleHTTPRequestHandler)")
    cluster.kubectl("expose", "pod", "web", "--port=80", "--target-port=8000")
    run_to_its_end(cluster, "client", f"{REACH}\nreach('web', 80)")
    for kind, port, field in (
        ("service", 80, "{.spec.clusterIP}"),
        ("pod", 8000, "{.status.podIP}"),
    ):
        address = cluster.kubectl("get", kind, "web", f"--output=jsonpath={field}").stdout
        socket.create_connection((address, port), timeout=60).close()


def test_kubectl_exec_works(cluster: Cluster) -> None:
    """The kubelet's streaming server is reached through the apiserver."""
    start_pod(cluster, "sleeper", "import time; time.sleep(600)")
    assert cluster.kubectl("exec", "sleeper", "--", "id", "-u").stdout.strip() == "1000"
    cluster.kubectl("delete", "pod", "sleeper", "--grace-period=1")


def test_the_audit_log_names_user_and_verb(cluster: Cluster) -> None:
    """Tests count an operator's requests by it."""
    cluster.kubectl("get", "configmaps", "--namespace=kube-public")
    listing = ("localkube-admin", "list", "configmaps")
    # The answer may come before the line is there.
    apiserver = cluster.processes["kube-apiserver"]
    wait_until(lambda: listing in audited(cluster), "waiting for the audit log", apiserver)


def audited(cluster: Cluster) -> set[tuple[str, str, str | None]]:
    """Return user, verb and resource of every request in the audit log."""
    # What follows the last line's end is being written.
    whole, _, _ = cluster.audit_log.read_text().rpartition("\n")
    return {
        (event["user"]["username"], event["verb"], event.get("objectRef", {}).get("resource"))
        for event in map(json.loads, whole.splitlines())
    }


@pytest.mark.parametrize("name", ["kubelet", "kube-apiserver", "containerd"])
def test_pods_run_again_after_a_part_was_killed_and_restarted(cluster: Cluster, name: str) -> None:
    """Fault tests kill parts by name, also from another process."""
    cluster.processes[name].kill()
    assert not cluster.processes[name].is_running
    Cluster.attach(cluster.state).processes[name].start()
    cluster.wait_until_ready()
    assert run_to_its_end(cluster, f"after-{name}", "print('again')") == "again"


def test_a_further_node_is_cut_off_dies_boots_and_leaves_nothing_behind(
    cluster: Cluster, archive: Path, own_slots: None
) -> None:
    """What fault tests do to a node of their own; only pods that tolerate its taint go there."""
    further = cluster.add_node()
    try:
        further.node.load_archive(archive)
        assert run_to_its_end(cluster, "first", "print(1)", on=further.name) == "1"
        further.cut()
        assert not further.answers()
        further.die()
        further.mend()
        further.boot()
        assert further.answers()
        assert run_to_its_end(cluster, "second", "print(2)", on=further.name) == "2"
    finally:
        further.remove()
        cluster.kubectl("delete", "node", further.name)
    assert not further.node.folder.exists()
    assert not further.node.network.namespace_file.exists()
    assert run_to_its_end(cluster, "third", "print(3)") == "3"


def test_two_clusters_at_once_leave_nothing_behind(
    short_path: Path, archive: Path, own_slots: None
) -> None:
    """Clusters do not meet, and `stop` undoes all that `start` did."""
    both = [Cluster(short_path / name) for name in ("a", "b")]
    folders = fixed_folders()
    with ThreadPoolExecutor() as pool:
        try:
            list(pool.map(Cluster.start, both))
            taken = [one.node.network for one in both]
            list(pool.map(lambda one: one.load_archive(archive), both))
            said = pool.map(lambda one: run_to_its_end(one, "twin", "print(1)"), both)
            assert list(said) == ["1", "1"]
        finally:
            list(pool.map(lambda one: Cluster.attach(one.state).stop(), both))
    assert list(short_path.iterdir()) == []
    assert traces_of(str(short_path)) == []
    assert fixed_folders() == folders
    # Not Path.glob, which fails when another's group goes while it looks.
    groups = [name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names]
    for one in taken:
        assert not one.namespace_file.exists()
        assert not Path("/sys/class/net", one.host_link).exists()
        assert one.namespace not in groups


def test_a_failed_start_leaves_only_logs(tmp_path: Path, archive: Path) -> None:
    """Whoever looks for the reason finds the logs, and nothing else remains."""
    wrong = Cluster(tmp_path / "c", Options(node=False, apiserver_args=("--no-such-flag",)))
    with pytest.raises(LocalkubeError, match="no-such-flag"):
        wrong.start()
    assert [entry.name for entry in (tmp_path / "c").iterdir()] == ["logs"]
    assert traces_of(str(tmp_path)) == []


def traces_of(folder: str) -> list[str]:
    """Return the processes and mounts of the machine that name a folder."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines.append((process / "cmdline").read_text(errors="replace").replace("\0", " "))
    return [line for line in lines if folder in line]


def fixed_folders() -> list[Path]:
    """Return what exists at the paths that Kubernetes and containerd use unless told otherwise."""
    usual = ("/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/opt/containerd")
    return [Path(path) for path in (*usual, "/run/containerd", "/etc/cni") if Path(path).exists()]
