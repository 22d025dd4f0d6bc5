"""A workload that ``inject`` changed loads its settings where Pod Security is restricted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from localkube.certificates import Authority
from localkube.databases import PostgresServer
from stage.api import JSON
from stage.images import SHOP_1_4
from stage.objects import alias, project
from stage.play import Shop
from stage.setting import Setting
from unit.cli.workloads import container, restricted_pod, workload

USER = "shop_user"
RULES = "host all postgres all scram-sha-256\nhostssl all all all cert\n"
"""Nobody but the administrator comes in without a certificate of this user."""

READ_THE_URL = """
import os, pathlib, psycopg
url = pathlib.Path("/etc/dbalias/default.url").read_text()
with psycopg.connect(url) as connection:
    query = "SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    print(*connection.execute(query).fetchone(), flush=True)
os.execvp("python", ["python", "manage.py", "shop_report", "--json"])
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that the server trusts."""
    made = Authority(tmp_path / "authority")
    made.create()
    return made


@pytest.fixture
def server(authority: Authority, setting: Setting, tmp_path: Path) -> Iterator[PostgresServer]:
    """PostgreSQL that knows its clients by their certificates alone."""
    address = setting.cluster.host_address
    pair = authority.issue("server", user="server", addresses=[f"IP:{address}"])
    with tempfile.TemporaryDirectory(prefix="dbalias-tls-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        rules = folder / "pg_hba.conf"
        rules.write_text(RULES)
        files = {"hba_file": rules}
        for setting_name, source in (
            ("ssl_cert_file", pair.certificate),
            ("ssl_key_file", pair.key),
            ("ssl_ca_file", authority.pair.certificate),
        ):
            files[setting_name] = Path(shutil.copy(source, folder))
            shutil.chown(files[setting_name], PostgresServer.system_user)
        settings = {"ssl": "on", **{name: str(path) for name, path in files.items()}}
        with PostgresServer(tmp_path / "tls", listen=(address,), settings=settings) as started:
            started.create_database("shop", USER, "never-used")
            yield started


def certificates(authority: Authority) -> list[JSON]:
    """Return the authority's ConfigMap and the Secret of the client's certificate."""
    pair = authority.issue("client", user=USER)
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "authority"},
            "data": {"ca.crt": authority.pair.certificate.read_text()},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "client"},
            "stringData": {
                "tls.crt": pair.certificate.read_text(),
                "tls.key": pair.key.read_text(),
            },
        },
    ]


def injected(body: JSON) -> JSON:
    """Return what ``dbalias inject`` prints for an object."""
    done = subprocess.run(
        [Path(sys.executable).parent / "dbalias", "inject", "--project=shop", "--wait", "-"],
        input=yaml.safe_dump(body), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return yaml.safe_load(done.stdout)


def test_restricted_pod_logs_in_with_the_mounted_certificate(
    shop: Shop, server: PostgresServer, authority: Authority
) -> None:
    """Non-root, a read-only root file system, and a key that libpq takes, by the URL as well."""
    shop.apply(
        certificates(authority),
        project(),
        alias(
            "default",
            engine="postgresql",
            host=server.host,
            port=server.port,
            name="shop",
            user=USER,
            tls={
                "mode": "verify-full",
                "caRef": {"configMapKeyRef": {"name": "authority", "key": "ca.crt"}},
                "clientCertificateRef": {"name": "client"},
            },
        ),
    )
    shop.wait_ready()
    pod = restricted_pod(restartPolicy="Never")
    pod["containers"][0] |= container(image=SHOP_1_4, command=["python", "-c", READ_THE_URL])

    shop.apply(injected(workload("Pod", pod)))

    def ended() -> str:
        phase = (shop.get("Pod", "web") or {}).get("status", {}).get("phase", "")
        return phase if phase in ("Succeeded", "Failed") else ""

    outcome = shop.eventually(ended, what="the pod to end")
    log = shop.api.log(shop.namespace, "web")
    assert outcome == "Succeeded", f"{log}\n{shop.describe()}"
    assert f"True /CN={USER}" in log
    rows = json.loads(log.splitlines()[-1])
    assert {row["written"] for row in rows} == {"default"}
    (waited,) = shop.fetch("Pod", "web")["status"]["initContainerStatuses"]
    assert waited["state"]["terminated"]["exitCode"] == 0
