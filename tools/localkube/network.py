"""A network of its own for each cluster's node: a network namespace joined to the host by a veth.

Bridges, iptables rules and kube-proxy's chains live in that namespace and vanish with it. The
host reaches pods and Services by routes through the link; pods reach the host at `host_address`.
"""

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from localkube.errors import LocalkubeError

_SLOTS = range(1, 200)


@dataclass(frozen=True, slots=True)
class Network:
    """The names and address ranges that follow from a slot number."""

    slot: int

    @property
    def namespace(self) -> str:
        """Return the name of the network namespace; the control group has it too."""
        return f"dbalias-{self.slot}"

    @property
    def namespace_file(self) -> Path:
        """Return the file by which the namespace is entered."""
        return Path("/run/netns") / self.namespace

    @property
    def host_link(self) -> str:
        """Return the name of the link's end on the host."""
        return f"dbalias{self.slot}"

    @property
    def link(self) -> str:
        """Return the address range of the link."""
        return f"10.203.{self.slot}.0/24"

    @property
    def host_address(self) -> str:
        """Return the host's address on the link: what pods can reach."""
        return f"10.203.{self.slot}.1"

    @property
    def node_address(self) -> str:
        """Return the node's address."""
        return f"10.203.{self.slot}.2"

    @property
    def pods(self) -> str:
        """Return the address range of pods."""
        return f"10.204.{self.slot}.0/24"

    @property
    def services(self) -> str:
        """Return the address range of Services."""
        return f"10.205.{self.slot}.0/24"

    @property
    def first_service(self) -> str:
        """Return the address of the Service `kubernetes`."""
        return f"10.205.{self.slot}.1"

    def create(self) -> None:
        """Join the claimed namespace to the host."""
        inner = "node0"
        _ip("link", "add", self.host_link, "type", "veth", "peer", inner, "netns", self.namespace)
        _ip("address", "add", f"{self.host_address}/24", "dev", self.host_link)
        _ip("link", "set", self.host_link, "up")
        inside = ("-n", self.namespace)
        _ip(*inside, "address", "add", f"{self.node_address}/24", "dev", inner)
        _ip(*inside, "link", "set", inner, "up")
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "route", "add", "default", "via", self.host_address)
        for reached in (self.pods, self.services):
            _ip("route", "add", reached, "via", self.node_address)
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        _run("nsenter", f"--net={self.namespace_file}", "sh", "-c", forward)

    def remove(self) -> None:
        """Remove the link (routes go with it) and the namespace, as far as they are there."""
        if Path("/sys/class/net", self.host_link).exists():
            _ip("link", "delete", self.host_link)
        if self.namespace_file.exists():
            _ip("netns", "delete", self.namespace)


def claim_network() -> Network:
    """Take a slot that is nobody's, by making its namespace, which succeeds only once."""
    routes = _routes()
    for slot in _SLOTS:
        network = Network(slot)
        ranges = [
            ipaddress.ip_network(text) for text in (network.link, network.pods, network.services)
        ]
        if any(wanted.overlaps(route) for wanted in ranges for route in routes):
            continue
        added = subprocess.run(
            ["ip", "netns", "add", network.namespace], capture_output=True, text=True, check=False
        )
        if added.returncode == 0:
            return network
        if "exists" not in added.stderr:
            raise LocalkubeError(
                f"cannot make a network namespace ({added.stderr.strip()}); a node needs root. "
                "Use a cluster of kind, minikube or k3d by $KUBECONFIG instead."
            )
    raise LocalkubeError(
        "all local cluster slots are taken: `python -m localkube sweep` frees them"
    )


def _routes() -> list[ipaddress.IPv4Network]:
    told = json.loads(_run("ip", "-j", "-4", "route", "show"))
    return [
        ipaddress.IPv4Network(route["dst"], strict=False)
        for route in told
        if route["dst"] != "default"
    ]


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalkubeError(f"`{' '.join(argv)}` failed: {done.stderr.strip()}")
    return done.stdout
