"""What is published, as the drivers themselves read it: options, TLS and sockets."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from django.db.utils import ConnectionHandler
from psycopg import pq

import dbalias_databases
import unit.runtime.conftest  # noqa: F401 - configures Django, of which a backend needs settings
from dbalias.django.option_kinds import LIBPQ
from dbalias.django.options import OWN_FIELDS, SECRETS
from localkube.certificates import Authority
from unit.builders import a_config_map, a_secret
from unit.runtime.loading import an_alias_body, files_of, publish


def test_every_keyword_of_libpq_is_known() -> None:
    """The list is libpq's own: what is not in it fails at the first connection."""
    keywords = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    assert keywords - OWN_FIELDS.keys() - SECRETS <= LIBPQ.keys()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A CA in a ConfigMap and a client certificate in a Secret, as aliases refer to them."""
    authority = Authority(tmp_path_factory.mktemp("tls") / "ca")
    authority.create()
    client = authority.issue("client", user="shop")
    parts = {"tls__crt": client.certificate.read_text(), "tls__key": client.key.read_text()}
    return {
        "ca": authority.pair.certificate.read_text(),
        "sources": {
            **a_config_map("ca", ca__pem=authority.pair.certificate.read_text()),
            **a_secret("client", **parts),
        },
    }


def parameters(folder: Path, sources: Any, **spec: Any) -> dict[str, Any]:
    """Return what Django's backend hands to its driver for an alias in a pod with this folder."""
    body = an_alias_body("default", name="shop", user="u", host="db", **spec)
    for name, content in files_of(*publish(body, sources=sources)).items():
        (folder / name).write_bytes(content)
    databases = dbalias_databases.load(folder, {}).settings()["DATABASES"]
    dbalias_databases.provide_mysql_driver(databases)
    found: dict[str, Any] = ConnectionHandler(databases)["default"].get_connection_params()
    return found


CA = {"caRef": {"configMapKeyRef": {"name": "ca", "key": "ca.pem"}}}
CLIENT = {"clientCertificateRef": {"name": "client"}}


@pytest.mark.parametrize(
    ("tls", "mode", "by_name"),
    [
        (CA, ssl.CERT_REQUIRED, True),
        ({**CA, **CLIENT, "mode": "verify-full"}, ssl.CERT_REQUIRED, True),
        ({**CA, "mode": "verify-ca"}, ssl.CERT_REQUIRED, False),
        ({"mode": "require"}, ssl.CERT_NONE, False),
        ({**CLIENT, "mode": "require"}, ssl.CERT_NONE, False),
    ],
)
def test_pymysql_verifies_as_much_as_was_declared(
    tls: Any, mode: ssl.VerifyMode, by_name: bool, certificates: Any, tmp_path: Path
) -> None:
    """One dictionary ``ssl`` with mounted files; mysqlclient reads the same keys."""
    given = parameters(tmp_path, certificates["sources"], engine="mysql", tls=tls)
    connection: Any = pymysql.Connection(defer_connect=True, **given)
    assert connection.ssl is True
    assert connection.ctx.verify_mode is mode
    assert connection.ctx.check_hostname is by_name
    assert "caRef" not in tls or len(connection.ctx.get_ca_certs()) == 1
    files = {key for key in ("ca", "cert", "key") if key in given["ssl"]}
    assert files == {
        *(["ca"] if "caRef" in tls else []),
        *(["cert", "key"] if "clientCertificateRef" in tls else []),
    }


@pytest.mark.parametrize(
    ("tls", "mode"),
    [(CA, "verify-full"), ({**CA, **CLIENT, "mode": "verify-ca"}, "verify-ca")],
)
def test_libpq_gets_its_own_words_and_files(
    tls: Any, mode: str, certificates: Any, tmp_path: Path
) -> None:
    """The files lie where the words say."""
    given = parameters(tmp_path, certificates["sources"], engine="postgresql", tls=tls)
    texts = {key: value for key, value in given.items() if isinstance(value, str)}
    told = psycopg.conninfo.conninfo_to_dict(psycopg.conninfo.make_conninfo(**texts))
    assert told["sslmode"] == mode
    assert Path(str(told["sslrootcert"])).read_text() == certificates["ca"]
    mounted = [Path(str(told[key])) for key in ("sslcert", "sslkey") if key in told]
    assert len(mounted) == 2 * ("clientCertificateRef" in tls)
    assert all(path.parent == tmp_path and path.is_file() for path in mounted)
