"""A local cluster: its parts in the order they start, and everything undone when it stops."""

import atexit
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from localkube import binaries as programs
from localkube import registry
from localkube.binaries import Binaries, find_binaries
from localkube.controlplane import ControlPlane, Options
from localkube.database_process import clear_away
from localkube.errors import LocalkubeError
from localkube.further import FurtherNode, further_networks, remove_network
from localkube.network import Network, claim_network
from localkube.node import Node
from localkube.paths import cache_dir, write_whole
from localkube.ports import reserve_port
from localkube.processes import Process, load_processes
from localkube.progress import exclusive, step
from localkube.readiness import (
    wait_for_account,
    wait_for_api,
    wait_for_http,
    wait_for_node,
    wait_for_services,
)

_STOP_ORDER_LAST = ("kube-apiserver", "etcd")


@dataclass(slots=True)
class Cluster:
    """A Kubernetes cluster on this machine, its state in one folder.

    Use it as a context manager in tests: it is stopped and its folder removed at the end, also
    after Ctrl-C, SIGTERM or a failed start; what a killed run left is stopped by the next one.
    `start()` alone leaves it running until `stop()`, also from another process by `attach()`.
    """

    state: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="localkube-")))
    options: Options = field(default_factory=Options)
    processes: dict[str, Process] = field(default_factory=dict)
    _plane: ControlPlane | None = None
    _owned: bool = False

    def __enter__(self) -> Self:
        self._owned = True
        atexit.register(self.stop)
        _exit_on_sigterm()
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()

    @classmethod
    def attach(cls, state: Path) -> "Cluster":
        """Return the cluster whose state is in a folder. Raises LocalkubeError if there is none."""
        state = state.resolve()
        try:
            told = json.loads((state / "cluster.json").read_text())
        except FileNotFoundError as missing:
            raise LocalkubeError(f"no cluster in {state}") from missing
        network = Network(told["slot"]) if told["slot"] is not None else None
        options = Options(**told["options"])
        plane = ControlPlane(
            state=state,
            binaries=Binaries(Path(told["binaries"]), told["version"]),
            options=options,
            network=network,
            **told["ports"],
        )
        return cls(state, options, load_processes(state / "processes"), plane)

    def start(self) -> None:
        """Start every part and wait until it serves. Raises LocalkubeError, with all undone."""
        sweep()
        self.state = self.state.resolve()
        if (self.state / "cluster.json").exists():
            raise LocalkubeError(f"a cluster is in {self.state} already: stop it first")
        wanted: tuple[str, ...] = programs.CONTROL_PLANE
        if self.options.controllers:
            wanted += programs.CONTROLLERS
        if self.options.node:
            wanted += programs.NODE
            Node.check_machine(self.state)
        found = find_binaries(*wanted, version=self.options.version)
        try:
            self._plane = self._lay_out(found)
            with step(f"starting Kubernetes {found.version} in {self.state}"):
                self._start_control_plane()
            if self.options.node:
                with step("starting its node"):
                    self._start_node()
        except BaseException:
            self.stop(keep_logs=True)
            raise

    def stop(self, *, keep_logs: bool = False) -> None:
        """End everything this cluster started and remove its folder, but the logs on demand."""
        atexit.unregister(self.stop)
        names = [name for name in self.processes if name not in _STOP_ORDER_LAST]
        for name in [*names, *_STOP_ORDER_LAST]:
            if name in self.processes:
                self.processes[name].kill()
        self.processes.clear()
        network = self._plane.network if self._plane else None
        for each in [*further_networks(self.state), *([network] if network else [])]:
            remove_network(each)
        if keep_logs:
            _remove_all_but_logs(self.state)
        else:
            shutil.rmtree(self.state, ignore_errors=True)
        registry.forget(self.state)

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self._started.kubeconfig

    @property
    def audit_log(self) -> Path:
        """Return the audit log: one JSON event a line, with user, verb and object."""
        return self._started.audit_log

    @property
    def url(self) -> str:
        """Return the apiserver's address."""
        return self._started.url

    @property
    def version(self) -> str:
        """Return the Kubernetes version that runs."""
        return self._started.binaries.version

    @property
    def host_address(self) -> str:
        """Return this machine's address as pods see it; loopback where there is no node."""
        return self._started.address

    @property
    def node_address(self) -> str:
        """Return the node's address, from which pods' connections to the host come."""
        return self.node.network.node_address

    @property
    def node(self) -> Node:
        """Return the node. Raises LocalkubeError for a cluster without one."""
        if self._started.network is None:
            raise LocalkubeError("this cluster has no node")
        return Node(self._started, self._started.network)

    def add_node(self) -> FurtherNode:
        """Start another node and wait until it takes pods; its `remove` undoes that."""
        return FurtherNode.start(self._started)

    def binary(self, name: str) -> Path:
        """Return the path of one of the cluster's programs, such as kubectl or helm."""
        return self._started.binaries.path(name)

    def kubectl(
        self, *arguments: str, input: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator, its output captured.

        Raises LocalkubeError with kubectl's own words when it fails and `check` is set.
        """
        done = subprocess.run(
            [self.binary("kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise LocalkubeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def wait_until_ready(self) -> None:
        """Wait until the apiserver answers and the node, if any, takes pods that reach it."""
        wait_for_api(self._started, self.processes["kube-apiserver"])
        if self.options.node:
            wait_for_node(self._started, self.processes["kubelet"], name=self.node.name)
            wait_for_services(self._started, self.processes["kube-proxy"])

    def load_archive(self, archive: Path) -> None:
        """Give the node the images of an archive, as `images.build_image` returns."""
        self.node.load_archive(archive)

    @property
    def _started(self) -> ControlPlane:
        if self._plane is None:
            raise LocalkubeError("the cluster has not been started")
        return self._plane

    def _lay_out(self, found: Binaries) -> ControlPlane:
        self.state.mkdir(parents=True, exist_ok=True)
        # The folders' versions may differ from what was asked (KUBEBUILDER_ASSETS).
        self.options = replace(self.options, version=found.version)
        registry.register(self.state, owned=self._owned)
        network = claim_network() if self.options.node else None
        etcd, peer, api = reserve_port(), reserve_port(), reserve_port()
        ports = {"etcd_port": etcd, "etcd_peer_port": peer, "api_port": api}
        told = {
            "version": found.version,
            "binaries": str(found.folder),
            "slot": network.slot if network else None,
            "ports": ports,
            "options": asdict(self.options),
        }
        write_whole(self.state / "cluster.json", json.dumps(told, indent=2))
        return ControlPlane(self.state, found, self.options, network, **ports)

    def _start_control_plane(self) -> None:
        plane = self._started
        if plane.network:
            plane.network.create()
        plane.prepare()
        self._run("etcd", plane.etcd())
        wait_for_http(f"http://127.0.0.1:{plane.etcd_port}/readyz", self.processes["etcd"])
        self._run("kube-apiserver", plane.apiserver())
        wait_for_api(plane, self.processes["kube-apiserver"])
        if self.options.controllers:
            self._run("kube-controller-manager", plane.controller_manager())
            self._run("kube-scheduler", plane.scheduler())
            wait_for_account(plane, self.processes["kube-controller-manager"])

    def _start_node(self) -> None:
        node = self.node
        node.prepare()
        for name, argv in node.commands():
            self._run(name, argv)
            node.wait_until_usable(name, self.processes[name])
        self.wait_until_ready()

    def _run(self, name: str, argv: Sequence[str]) -> None:
        # The number keeps the order of the start for whoever reads the records later.
        record = self.state / "processes" / f"{len(self.processes):02}-{name}.json"
        process = Process(name, argv, record, self.state / "logs" / f"{name}.log")
        self.processes[name] = process
        process.start()


def sweep() -> list[Path]:
    """Stop clusters and database servers whose test run is gone; return their state folders."""
    stopped = []
    with exclusive(cache_dir() / "sweep.lock"):
        for state in registry.strays():
            if (state / "cluster.json").exists():
                Cluster.attach(state).stop()
            clear_away(state)
            registry.forget(state)
            stopped.append(state)
    return stopped


def _remove_all_but_logs(state: Path) -> None:
    for entry in state.iterdir() if state.exists() else ():
        if entry.name in ("logs", "audit.log"):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def _exit_on_sigterm() -> None:
    # By default SIGTERM ends Python without running `finally` or atexit.
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
