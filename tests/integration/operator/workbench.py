"""A control plane with the rights of the chart, and what tests ask of it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from integration.operator.objects import alias, everything_to, policy, project, server
from integration.operator.operating import Operator, wait_until
from localkube import Cluster, Options
from rendering import CRDS, NAMESPACE, template
from stage.api import ApiServer, kind_of

ACCOUNT = f"system:serviceaccount:{NAMESPACE}:dbalias"
WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
RIGHTS = frozenset({"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the operator, from the audit log."""

    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    at: datetime


@dataclass(slots=True)
class Workbench:
    """One cluster, with what a test wants to know of it."""

    cluster: Cluster
    scratch: Path
    api: ApiServer
    """An administrator's client: a request costs a fiftieth of a kubectl's processor time."""
    operators: list[Operator] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def install(self) -> None:
        """Install CRDs and the rights of the chart's defaults, without the Deployment."""
        self.kubectl("create", "namespace", NAMESPACE)
        self.install_crds()
        self.grant()

    def install_crds(self) -> None:
        """Create the CRDs and wait until they are served."""
        self.kubectl("apply", "-f", str(CRDS))
        self.kubectl("wait", "--for=condition=Established", "--timeout=180s", "-f", str(CRDS))
        # Established is told before discovery knows the kinds and before they can be created.
        declared = [project(), alias("default"), policy("p", everything_to("x"))]
        tried = yaml.safe_dump_all([*declared, server("s", "postgresql", port=5432)])
        dry = ("apply", "-n", "default", "--dry-run=server", "-f", "-")
        wait_until(
            lambda: self.kubectl(*dry, text=tried, check=False).count("(server dry run)") == 4,
            what="all kinds can be created",
        )

    def grant(self, *values: str) -> None:
        """Give the operator's account what the chart gives it with these values."""
        rendered = yaml.load_all(template(values=values), Loader=yaml.CSafeLoader)
        rights = [one for one in rendered if one and one["kind"] in RIGHTS]
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(rights))

    def operator(self, *arguments: str) -> Operator:
        """Return an operator (not started) that logs in as the chart's service account."""
        number = next(self._numbers)
        kubeconfig = self.scratch / f"operator-{number}.kubeconfig"
        kubeconfig.write_text(json.dumps(self._account_kubeconfig()))
        log = self.scratch / f"operator-{number}.log"
        operator = Operator(arguments or ("--all-namespaces",), kubeconfig, log)
        self.operators.append(operator)
        return operator

    def _account_kubeconfig(self) -> Body:
        config: Body = json.loads(self.cluster.kubeconfig.read_text())
        token = self.kubectl("create", "token", "dbalias", "-n", NAMESPACE, "--duration=4h")
        config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token.strip()}}]
        return config

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """Return what kubectl printed."""
        done = self.cluster.kubectl(*arguments, input=text, check=check)
        return done.stdout + ("" if check else done.stderr)

    def client(self) -> ApiServer:
        """Return an administrator's client, which costs less than a kubectl for each request."""
        return ApiServer(self.cluster.kubeconfig)

    def namespace(self, name: str = "space") -> Space:
        """Create a namespace and return it; a number makes its name unique."""
        unique = f"{name}-{next(self._numbers)}"
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": unique}})
        return Space(self, unique)

    def apply(self, bodies: Iterable[Body], *, namespace: str) -> None:
        """Apply objects one after the other."""
        for body in bodies:
            self.api.apply(body | {"metadata": body["metadata"] | {"namespace": namespace}})

    def writes(self, *, since: int = 0) -> list[Request]:
        """Return the operator's writes from the audit log, Leases apart."""
        return [one for one in self._audited(since) if one.verb in WRITING]

    def reads(self, *, since: int = 0) -> list[Request]:
        """Return the operator's requests that changed nothing."""
        return [one for one in self._audited(since) if one.verb not in WRITING]

    def is_quiet(self, *, seconds: float = 5.0) -> bool:
        """Tell whether the operator wrote nothing for some seconds."""
        mark = self.mark()
        time.sleep(seconds)
        return not self.writes(since=mark)

    def mark(self) -> int:
        """Return a place in the audit log: how many bytes it has now."""
        return self.cluster.audit_log.stat().st_size

    def _audited(self, since: int) -> Iterator[Request]:
        with self.cluster.audit_log.open("rb") as log:
            log.seek(since)
            for line in log:
                if ACCOUNT.encode() not in line or not line.endswith(b"\n"):
                    continue
                event = json.loads(line)
                what, code = event.get("objectRef") or {}, event["responseStatus"]["code"]
                mine = event["user"]["username"] == ACCOUNT
                if mine and what.get("resource") != "leases":
                    yield Request(
                        event["verb"],
                        resource=what.get("resource", ""),
                        namespace=what.get("namespace", ""),
                        name=what.get("name", ""),
                        code=code,
                        at=datetime.fromisoformat(event["requestReceivedTimestamp"]),
                    )


@dataclass(frozen=True, slots=True)
class Space:
    """One namespace."""

    bench: Workbench
    name: str

    def apply(self, *bodies: Body) -> None:
        """Apply objects."""
        self.bench.apply(bodies, namespace=self.name)

    def patch(self, kind: str, name: str, **change: Any) -> None:
        """Merge-patch an object."""
        self.bench.api.merge(kind_of(kind), self.name, name, **change)

    def get(self, kind: str, name: str) -> Body | None:
        """Return an object, None when there is none."""
        found: Body | None = self.bench.api.get(kind_of(kind), self.name, name)
        return found

    def all(self, kind: str) -> list[Body]:
        """Return every object of a kind."""
        return self.bench.api.objects(kind_of(kind), self.name)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object that is there, and wait until it is gone."""
        uid = self._uid(kind, name)
        assert uid is not None, f"there is no {kind}/{name}"
        self.bench.api.delete(kind_of(kind), self.name, name)
        wait_until(lambda: self._uid(kind, name) != uid, what=f"{kind}/{name} gone")

    def _uid(self, kind: str, name: str) -> str | None:
        body = self.get(kind, name)
        return body["metadata"]["uid"] if body else None

    def condition(self, kind: str, name: str, wanted: str = "Ready") -> Body:
        """Return one condition of an object, {} while it is not there."""
        body = self.get(kind, name) or {}
        listed = (body.get("status") or {}).get("conditions") or ()
        return next((c for c in listed if c["type"] == wanted), {})

    def wait_for(
        self, kind: str, name: str, *, reason: str, wanted: str = "Ready", seconds: float = 120
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
def workbench(scratch: Path) -> Iterator[Workbench]:
    """Start a control plane for a block; what was started on it ends with it."""
    with Cluster(options=Options(node=False)) as cluster:
        bench = Workbench(cluster, scratch, ApiServer(cluster.kubeconfig))
        try:
            yield bench
        finally:
            for operator in bench.operators:
                operator.kill()
            bench.api.close()
