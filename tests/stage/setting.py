"""What there is on the stage, how it is set up, and how another process finds it."""

import contextlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from localkube import Cluster, LocalkubeError
from localkube.databases import MariaDBServer, PostgresServer
from localkube.images import BASE_IMAGE, archive_of
from stage.images import OPERATOR_REPOSITORY, OPERATOR_TAG, ROOT, build_images

OPERATOR_NAMESPACE = "dbalias-system"
OPERATOR = "dbalias"
OPERATOR_ACCOUNT = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A cluster whose pods reach both servers at `cluster.host_address`."""

    cluster: Cluster
    postgres: PostgresServer
    mariadb: MariaDBServer

    @property
    def kubelet_lock(self) -> Path:
        """What is held by those who kill the kubelet, and shared by those who need it meanwhile."""
        return self.cluster.state / "kubelet.lock"

    def coordinates(self) -> dict[str, str]:
        """Return what `attach` needs, as JSON takes it."""
        return {
            "cluster": str(self.cluster.state),
            "postgres": str(self.postgres.directory),
            "mariadb": str(self.mariadb.directory),
        }

    @classmethod
    def attach(cls, coordinates: dict[str, str]) -> "Setting":
        """Return the stage that another process has set up."""
        return cls(
            Cluster.attach(Path(coordinates["cluster"])),
            PostgresServer.attach(Path(coordinates["postgres"])),
            MariaDBServer.attach(Path(coordinates["mariadb"])),
        )


@contextlib.contextmanager
def set_up(folder: Path) -> Iterator[Setting]:
    """Build the images, start cluster and servers, install the chart; undo all at the end.

    `folder` takes the servers' logs.
    """
    archives = [*build_images(), archive_of(BASE_IMAGE)]
    with Cluster() as cluster, contextlib.ExitStack() as stack:
        listen = (cluster.host_address,)
        setting = Setting(
            cluster,
            PostgresServer(folder / "postgres", listen=listen),
            MariaDBServer(folder / "mariadb", listen=listen),
        )
        stack.callback(setting.postgres.close)
        stack.callback(setting.mariadb.close)
        with ThreadPoolExecutor(2) as pool:
            servers = pool.map(lambda server: server.start(), (setting.postgres, setting.mariadb))
            for archive in archives:
                cluster.load_archive(archive)
            list(servers)
        install(cluster)
        yield setting


def install(cluster: Cluster) -> None:
    """Install the chart by Helm, for all namespaces, and wait until the operator is ready."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": OPERATOR_NAMESPACE,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    cluster.kubectl("apply", "-f", "-", input=str(namespace).replace("'", '"'))
    done = subprocess.run(
        [
            str(cluster.binary("helm")), f"--kubeconfig={cluster.kubeconfig}",
            "install", OPERATOR, str(ROOT / "charts" / "dbalias"),
            f"--namespace={OPERATOR_NAMESPACE}", "--wait", "--timeout=300s",
            f"--set=image.repository={OPERATOR_REPOSITORY}", f"--set=image.tag={OPERATOR_TAG}",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        log = cluster.kubectl(
            "logs", f"deploy/{OPERATOR}", f"-n={OPERATOR_NAMESPACE}", "--tail=40", check=False
        )
        raise LocalkubeError(f"helm install: {done.stderr.strip()}\n{log.stdout}{log.stderr}")
