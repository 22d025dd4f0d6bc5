"""The control plane: etcd, kube-apiserver, kube-controller-manager and kube-scheduler as processes.

Argument lists are built here without any effect; `cluster` starts them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localkube.binaries import Binaries
from localkube.certificates import Authority, KeyPair
from localkube.network import Network

_SERVICES_WITHOUT_NODE = "10.96.0.0/16"
_FIRST_SERVICE_WITHOUT_NODE = "10.96.0.1"

_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may choose about a cluster."""

    node: bool = True
    controllers: bool = True
    version: str | None = None
    apiserver_args: Sequence[str] = ()
    feature_gates: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Where the control plane listens and keeps its files."""

    state: Path
    binaries: Binaries
    options: Options
    network: Network | None
    etcd_port: int
    etcd_peer_port: int
    api_port: int

    @property
    def authority(self) -> Authority:
        """Return the cluster's certificate authority."""
        return Authority(self.state / "pki")

    @property
    def address(self) -> str:
        """Return the address the apiserver listens on."""
        return self.network.host_address if self.network else "127.0.0.1"

    @property
    def url(self) -> str:
        """Return the apiserver's address for clients on the host."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Return the audit log: one JSON event a line, level Metadata."""
        return self.state / "audit.log"

    def prepare(self) -> None:
        """Write certificates, kubeconfigs and the audit policy."""
        authority = self.authority
        authority.create()
        first = self.network.first_service if self.network else _FIRST_SERVICE_WITHOUT_NODE
        authority.issue(
            "apiserver",
            user="kube-apiserver",
            addresses=[
                *("DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default"),
                *("DNS:kubernetes.default.svc", "DNS:kubernetes.default.svc.cluster.local"),
                *("IP:127.0.0.1", f"IP:{self.address}", f"IP:{first}"),
            ],
        )
        authority.create_signing_key("service-accounts")
        admin = authority.issue("admin", user="localkube-admin", groups=["system:masters"])
        authority.write_kubeconfig(self.kubeconfig, server=self.url, client=admin)
        if self.options.controllers:
            for name in ("kube-controller-manager", "kube-scheduler"):
                self.issue_kubeconfig(name, user=f"system:{name}")
        (self.state / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))

    def issue_kubeconfig(self, name: str, *, user: str, groups: Sequence[str] = ()) -> KeyPair:
        """Issue a client certificate and write `<name>.kubeconfig` into the state folder."""
        pair = self.authority.issue(name, user=user, groups=groups)
        path = self.state / f"{name}.kubeconfig"
        self.authority.write_kubeconfig(path, server=self.url, client=pair)
        return pair

    def etcd(self) -> list[str]:
        """Return etcd's command line."""
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.etcd_peer_port}"
        return [
            str(self.binaries.path("etcd")),
            f"--data-dir={self.state / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def apiserver(self) -> list[str]:
        """Return kube-apiserver's command line; the caller's own arguments come last and win."""
        pki = self.authority.folder
        services = self.network.services if self.network else _SERVICES_WITHOUT_NODE
        # Without a node nobody follows the Service `kubernetes`, and a loopback address is not
        # allowed among its endpoints.
        endpoints = "lease" if self.network else "none"
        return [
            str(self.binaries.path("kube-apiserver")),
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.api_port}",
            f"--endpoint-reconciler-type={endpoints}",
            f"--service-cluster-ip-range={services}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'admin.crt'}",
            f"--kubelet-client-key={pki / 'admin.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'service-accounts.pub'}",
            f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            f"--audit-policy-file={self.state / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            # Tests count requests in one file: do not start another.
            "--audit-log-maxsize=10000",
            *self.feature_gates(),
            *self.options.apiserver_args,
        ]

    def controller_manager(self) -> list[str]:
        """Return kube-controller-manager's command line."""
        pki = self.authority.folder
        return [
            *self._controller("kube-controller-manager"),
            f"--service-account-private-key-file={pki / 'service-accounts.key'}",
            f"--root-ca-file={pki / 'ca.crt'}",
            "--use-service-account-credentials",
        ]

    def scheduler(self) -> list[str]:
        """Return kube-scheduler's command line."""
        return self._controller("kube-scheduler")

    def feature_gates(self) -> list[str]:
        """Return the flag that every program takes, if any gate was chosen."""
        gates = ",".join(f"{name}={value}" for name, value in self.options.feature_gates.items())
        return [f"--feature-gates={gates}"] if gates else []

    def _controller(self, name: str) -> list[str]:
        config = self.state / f"{name}.kubeconfig"
        return [
            str(self.binaries.path(name)),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--leader-elect=false",
            # No listener, no port to collide on.
            "--secure-port=0",
            # The defaults (20 or 50 a second) would be what tests of many objects measure.
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            *self.feature_gates(),
        ]
