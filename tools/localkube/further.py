"""Further nodes of a cluster, for tests that lose one.

Each is a whole node: network, mounts and control group of its own. A file in the cluster's state
folder says which there are, so that whoever stops the cluster finds them, in whichever process
they were added.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from localkube.cgroups import ControlGroup
from localkube.controlplane import ControlPlane
from localkube.network import Network, claim_network
from localkube.node import Node
from localkube.processes import Process
from localkube.readiness import listens, wait_for_node, wait_until

_FOLDER = "further-nodes"
_SILENCE = (("PREROUTING", "-i"), ("OUTPUT", "-o"))
"""Chains that every packet meets first, and which way; the node's own talk with itself goes on."""


@dataclass(frozen=True, slots=True)
class FurtherNode:
    """A node beside the first one, with its programs in the order in which they start."""

    node: Node
    processes: tuple[Process, ...]

    @classmethod
    def start(cls, plane: ControlPlane) -> Self:
        """Start a node and wait until it takes pods."""
        network = claim_network()
        told = plane.state / _FOLDER
        told.mkdir(exist_ok=True)
        (told / str(network.slot)).touch()
        network.create()
        node = Node(plane, network, suffix=f"-{network.slot}")
        node.prepare()
        processes = []
        for name, argv in node.commands():
            log = plane.state / "logs" / f"{name}{node.suffix}.log"
            process = Process(name, argv, node.folder / "processes" / f"{name}.json", log)
            process.start()
            node.wait_until_usable(name, process)
            processes.append(process)
        further = cls(node, tuple(processes))
        further.wait_until_ready()
        return further

    @property
    def name(self) -> str:
        """Return the Node object's name."""
        return self.node.name

    def wait_until_ready(self) -> None:
        """Wait until it takes pods."""
        # The Node object may still say Ready of a node that has died since.
        [kubelet] = [one for one in self.processes if one.name == "kubelet"]
        wait_until(self.answers, f"waiting for the kubelet of {self.name}", kubelet)
        wait_for_node(self.node.plane, kubelet, name=self.name)

    def answers(self) -> bool:
        """Return whether its kubelet takes a connection."""
        return listens(self.node.network.node_address, 10250)

    def cut(self) -> None:
        """Drop every packet from and to the node, without a word to either side."""
        self._silence("-I")

    def mend(self) -> None:
        """Undo `cut`."""
        self._silence("-D")

    def die(self) -> None:
        """End everything that runs on the node, as a loss of power does."""
        self.node.cgroup.kill()
        for process in self.processes:
            process.wait_gone()

    def boot(self) -> None:
        """Start the programs of a node that died, and wait until it takes pods."""
        (self.node.folder / "mounts-are-made").unlink(missing_ok=True)
        for process in self.processes:
            process.start()
            self.node.wait_until_usable(process.name, process)
        self.wait_until_ready()

    def remove(self) -> None:
        """End the node and remove what belongs to it on this machine; its Node object stays."""
        remove_network(self.node.network)
        shutil.rmtree(self.node.folder, ignore_errors=True)
        (self.node.plane.state / _FOLDER / str(self.node.network.slot)).unlink(missing_ok=True)

    def _silence(self, verb: str) -> None:
        iptables = ["nsenter", f"--net={self.node.network.namespace_file}", "iptables"]
        for chain, way in _SILENCE:
            rule = ["--wait", "-t", "raw", verb, chain, "!", way, "lo", "-j", "DROP"]
            subprocess.run([*iptables, *rule], check=True, capture_output=True)


def further_networks(state: Path) -> Iterator[Network]:
    """Yield the networks of a cluster's further nodes."""
    for told in sorted((state / _FOLDER).glob("*")):
        yield Network(int(told.name))


def remove_network(network: Network) -> None:
    """End a node's processes, and remove its control group and its network."""
    group = ControlGroup(network.namespace)
    group.kill()
    group.remove()
    network.remove()
