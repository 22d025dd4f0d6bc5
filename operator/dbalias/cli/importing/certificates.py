"""Certificate files that OPTIONS name: their content goes along, in ConfigMaps and Secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dbalias.api.alias import TLSMode
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.cli.importing.notes import Notes
from dbalias.django.engines import Family
from dbalias.django.tls import OPTION_KEYS

LARGEST = 500_000
"""Bytes of one file; ConfigMaps and Secrets hold a million."""

POSTGRESQL = {"sslrootcert": "ca", "sslcert": "cert", "sslkey": "key"}
MYSQL = {"ca": "ca", "cert": "cert", "key": "key"}


@dataclass(slots=True)
class Certificates:
    """The files of all aliases, one object for each content."""

    project: str
    notes: Notes
    authorities: dict[str, str] = field(default_factory=dict)
    """Content → name of its ConfigMap."""
    clients: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    """Name of a Secret → certificate and key."""

    def take(
        self, family: Family, options: dict[Any, Any], *, owner: str, subject: str
    ) -> dict[str, JSON] | None:
        """Return ``spec.tls`` for files that can be read, and remove them from OPTIONS.

        Nothing is taken where the operator would spell the same TLS differently.
        """
        named = _spelled(family, options)
        if named is None:
            return None
        mode, paths = named
        contents = {part: _read(path) for part, path in paths.items()}
        unread = [str(paths[part]) for part, content in contents.items() if content is None]
        if mode is None or unread or ("cert" in paths) != ("key" in paths):
            why = f"{unread[0]} cannot be read here" if unread else "spec.tls cannot say the same"
            self.notes.tell(subject, f"TLS stays in options, with paths inside the image: {why}")
            return None
        for key in OPTION_KEYS[family]:
            options.pop(key, None)
        self.notes.tell(subject, "its certificates go along, and are published beside the settings")
        texts = {part: content for part, content in contents.items() if content is not None}
        return {"mode": mode.value, **self._keep(texts, owner)}

    def _keep(self, texts: Mapping[str, str], owner: str) -> dict[str, JSON]:
        tls: dict[str, JSON] = {}
        if authority := texts.get("ca"):
            more = f"-{digest(authority, 5)}" if self.authorities else ""
            name = self.authorities.setdefault(authority, f"{self.project}-ca{more}")
            tls["caRef"] = {"configMapKeyRef": {"name": name, "key": "ca.crt"}}
        if "cert" in texts:
            name = f"{self.project}-{owner}-client"
            self.clients[name] = (texts["cert"], texts["key"])
            tls["clientCertificateRef"] = {"name": name}
        return tls


def _spelled(
    family: Family, options: Mapping[Any, Any]
) -> tuple[TLSMode | None, dict[str, PurePosixPath]] | None:
    """Return the mode (None for one without a name of ours) and the files; None without files."""
    said = options.keys() & OPTION_KEYS.get(family, frozenset())
    if family is Family.POSTGRESQL:
        paths = _paths(options, POSTGRESQL)
        mode = _mode(options.get("sslmode"))
        return (mode, paths) if paths else None
    ssl = options.get("ssl")
    if family is not Family.MYSQL or not isinstance(ssl, dict):
        return None
    paths = _paths(ssl, MYSQL)
    plain = said == {"ssl"} and ssl.keys() <= {*MYSQL, "check_hostname"}
    return (_mysql_mode(ssl) if plain else None, paths) if paths else None


def _mode(word: Any) -> TLSMode | None:
    known = isinstance(word, str) and word in set(TLSMode) - {TLSMode.DISABLE}
    return TLSMode(word) if known else None


def _mysql_mode(ssl: Mapping[Any, Any]) -> TLSMode | None:
    """Return the mode that PyMySQL and mysqlclient read from the dictionary ``ssl``."""
    if "ca" not in ssl:
        return TLSMode.REQUIRE if ssl.get("check_hostname") is False else None
    strict = ssl.get("check_hostname", True)
    return TLSMode.VERIFY_FULL if strict else TLSMode.VERIFY_CA


def _paths(options: Mapping[Any, Any], spelled: Mapping[str, str]) -> dict[str, PurePosixPath]:
    found = {part: options.get(key) for key, part in spelled.items()}
    return {
        part: PurePosixPath(path)
        for part, path in found.items()
        if isinstance(path, str | PurePosixPath) and str(path) not in ("", "system")
    }


def _read(path: PurePosixPath) -> str | None:
    try:
        content = Path(path).read_bytes()
        return content.decode("ascii") if 0 < len(content) <= LARGEST else None
    except (OSError, ValueError):
        return None
