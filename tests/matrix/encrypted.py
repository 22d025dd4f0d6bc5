"""PostgreSQL and MariaDB that take encrypted connections, with certificates of one authority."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dbalias.api.alias import TLS, ObjectKeyRef, TLSMode
from dbalias.django.sources import SourceRef, SourceState
from localkube.certificates import Authority
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer, running
from unit.builders import a_config_map

VERIFIED = TLS(mode=TLSMode.VERIFY_FULL, ca=ObjectKeyRef("ConfigMap", "authority", "ca.pem"))
"""What an alias says to use it: whoever answers without its certificate is refused."""

_SETTINGS = {
    "postgresql": {"ssl": "on", "ssl_cert_file": "{0.certificate}", "ssl_key_file": "{0.key}"},
    "mariadb": {"ssl-cert": "{0.certificate}", "ssl-key": "{0.key}"},
}


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, and the certificate of their authority."""

    postgres: DatabaseServer
    mariadb: DatabaseServer
    authority: str

    def sources(self) -> dict[SourceRef, SourceState]:
        """Return the ConfigMap that VERIFIED names."""
        return a_config_map("authority", ca__pem=self.authority)


@contextlib.contextmanager
def encrypted_servers(folder: Path) -> Iterator[Servers]:
    """Start both; their logs are in ``folder``."""
    # Not in ``folder``: the servers' own users must be able to reach their keys.
    with tempfile.TemporaryDirectory(prefix="dbalias-keys-") as name:
        Path(name).chmod(0o755)
        authority = Authority(Path(name) / "authority")
        authority.create()
        authority.folder.chmod(0o755)
        postgres, mariadb = PostgresServer(folder / "postgres"), MariaDBServer(folder / "mariadb")
        for server in (postgres, mariadb):
            _encrypt(server, authority)
        with running(postgres, mariadb):
            yield Servers(postgres, mariadb, authority.pair.certificate.read_text())


def _encrypt(server: DatabaseServer, authority: Authority) -> None:
    addresses = [f"IP:{server.host}"]
    pair = authority.issue(server.kind, user=server.kind, addresses=addresses)
    pair.key.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(pair.key, server.system_user, server.system_user)
    for name, template in _SETTINGS[server.kind].items():
        server.settings[name] = template.format(pair)
