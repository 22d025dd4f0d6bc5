"""A cluster of this machine: Kubernetes from localkube, the databases as processes beside it."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.errors import DemoError
from demo.guides import DEFAULT_PORTS, Guide, Login, Manifest
from demo.images import Image, ImageSource
from demo.programs import Kube, find_program
from localkube import Cluster, LocalkubeError, ensure_packages
from localkube.apt import IMAGE_PACKAGES, NODE_PACKAGES, missing_packages
from localkube.database_process import DatabaseServer
from localkube.databases import MariaDBServer, PostgresServer
from localkube.images import archive_of, base_image, build_image
from localkube.paths import cache_dir

PACKAGES = (*NODE_PACKAGES, *IMAGE_PACKAGES, "postgresql", "mariadb-server")
OTHER_CLUSTERS = (
    "Any cluster of yours will do instead: `kind create cluster`, `minikube start` or "
    "`k3d cluster create` (Kubernetes 1.31 or later, with Docker or Podman), then\n"
    "  KUBECONFIG=~/.kube/config make demo"
)


@dataclass(slots=True)
class LocalVenue:
    """The demo's own cluster; its state and that of its databases lie in the cache folder."""

    cluster: Cluster | None = None

    @property
    def folder(self) -> Path:
        """Return the folder that `remove` deletes."""
        return cache_dir() / "demo"

    @property
    def state(self) -> Path:
        """Return the cluster's state folder."""
        return self.folder / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """Return where the cluster's kubeconfig is while it runs."""
        return self.state / "kubeconfig"

    def prepare(self) -> Kube:
        """Take the cluster that an earlier `up` left running, or start one."""
        check_machine()
        ensure_packages(PACKAGES)
        self.cluster = self._find_running()
        if self.cluster is None:
            self._close_databases()
            self.cluster = Cluster(self.state)
            self.cluster.start()
        return self._kube

    def bring_image(self, source: ImageSource) -> Image:
        """Build an image unless its archive is in the cache, and import it into the node."""
        image = source.named()
        archive = archive_of(image.reference)
        if not archive.exists():
            for old in archive.parent.glob(f"{source.name}-demo-*.tar"):
                old.unlink()
            base = {source.base_argument: base_image()}
            archive = build_image(source.context, image.reference, build_args=base)
        self._running.load_archive(archive)
        return image

    def start_databases(self, guide: Guide) -> None:
        """Start one process for each server that the guide names, and Services that lead to it."""
        address = self._running.host_address
        objects: list[Manifest] = []
        for host in dict.fromkeys(login.host for login in guide.logins()):
            logins = [login for login in guide.logins() if login.host == host]
            server = self._start_server(guide, logins)
            objects += services_of_process(logins[0], address=address, port=server.port)
        self._kube.apply(objects, f"--namespace={guide.namespace}")

    @contextlib.contextmanager
    def reach(self, guide: Guide, login: Login) -> Iterator[tuple[str, int]]:
        """Give the server's own address: it is a process of this machine."""
        server = server_class(login).attach(self._database_folder(guide, login))
        yield server.host, server.port

    def remove(self) -> None:
        """Stop the cluster and the databases, and delete their folders."""
        with contextlib.suppress(LocalkubeError):
            Cluster.attach(self.state).stop()
        self._close_databases()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _running(self) -> Cluster:
        if self.cluster is None:
            raise DemoError("the local cluster was not prepared")
        return self.cluster

    @property
    def _kube(self) -> Kube:
        return Kube(
            kubectl_program=self._running.binary("kubectl"),
            helm_program=find_program("helm"),
            kubeconfig=self._running.kubeconfig,
        )

    def _find_running(self) -> Cluster | None:
        try:
            found = Cluster.attach(self.state)
        except LocalkubeError:
            return None
        if found.processes and all(process.is_running for process in found.processes.values()):
            return found
        found.stop()
        return None

    def _database_folder(self, guide: Guide, login: Login) -> Path:
        kind = server_class(login).kind
        return self.folder / "databases" / kind / f"{guide.name}-{login.host}"

    def _start_server(self, guide: Guide, logins: Sequence[Login]) -> DatabaseServer:
        folder = self._database_folder(guide, logins[0])
        kind, complete = server_class(logins[0]), folder / "complete"
        if complete.exists():
            return kind.attach(folder).start()
        if (folder / "server.json").exists():
            kind.attach(folder).close()
        listen = ("127.0.0.1", self._running.host_address)
        server = kind(folder, listen=listen, stop_at_exit=False).start()
        for login in logins:
            if login.administers:
                server.create_administrator(login.user, login.password)
            else:
                server.create_database(login.database, login.user, login.password)
        complete.touch()
        return server

    def _close_databases(self) -> None:
        for kind in SERVERS:
            for record in (self.folder / "databases" / kind.kind).glob("*/server.json"):
                kind.attach(record.parent).close()
        shutil.rmtree(self.folder / "databases", ignore_errors=True)


SERVERS: tuple[type[DatabaseServer], ...] = (PostgresServer, MariaDBServer)


def server_class(login: Login) -> type[DatabaseServer]:
    """Return the kind of server that a login's engine needs."""
    return PostgresServer if login.engine == "postgresql" else MariaDBServer


def services_of_process(login: Login, *, address: str, port: int) -> list[Manifest]:
    """Return a Service, under the name that the aliases use, that leads out of the cluster."""
    name, listens = login.host, DEFAULT_PORTS[login.engine]
    metadata = {"name": name}
    slice_metadata = {"name": f"{name}-host", "labels": {"kubernetes.io/service-name": name}}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "db", "port": listens}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": slice_metadata,
            "addressType": "IPv4",
            "ports": [{"name": "db", "port": port}],
            "endpoints": [{"addresses": [address]}],
        },
    ]


def check_machine() -> None:
    """Say early, in one sentence, why a cluster cannot run on this machine."""
    missing = missing_packages(PACKAGES)
    if os.geteuid() == 0 and (not missing or shutil.which("apt-get")):
        return
    reasons = []
    if os.geteuid() != 0:
        reasons.append("it needs root (network namespaces, containerd): sudo make demo")
    if missing and not shutil.which("apt-get"):
        reasons.append("it is made of Debian packages, and there is no apt-get here")
    elif missing:
        reasons.append(f"these Debian packages are missing: {' '.join(missing)}")
    told = "\n".join(f"  - {reason}" for reason in reasons)
    raise DemoError(f"A local cluster cannot run here:\n{told}\n{OTHER_CLUSTERS}")
