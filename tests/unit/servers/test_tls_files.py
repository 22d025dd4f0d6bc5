"""Certificates as files, and the context that PyMySQL is given."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from dbalias.api.alias import TLSMode
from dbalias.api.secrets import SecretBytes
from dbalias.servers.address import Certificates
from dbalias.servers.tls import NOWHERE, build_context, written


def test_files_are_for_one_user_and_gone_afterwards() -> None:
    """libpq refuses a key that others may read, and nobody else is to read one."""
    with written(Certificates(ca=b"ca", certificate=b"crt", key=SecretBytes(b"key"))) as files:
        paths = (files.ca, files.certificate, files.key)
        assert [path.read_bytes() for path in paths] == [b"ca", b"crt", b"key"]
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
        assert files.ca.parent.stat().st_mode & 0o777 == 0o700
    assert not files.ca.parent.exists()


def test_what_is_not_declared_is_a_file_that_cannot_exist() -> None:
    """An empty path would make libpq look into the home directory."""
    with written(Certificates()) as files:
        assert {files.ca, files.certificate, files.key} == {NOWHERE}
    with pytest.raises(NotADirectoryError):
        Path(NOWHERE).read_bytes()


def test_files_are_gone_after_a_failure_too() -> None:
    """A refused login is the usual case."""
    with pytest.raises(RuntimeError), written(Certificates(ca=b"ca")) as files:  # noqa: PT012
        kept = files.ca
        raise RuntimeError
    assert not kept.exists()


def test_a_context_checks_what_the_mode_says() -> None:
    """None leaves the choice to the server's offer."""
    assert build_context(Certificates()) is None
    assert build_context(Certificates(TLSMode.PREFER)) is None
    assert build_context(Certificates(TLSMode.DISABLE)) is None
    required = build_context(Certificates(TLSMode.REQUIRE))
    assert required is not None
    assert required.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("mode", [TLSMode.VERIFY_CA, TLSMode.VERIFY_FULL, None])
@pytest.mark.parametrize("ca", [b"x", b"\xff", b"-----BEGIN CERTIFICATE-----"])
def test_what_is_no_certificate_is_refused(mode: TLSMode | None, ca: bytes) -> None:
    """Before a word is spoken to any server."""
    with pytest.raises((ssl.SSLError, ValueError)):
        build_context(Certificates(mode, ca))
