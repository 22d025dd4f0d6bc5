"""TLS as each driver spells it, and the certificate files it needs.

PostgreSQL: libpq's own words. MySQL: the dictionary ``ssl``, the one spelling that both
PyMySQL and mysqlclient read; mysqlclient takes the files from it and leaves the strictness
to its client library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dbalias.api.alias import TLS, DatabaseAlias, TLSMode
from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.django.connections import Place
from dbalias.django.credentials import Reader
from dbalias.django.engines import Family
from dbalias.django.sources import key_ref, secret_ref

OPTION_KEYS: Mapping[Family, frozenset[str]] = {
    Family.POSTGRESQL: frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"}),
    Family.MYSQL: frozenset(
        (
            *("ssl", "ssl_ca", "ssl_cert", "ssl_key", "ssl_mode", "ssl_disabled"),
            *("ssl_verify_cert", "ssl_verify_identity"),
        )
    ),
}
"""Options that ``spec.tls`` speaks for."""

_VERIFYING = (TLSMode.VERIFY_CA, TLSMode.VERIFY_FULL)


@dataclass(frozen=True, slots=True)
class TLSOptions:
    """OPTIONS to set, paths whose value is a file, and the content of those files."""

    options: Mapping[str, JSON] = field(default_factory=dict)
    files: tuple[Place, ...] = ()
    data: Mapping[str, SecretBytes] = field(default_factory=dict)


def overlaid(inherited: TLS, alias: DatabaseAlias) -> TLS:
    """Return TLS settings with those of an alias where it has them.

    A DatabaseServer is a place of its own: nothing of another's TLS is left there.
    """
    own = alias.tls or TLS()
    if alias.server:
        return own
    return TLS(
        mode=own.mode or inherited.mode,
        ca=own.ca or inherited.ca,
        client_certificate=own.client_certificate or inherited.client_certificate,
    )


def find_fault(family: Family, tls: TLS) -> tuple[str, str] | None:
    """Return (what is wrong, remedy) of settings that no driver of the family can honour."""
    if tls == TLS():
        return None
    if family not in OPTION_KEYS:
        return "it is not known how this engine's driver spells TLS", "Use spec.options"
    if family is Family.POSTGRESQL:
        return None
    if tls.mode is TLSMode.DISABLE:
        return (
            "MySQL drivers have no common way to refuse TLS",
            "Use spec.options: ssl_disabled for PyMySQL or ssl_mode for mysqlclient",
        )
    if tls.mode in _VERIFYING and tls.ca is None:
        return f"{tls.mode.value} cannot verify without a CA", "Set spec.tls.caRef"
    return None


def build_tls(family: Family, tls: TLS, *, prefix: str, reader: Reader) -> TLSOptions:
    """Return what the driver needs for these settings, or raise UnresolvableError.

    Without a mode, a CA means ``verify-full``: nobody names a CA to have it ignored.
    The names of the client certificate's files begin with ``prefix``.
    """
    if tls.ca and tls.mode is None:
        tls = replace(tls, mode=TLSMode.VERIFY_FULL)
    names, data = _certificates(tls, prefix=prefix, reader=reader)
    if family is Family.POSTGRESQL:
        spelled = {"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey"}
        options: dict[str, JSON] = {"sslmode": tls.mode.value} if tls.mode else {}
        paths: dict[str, tuple[str, ...]] = {part: ("OPTIONS", spelled[part]) for part in names}
    else:
        options = _mysql_options(tls)
        paths = {part: ("OPTIONS", "ssl", part) for part in names}
    return TLSOptions(options, tuple((paths[part], name) for part, name in names.items()), data)


def _mysql_options(tls: TLS) -> dict[str, JSON]:
    if tls.mode is TLSMode.VERIFY_FULL:
        return {"ssl": {"check_hostname": True}}
    if tls.mode in (TLSMode.VERIFY_CA, TLSMode.REQUIRE) or tls.client_certificate:
        return {"ssl": {"check_hostname": False}}
    return {}


def _certificates(
    tls: TLS, *, prefix: str, reader: Reader
) -> tuple[dict[str, str], dict[str, SecretBytes]]:
    names: dict[str, str] = {}
    data: dict[str, SecretBytes] = {}
    if tls.ca:
        content = reader.value(key_ref(tls.ca), tls.ca.key)
        names["ca"] = f"ca-{hashlib.sha256(content.reveal()).hexdigest()[:12]}.crt"
        data[names["ca"]] = content
    if tls.client_certificate:
        ref = secret_ref(tls.client_certificate)
        for part, key, suffix in (("cert", "tls.crt", "crt"), ("key", "tls.key", "key")):
            names[part] = f"{prefix}.{suffix}"
            data[names[part]] = reader.value(ref, key)
    return names, data
