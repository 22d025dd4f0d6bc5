"""The same two databases twice: as a person writes settings, and as the operator publishes them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dbalias.cli.main import main as dbalias
from localkube.databases import DatabaseServer

ALIASES = ("default", "other")
BASE = "django_tests_base"
_ENGINES = {"postgresql": "django.db.backends.postgresql", "mariadb": "django.db.backends.mysql"}


@dataclass(frozen=True, slots=True)
class Login:
    """A login that may make databases, as Django's test runner needs it, and one database."""

    server: DatabaseServer
    name: str
    password: str = field(repr=False)

    @classmethod
    def create(cls, server: DatabaseServer, name: str) -> Login:
        """Make the login, its database, and its right to make the test databases."""
        login = cls(server, name, secrets.token_urlsafe(12))
        server.create_database(name, name, login.password)
        if server.kind == "postgresql":
            server.admin_sql(f'ALTER ROLE "{name}" CREATEDB')
        else:
            # Django's own tests make databases, but never users.
            server.admin_sql(f"GRANT ALL ON *.* TO '{name}'@'%'")
        return login

    def entry(self) -> dict[str, Any]:
        """Return what a person writes for it into DATABASES."""
        return {
            "ENGINE": _ENGINES[self.server.kind],
            "NAME": self.name,
            "USER": self.name,
            "PASSWORD": self.password,
            "HOST": self.server.host,
            "PORT": self.server.port,
        }

    def manifests(self, alias: str) -> list[dict[str, Any]]:
        """Return what a person declares for it: a DatabaseAlias and a Secret."""
        spec = {
            "projectRef": {"name": "suite"},
            "engine": self.server.engine,
            "host": self.server.host,
            "port": self.server.port,
            "name": self.name,
            "user": self.name,
            "credentials": {"secretRef": {"name": f"{alias}-login"}},
        }
        return [
            _object("DatabaseAlias", alias) | {"spec": spec},
            {
                **_object("Secret", f"{alias}-login", version="v1"),
                "stringData": {"password": self.password},
            },
        ]


def write_by_hand(folder: Path, logins: Mapping[str, Login]) -> str:
    """Write a settings module as a person would; return its name."""
    entries = {alias: login.entry() for alias, login in logins.items()}
    lines = [f"from {BASE} import *", f"DATABASES = {entries!r}"]
    if any(login.server.kind == "mariadb" for login in logins.values()):
        lines[:0] = ["import pymysql", "pymysql.install_as_MySQLdb()"]
    folder.mkdir(parents=True)
    (folder / "written_by_hand.py").write_text("\n".join(lines) + "\n")
    return "written_by_hand"


def publish(folder: Path, logins: Mapping[str, Login]) -> str:
    """Write what the operator publishes for the same databases; return the module's name."""
    settings = {"spec": {"settings": {"module": BASE}}}
    bodies = [_object("DjangoProject", "suite") | settings]
    for alias, login in logins.items():
        bodies += login.manifests(alias)
    manifests = folder.with_suffix(".yaml")
    manifests.write_text(yaml.safe_dump_all(bodies))
    code = dbalias(["render", str(manifests), "--output-dir", str(folder)])
    if code:
        raise RuntimeError(f"dbalias render ended with {code}: {json.dumps(bodies[0])}")
    return "dbalias_settings"


def _object(kind: str, name: str, *, version: str = "dbalias.dev/v1alpha1") -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
