"""The node: containerd, kubelet, kube-proxy and CoreDNS, in a network and mounts of their own.

The programs see private /run, /var/lib and /var/log, so that nothing they write at fixed paths
meets another cluster or stays behind; their mounts vanish with the last of them.
"""

import json
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localkube.apt import NODE_PACKAGES, ensure_packages
from localkube.cgroups import ControlGroup
from localkube.controlplane import ControlPlane
from localkube.errors import LocalkubeError
from localkube.network import Network
from localkube.nodeconfig import (
    FURTHER_TAINT,
    NODE_NAME,
    cni_config,
    containerd_config,
    coredns_config,
    kubelet_config,
)
from localkube.pause import pause_archive
from localkube.processes import Process
from localkube.readiness import wait_for_http, wait_for_node, wait_until

# A Unix socket's path holds at most 107 characters, and containerd adds some of its own.
_LONGEST_STATE_PATH = 70


@dataclass(frozen=True, slots=True)
class Node:
    """The node of one cluster, and how its programs are started."""

    plane: ControlPlane
    network: Network
    suffix: str = ""
    """Tells a further node's name and files from those of the first."""

    @property
    def name(self) -> str:
        """Return the Node object's name."""
        return NODE_NAME + self.suffix

    @property
    def folder(self) -> Path:
        """Return the node's part of the state folder."""
        return self.plane.state / f"node{self.suffix}"

    @property
    def socket(self) -> Path:
        """Return containerd's socket."""
        return self.folder / "containerd.sock"

    @property
    def cgroup(self) -> ControlGroup:
        """Return the control group that holds the node's programs and all pods."""
        return ControlGroup(self.network.namespace)

    @staticmethod
    def check_machine(state: Path) -> None:
        """Raise LocalkubeError early where a node cannot work."""
        ensure_packages(NODE_PACKAGES)
        place = str(state.resolve())
        if len(place) > _LONGEST_STATE_PATH:
            raise LocalkubeError(f"{place} is too long for sockets: choose a shorter state folder")
        if place.startswith("/run/"):
            raise LocalkubeError("the state folder cannot be below /run, which the node hides")

    def prepare(self) -> None:
        """Write the configuration of every program of the node."""
        for name in ("log", "kubelet", "cni", "pods-log"):
            (self.folder / name).mkdir(parents=True)
        self.cgroup.create()
        plane, address = self.plane, self.network.node_address
        served = [f"IP:{address}", f"DNS:{self.name}"]
        plane.authority.issue(f"kubelet-server{self.suffix}", user=self.name, addresses=served)
        user = f"system:node:{self.name}"
        plane.issue_kubeconfig(f"kubelet{self.suffix}", user=user, groups=["system:nodes"])
        plane.issue_kubeconfig(f"kube-proxy{self.suffix}", user="system:kube-proxy")
        # Kubernetes ships a role for the DNS server's service account only, none for a user.
        coredns = f"coredns{self.suffix}"
        plane.issue_kubeconfig(coredns, user="localkube-dns", groups=["system:masters"])
        (self.folder / "resolv.conf").write_text("")
        (self.folder / "containerd.toml").write_text(containerd_config(self.folder))
        (self.folder / "cni" / "10-localkube.conflist").write_text(
            json.dumps(cni_config(self.network, self.folder))
        )
        key_pair = plane.authority.folder / f"kubelet-server{self.suffix}"
        config = dict(kubelet_config(plane, self.network, self.folder, key_pair=key_pair))
        if self.suffix:
            config["registerWithTaints"] = [FURTHER_TAINT]
        (self.folder / "kubelet.json").write_text(json.dumps(config, indent=2))
        (self.folder / "Corefile").write_text(
            coredns_config(self.network, plane.state / f"{coredns}.kubeconfig")
        )

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the programs with their command lines, in the order in which they start."""
        path = self.plane.binaries.path
        state = self.plane.state
        yield "mounts", self._mounts()
        yield (
            "containerd",
            self._inside("containerd", f"--config={self.folder / 'containerd.toml'}"),
        )
        yield "coredns", self._inside(str(path("coredns")), f"-conf={self.folder / 'Corefile'}")
        yield (
            "kubelet",
            self._inside(
                str(path("kubelet")),
                f"--config={self.folder / 'kubelet.json'}",
                f"--kubeconfig={state / f'kubelet{self.suffix}.kubeconfig'}",
                f"--root-dir={self.folder / 'kubelet'}",
                f"--hostname-override={self.name}",
                f"--node-ip={self.network.node_address}",
            ),
        )
        # The last: it ends when a node that it has waited for in vain appears after all.
        yield (
            "kube-proxy",
            self._inside(
                str(path("kube-proxy")),
                f"--kubeconfig={state / f'kube-proxy{self.suffix}.kubeconfig'}",
                "--proxy-mode=iptables",
                f"--hostname-override={self.name}",
                f"--cluster-cidr={self.network.pods}",
                # These sysctls belong to the host and cannot be set from the node's namespace.
                *("--conntrack-max-per-core=0", "--conntrack-min=0"),
                *("--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0"),
                "--iptables-min-sync-period=100ms",
                "--oom-score-adj=0",
                *self.plane.feature_gates(),
            ),
        )

    def wait_until_usable(self, name: str, process: Process) -> None:
        """Wait for what the next program, or a caller, needs of this one."""
        if name == "mounts":
            ready = self.folder / "mounts-are-made"
            wait_until(ready.exists, "making the node's mounts", process)
        elif name == "containerd":
            wait_until(self._containerd_answers, "waiting for containerd", process)
            self.load_archive(pause_archive())
        elif name == "coredns":
            wait_for_http(f"http://{self.network.node_address}:8181/ready", process)
        elif name == "kubelet":
            wait_for_node(self.plane, process, name=self.name)

    def load_archive(self, archive: Path) -> None:
        """Import an image archive. Raises LocalkubeError with containerd's words."""
        done = self._ctr("images", "import", str(archive))
        if done.returncode:
            raise LocalkubeError(f"containerd does not take {archive}: {done.stderr.strip()}")

    def _containerd_answers(self) -> bool:
        return self.socket.exists() and self._ctr("version").returncode == 0

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        base = ["ctr", f"--address={self.socket}", "--namespace=k8s.io"]
        return subprocess.run([*base, *arguments], capture_output=True, text=True, check=False)

    def _mounts(self) -> list[str]:
        """Return the command that holds the private mounts, which the others join."""
        folder = self.folder
        lines = [
            "set -e",
            "mount -t tmpfs tmpfs /run",
            f"mount --bind {shlex.quote(str(folder / 'log'))} /var/log",
        ]
        needed = (str(self.plane.state), str(self.plane.binaries.folder))
        if not any(place.startswith("/var/lib/") for place in needed):
            lines.append("mount -t tmpfs tmpfs /var/lib")
        lines += [
            f"echo $$ > {shlex.quote(str(folder / 'mounts.pid'))}",
            f"touch {shlex.quote(str(folder / 'mounts-are-made'))}",
            "exec sleep infinity",
        ]
        isolate = ["nsenter", f"--net={self.network.namespace_file}", "unshare", "--mount"]
        return self._in_cgroup([*isolate, "sh", "-c", "\n".join(lines)])

    def _inside(self, *argv: str) -> list[str]:
        holder = f'"$(cat {shlex.quote(str(self.folder / "mounts.pid"))})"'
        enter = f"exec nsenter --target {holder} --mount --net -- {shlex.join(argv)}"
        return self._in_cgroup(["sh", "-c", enter])

    def _in_cgroup(self, argv: list[str]) -> list[str]:
        join = f"echo $$ > {shlex.quote(str(self.cgroup.daemons / 'cgroup.procs'))}"
        return ["sh", "-c", f"{join} && exec {shlex.join(argv)}"]
