"""TLS for both drivers: certificates as the files that they read, and a context for PyMySQL."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dbalias.api.alias import TLSMode
from dbalias.servers.address import Certificates

NOWHERE = Path("/dev/null/none")
"""No file can be there: what keeps libpq from the files of a home directory."""


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of certificates; NOWHERE for what is not declared."""

    ca: Path = NOWHERE
    certificate: Path = NOWHERE
    key: Path = NOWHERE


@contextlib.contextmanager
def written(tls: Certificates) -> Iterator[Files]:
    """Give the certificates as files that only this process' user can read, then remove them."""
    contents = {
        "ca": tls.ca,
        "certificate": tls.certificate,
        "key": tls.key.reveal() if tls.key else None,
    }
    present = {name: content for name, content in contents.items() if content is not None}
    if not present:
        yield Files()
        return
    with tempfile.TemporaryDirectory(prefix="dbalias-") as folder:
        paths = {name: Path(folder) / name for name in present}
        for name, path in paths.items():
            # libpq refuses a key that others may read.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(present[name])
        yield Files(**paths)


def build_context(tls: Certificates) -> ssl.SSLContext | None:
    """Return what PyMySQL is given; None where TLS is refused, or used only if offered.

    A client certificate cannot be shown without TLS, so it demands TLS. Raises ssl.SSLError or
    ValueError for what is no certificate.
    """
    mode = tls.effective_mode
    if mode is TLSMode.DISABLE or (mode is TLSMode.PREFER and tls.certificate is None):
        return None
    context = unverified()
    if tls.verifies:
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = mode is TLSMode.VERIFY_FULL
        # Servers make certificates for themselves that lack what Python 3.13 demands.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=(tls.ca or b"").decode("ascii"))
    if tls.certificate:
        with written(tls) as files:
            context.load_cert_chain(files.certificate, files.key)
    return context


def unverified() -> ssl.SSLContext:
    """Return a context that encrypts, whoever is at the other end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
