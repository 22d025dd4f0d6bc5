"""A control plane, the operator as a process with the rights of its chart, and what tests ask."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from localkube import Cluster

REPOSITORY = Path(__file__).parents[3]
ACCOUNT = "system:serviceaccount:dbalias-system:dbalias"
WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})

Body = dict[str, Any]


def wait_until(probe: Callable[[], Any], *, seconds: float = 30, what: str = "") -> Any:
    """Return the first true answer of the probe; fail when none comes in time."""
    give_up = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {seconds:.0f} s: {what or probe}")
        time.sleep(0.2)


@dataclass(slots=True)
class Operator:
    """``dbalias run`` as a process of this machine."""

    arguments: tuple[str, ...]
    kubeconfig: Path
    log: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Operator:
        """Start it; it may take seconds until the Lease is its own."""
        self.port = free_port()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    Path(sys.executable).parent / "dbalias",
                    "run",
                    *self.arguments,
                    "--lease-namespace=dbalias-system",
                    f"--http-port={self.port}",
                ],
                env=os.environ | {"KUBECONFIG": str(self.kubeconfig)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the running process."""
        assert self._process is not None, "the operator has not been started"
        return self._process

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it without warning, as a lost node would."""
        return self._end(signal.SIGKILL)

    def resident_mebibytes(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def _end(self, number: int) -> int:
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.send_signal(number)
        return self._process.wait(30)


@dataclass(slots=True)
class Workbench:
    """One cluster, with helpers that read like what a test wants to know."""

    cluster: Cluster
    scratch: Path
    operators: list[Operator] = field(default_factory=list)
    _count: int = 0

    def install(self) -> None:
        """Install CRDs and RBAC as the plain manifests have them, without the Deployment."""
        self.kubectl("create", "namespace", "dbalias-system")
        self.install_crds()
        documents = yaml.safe_load_all((REPOSITORY / "manifests/install.yaml").read_text())
        wanted = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
        rights = [one for one in documents if one and one["kind"] in wanted]
        self.apply(rights, namespace="dbalias-system")

    def install_crds(self) -> None:
        """Create the CRDs and wait until they are served."""
        self.kubectl("apply", "-f", str(REPOSITORY / "crds"))
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f",
                     str(REPOSITORY / "crds"))  # fmt: skip

    def operator(self, *arguments: str) -> Operator:
        """Return an operator (not started) that logs in as the chart's service account."""
        self._count += 1
        kubeconfig = self.scratch / f"operator-{self._count}.kubeconfig"
        kubeconfig.write_text(json.dumps(self._account_kubeconfig()))
        log = self.scratch / f"operator-{self._count}.log"
        operator = Operator(arguments or ("--all-namespaces",), kubeconfig, log)
        self.operators.append(operator)
        return operator

    def _account_kubeconfig(self) -> Body:
        config: Body = json.loads(self.cluster.kubeconfig.read_text())
        asked = ("create", "token", "dbalias", "-n", "dbalias-system", "--duration=4h")
        token = self.kubectl(*asked).strip()
        config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
        return config

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """Return what kubectl printed."""
        done = self.cluster.kubectl(*arguments, input=text, check=check)
        return done.stdout + ("" if check else done.stderr)

    def namespace(self, name: str) -> Space:
        """Create a namespace and return it."""
        self.kubectl("create", "namespace", name)
        return Space(self, name)

    def apply(self, bodies: Iterable[Body], *, namespace: str) -> None:
        """Apply objects in one go."""
        self.kubectl("apply", "-n", namespace, "-f", "-", text=yaml.safe_dump_all(bodies))

    def writes(self, *, since: int = 0) -> list[tuple[str, str, str]]:
        """Return the operator's writes from the audit log: verb, resource, name; no Leases."""
        found = []
        for line in self.cluster.audit_log.read_text().splitlines()[since:]:
            event = json.loads(line)
            what = event.get("objectRef") or {}
            mine = event["user"]["username"] == ACCOUNT and event["verb"] in WRITING
            if mine and what.get("resource") != "leases":
                found.append((event["verb"], what.get("resource", ""), what.get("name", "")))
        return found

    def mark(self) -> int:
        """Return a place in the audit log: how many lines it has now."""
        return len(self.cluster.audit_log.read_text().splitlines())


@dataclass(frozen=True, slots=True)
class Space:
    """One namespace."""

    bench: Workbench
    name: str

    def apply(self, *bodies: Body) -> None:
        """Apply objects."""
        self.bench.apply(bodies, namespace=self.name)

    def get(self, kind: str, name: str) -> Body | None:
        """Return an object, None when there is none."""
        text = self.bench.kubectl(
            "get", kind, name, "-n", self.name, "-o", "json", "--ignore-not-found"
        )
        return json.loads(text) if text.strip() else None

    def all(self, kind: str) -> list[Body]:
        """Return every object of a kind."""
        text = self.bench.kubectl("get", kind, "-n", self.name, "-o", "json")
        return list(json.loads(text)["items"])

    def delete(self, kind: str, name: str, *options: str) -> None:
        """Delete an object."""
        self.bench.kubectl("delete", kind, name, "-n", self.name, *options)

    def condition(self, kind: str, name: str, wanted: str = "Ready") -> Body:
        """Return one condition of an object, {} while it is not there."""
        body = self.get(kind, name) or {}
        listed = (body.get("status") or {}).get("conditions") or ()
        return next((c for c in listed if c["type"] == wanted), {})

    def wait_for(
        self, kind: str, name: str, *, reason: str, wanted: str = "Ready", seconds: float = 30
    ) -> Body:
        """Wait until a condition has this reason for the current generation; return it."""

        def probe() -> Body | None:
            body = self.get(kind, name) or {"metadata": {}}
            generation = body["metadata"].get("generation")
            listed = (body.get("status") or {}).get("conditions") or ()
            return next(
                (
                    c
                    for c in listed
                    if c["type"] == wanted
                    and c["reason"] == reason
                    and c["observedGeneration"] == generation
                ),
                None,
            )

        try:
            found: Body = wait_until(probe, seconds=seconds)
        except AssertionError as error:
            status = (self.get(kind, name) or {}).get("status")
            raise AssertionError(f"{kind}/{name} never {wanted}={reason}: {status}") from error
        return found

    def document(self, project: str = "shop") -> Body:
        """Return the published databases.json."""
        body = self.get("configmap", f"{project}-databases")
        assert body is not None, "nothing is published"
        return dict(json.loads(body["data"]["databases.json"]))

    def published(self, project: str = "shop") -> Body | None:
        """Return the published ConfigMap, None while there is none."""
        return self.get("configmap", f"{project}-databases")


@contextmanager
def running(operator: Operator) -> Iterator[Operator]:
    """Run an operator for a block, and end it after it."""
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
