"""A connection as databases.json states it, and the physical database it leads to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from dbalias.api.meta import JSON
from dbalias.django.engines import DEFAULT_PORTS, Family

Place: TypeAlias = tuple[tuple[str, ...], str]
"""Path in Django's dictionary, and the name of the file that holds the value."""

_CLUSTER_SERVICE = re.compile(r"(?P<name>[^.]+)\.(?P<namespace>[^.]+)\.svc(\..+)?")


@dataclass(frozen=True, slots=True)
class PhysicalDatabase:
    """Where a connection leads, whatever the alias is called; fields not known are empty."""

    family: Family
    host: str = ""
    port: str = ""
    name: str = ""
    namespace: str = ""
    """Where short host names are looked up from."""

    @property
    def key(self) -> str:
        """One text per database: default ports, case and short service names do not matter."""
        port = self.port or DEFAULT_PORTS.get(self.family, "")
        return f"{self.family.value}://{self._full_host()}:{port}/{self.name}"

    def _full_host(self) -> str:
        host = self.host.lower().rstrip(".")
        if not host or host.startswith("/") or "," in host or ":" in host:
            return host
        if "." not in host:
            return f"{host}.{self.namespace}.svc"
        if host.endswith(f".{self.namespace}") and host.count(".") == 1:
            return f"{host}.svc"
        service = _CLUSTER_SERVICE.fullmatch(host)
        return f"{service['name']}.{service['namespace']}.svc" if service else host


@dataclass(frozen=True, slots=True)
class Connection:
    """One entry of DATABASES, its secret values replaced by the names of files.

    ``settings`` has public values only. ``secrets`` are texts to be read from files,
    ``files`` are files whose path is the value. ``user`` may come from a Secret: it may be
    shown in a status, and is in ``settings`` only when it was declared and has no password.
    """

    settings: Mapping[str, JSON]
    database: PhysicalDatabase
    secrets: tuple[Place, ...] = ()
    files: tuple[Place, ...] = ()
    user: str | None = None

    def document(self) -> dict[str, JSON]:
        """Return the entry as databases.json spells it."""
        return {
            "settings": dict(self.settings),
            "secrets": [[list(path), name] for path, name in self.secrets],
            "files": [[list(path), name] for path, name in self.files],
        }
