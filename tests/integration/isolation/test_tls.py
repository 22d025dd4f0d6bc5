"""TLS with the words of libpq, on both drivers: what is checked, and what is said when it fails."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest

from dbalias.api.alias import TLSMode
from dbalias.api.secrets import SecretBytes
from dbalias.servers.address import Certificates
from dbalias.servers.faults import Fault, ServerFaultError
from integration.isolation.scenery import Secure, address_of, an_endpoint, answer, tls
from localkube.certificates import Authority

ENCRYPTED = {
    "postgresql": "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mariadb": "SELECT variable_value <> '' FROM information_schema.session_status "
    "WHERE variable_name = 'Ssl_cipher'",
}


async def is_encrypted(secure: Secure, certificates: Certificates, **changes: object) -> bool:
    """Return whether a session with these settings is encrypted."""
    address = address_of(secure.server, tls=certificates, **changes)
    async with an_endpoint(address, ENCRYPTED[secure.server.engine]) as endpoint:
        return await answer(endpoint) in {"True", "1"}


async def fault_of(secure: Secure, certificates: Certificates, **changes: object) -> Fault:
    """Return why a session with these settings is not opened; the words name spec.tls."""
    with pytest.raises(ServerFaultError) as caught:
        await is_encrypted(secure, certificates, **changes)
    assert "spec.tls" in str(caught.value)
    return caught.value.fault


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signed nothing here."""
    made = Authority(tmp_path_factory.mktemp("stranger") / "authority")
    made.create()
    return made


async def test_tls_is_used_where_it_is_offered_and_nothing_was_said(secure: Secure) -> None:
    """As libpq does, on both engines."""
    assert await is_encrypted(secure, Certificates())
    assert await is_encrypted(secure, tls(TLSMode.PREFER))


async def test_tls_can_be_refused(secure: Secure) -> None:
    """The mode disable means it."""
    assert not await is_encrypted(secure, tls(TLSMode.DISABLE))


async def test_a_server_whose_authority_is_named_is_trusted(secure: Secure) -> None:
    """With a mode or, since nobody names a CA to have it ignored, without one."""
    assert await is_encrypted(secure, tls(TLSMode.VERIFY_CA, secure.ca))
    assert await is_encrypted(secure, tls(TLSMode.VERIFY_FULL, secure.ca))
    assert await is_encrypted(secure, Certificates(ca=secure.ca))


async def test_a_certificate_of_another_authority_is_refused(
    secure: Secure, stranger: Authority
) -> None:
    """The wrong certificate of the issue: a server that somebody else answers for."""
    ca = stranger.pair.certificate.read_bytes()
    for mode in (TLSMode.VERIFY_CA, TLSMode.VERIFY_FULL, None):
        assert await fault_of(secure, Certificates(mode, ca)) is Fault.CERTIFICATE


async def test_the_host_is_compared_by_verify_full_alone(secure: Secure) -> None:
    """The certificate is for 127.0.0.1; localhost is the same place by another name."""
    full, authority = tls(TLSMode.VERIFY_FULL, secure.ca), tls(TLSMode.VERIFY_CA, secure.ca)
    assert await is_encrypted(secure, authority, host="localhost")
    assert await fault_of(secure, full, host="localhost") is Fault.CERTIFICATE


@pytest.mark.parametrize("ca", [None, b"", b"no certificate", b"\xff\x00"])
async def test_verifying_without_a_usable_authority_is_refused(
    secure: Secure, ca: bytes | None
) -> None:
    """No authority means that nothing can be verified, not that everything is trusted."""
    for mode in (TLSMode.VERIFY_CA, TLSMode.VERIFY_FULL):
        assert await fault_of(secure, tls(mode, ca)) is Fault.CERTIFICATE


async def test_a_server_without_tls_is_refused_where_tls_is_required(secure: Secure) -> None:
    """A downgrade is what ``require`` is there against."""
    server = secure.server
    name = "ssl" if server.engine == "postgresql" else "disable-ssl"
    before = dict(server.settings)
    server.settings |= {name: "off"} if name == "ssl" else {name: "ON"}
    server.restart()
    try:
        assert not await is_encrypted(secure, Certificates())
        assert await fault_of(secure, tls(TLSMode.REQUIRE)) is Fault.CERTIFICATE
    finally:
        server.settings = before
        server.restart()


async def test_a_client_certificate_is_shown(secure: Secure) -> None:
    """Some servers admit an administrator by it alone."""
    server, pair = secure.server, secure.client
    shown = Certificates(
        TLSMode.VERIFY_FULL,
        secure.ca,
        pair.certificate.read_bytes(),
        SecretBytes(pair.key.read_bytes()),
    )
    if server.engine == "postgresql":
        text = "SELECT client_dn FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()"
        async with an_endpoint(address_of(server, tls=shown), text) as endpoint:
            assert server.admin_user in await answer(endpoint)
        return
    server.admin_sql("CREATE USER certified@'%' IDENTIFIED BY 'x' REQUIRE X509")
    login = {"user": "certified", "password": SecretBytes(b"x")}
    assert await is_encrypted(secure, shown, **login)
    bare = dataclasses.replace(shown, certificate=None, key=None)
    with pytest.raises(ServerFaultError) as caught:
        await is_encrypted(secure, bare, **login)
    assert caught.value.fault is Fault.LOGIN_REFUSED


async def test_no_certificate_stays_on_the_disk(
    secure: Secure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are for the driver's eyes, while it logs in."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pair = secure.client
    shown = Certificates(
        TLSMode.VERIFY_FULL,
        secure.ca,
        pair.certificate.read_bytes(),
        SecretBytes(pair.key.read_bytes()),
    )
    assert await is_encrypted(secure, shown)
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


async def test_nothing_of_the_environment_or_the_home_directory_matters(
    secure: Secure, stranger: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an image or a chart's extra variables hold must not lead to another server."""
    _furnish(tmp_path, stranger)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in {
        "PGHOST": "elsewhere.invalid",
        "PGHOSTADDR": "198.51.100.1",
        "PGSERVICE": "elsewhere",
        "PGTZ": "no time zone",
        "PGOPTIONS": "-c no_such_setting=1",
        "PGSSLMODE": "disable",
        "PGSSLROOTCERT": str(stranger.pair.certificate),
        "PGTARGETSESSIONATTRS": "standby",
        "PGREQUIREAUTH": "none",
        "PGCHANNELBINDING": "require",
        "MYSQL_HOST": "elsewhere.invalid",
    }.items():
        monkeypatch.setenv(name, value)
    assert await is_encrypted(secure, tls(TLSMode.REQUIRE))
    assert await is_encrypted(secure, tls(TLSMode.VERIFY_FULL, secure.ca))
    assert "PGHOST" not in os.environ or secure.server.engine == "mariadb"


def _furnish(home: Path, stranger: Authority) -> None:
    """Put into a home directory what clients read there by themselves."""
    folder = home / ".postgresql"
    folder.mkdir()
    client = stranger.issue("me", user="me")
    for name, source in (
        ("root.crt", stranger.pair.certificate),
        ("postgresql.crt", client.certificate),
        ("postgresql.key", client.key),
    ):
        (folder / name).write_bytes(source.read_bytes())
        (folder / name).chmod(0o600)
    (home / ".pgpass").write_text("*:*:*:*:wrong\n")
    (home / ".pgpass").chmod(0o600)
    (home / ".pg_service.conf").write_text("[elsewhere]\nhost=elsewhere.invalid\n")
    (home / ".my.cnf").write_text("[client]\nhost=elsewhere.invalid\nssl-ca=/nowhere\n")
