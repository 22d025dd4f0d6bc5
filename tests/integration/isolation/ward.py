"""Database servers that fail, each in its own way, beside one that is well."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from integration.isolation.scenery import Secure, dropped_packets, silent_listener, stopped
from integration.operator.workbench import Space
from integration.provisioning.rig import an_alias, an_object, secret
from localkube.certificates import Authority
from localkube.databases import DatabaseServer

CURED = 400.0
"""Seconds in which a server that is well is surely noticed: tries may be five minutes apart."""

ADMIN, PASSWORD = "ward", "s3krit"
"""An administrator who is no superuser, on every server."""


@dataclass(slots=True)
class Ward:
    """A namespace with servers that fail; ``cures`` makes each of them well, by its name."""

    space: Space
    cures: dict[str, Callable[[], object]] = field(default_factory=dict)

    def admit(self, name: str, server: DatabaseServer, **spec: Any) -> None:
        """Declare a server; ``spec`` replaces fields."""
        fields = {
            "engine": server.engine,
            "host": server.host,
            "port": server.port,
            "adminCredentials": {"secretRef": {"name": "admin"}, "preset": "BasicAuth"},
        }
        self.space.apply(an_object("DatabaseServer", name, fields | spec))

    def order(self, server: str, count: int, *, prefix: str = "") -> list[str]:
        """Declare aliases on a server; return their names."""
        names = [f"{prefix}{server}-{number}" for number in range(count)]
        aliases = (an_alias(one, serverRef={"name": server}, provision={}) for one in names)
        self.space.apply(*aliases)
        return names

    def seconds_until_made(self, server: str, count: int, *, prefix: str = "") -> float:
        """Order databases; return after how many seconds all of them are there."""
        began = time.monotonic()
        names = set(self.order(server, count, prefix=prefix))
        while not names <= self.provisioned():
            assert time.monotonic() - began < 300, self.told()
            time.sleep(0.1)
        return time.monotonic() - began

    def provisioned(self) -> set[str]:
        """Return the aliases that have their database."""
        return {name for name, reason in self.told().items() if reason == "Provisioned"}

    def told(self) -> dict[str, str]:
        """Return what each alias says of its database."""
        return {
            body["metadata"]["name"]: condition["reason"]
            for body in self.space.all("databasealias")
            for condition in (body.get("status") or {}).get("conditions") or ()
            if condition["type"] == "Provisioned"
        }

    def patch(self, name: str, **spec: Any) -> None:
        """Change a server's declaration."""
        self.space.patch("databaseserver", name, spec=spec)


@contextlib.contextmanager
def failing(
    space: Space, both: Mapping[str, Secure], *, frozen: DatabaseServer, folder: Path
) -> Iterator[Ward]:
    """Give a namespace with the servers that the issue names, all of them failing at once."""
    postgres, mariadb = both["postgresql"].server, both["mariadb"].server
    ward = Ward(space)
    with contextlib.ExitStack() as stack:
        for server in (postgres, mariadb, frozen):
            server.create_administrator(ADMIN, PASSWORD)
        space.apply(
            secret("admin", username=ADMIN, password=PASSWORD),
            secret("outdated", username=ADMIN, password="of yesterday"),
        )
        for name, port in (("silent", silent_listener()), ("unheard", dropped_packets())):
            ward.admit(name, postgres, port=stack.enter_context(port))
            ward.cures[name] = _patching(ward, name, port=postgres.port)
        ward.admit("outdated", mariadb, adminCredentials=_login("outdated"))
        ward.cures["outdated"] = _patching(ward, "outdated", adminCredentials=_login("admin"))
        _forge(ward, postgres, both["postgresql"], folder)
        ward.cures["frozen"] = _within(stack, stopped(frozen))
        ward.admit("frozen", frozen)
        mariadb.admin_sql("SET GLOBAL read_only = 1")
        ward.cures["readonly"] = lambda: mariadb.admin_sql("SET GLOBAL read_only = 0")
        stack.callback(ward.cures["readonly"])
        ward.admit("readonly", mariadb)
        ward.cures["full"] = _within(stack, _filled(postgres))
        ward.admit("full", postgres)
        yield ward


def _login(name: str) -> dict[str, Any]:
    return {"secretRef": {"name": name}, "preset": "BasicAuth"}


def _patching(ward: Ward, name: str, **spec: Any) -> Callable[[], None]:
    return lambda: ward.patch(name, **spec)


def _within(
    stack: contextlib.ExitStack, trouble: contextlib.AbstractContextManager[None]
) -> Callable[[], object]:
    """Begin a trouble; return what ends it, at the latest with the stack."""
    inner = stack.enter_context(contextlib.ExitStack())
    inner.enter_context(trouble)
    return inner.close


def _forge(ward: Ward, server: DatabaseServer, secure: Secure, folder: Path) -> None:
    """Declare a server whose certificate somebody else signed."""
    stranger = Authority(folder / "stranger")
    stranger.create()
    authorities = {"wrong": stranger.pair.certificate, "right": secure.authority.pair.certificate}
    for name, path in authorities.items():
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        ward.space.apply(body | {"data": {"ca.crt": path.read_text()}})
    ward.admit("forged", server, tls=_trust("wrong"))
    ward.cures["forged"] = _patching(ward, "forged", tls=_trust("right"))


def _trust(name: str) -> dict[str, Any]:
    return {"caRef": {"configMapKeyRef": {"name": name, "key": "ca.crt"}}}


@contextlib.contextmanager
def _filled(server: DatabaseServer) -> Iterator[None]:
    """Take every connection of PostgreSQL that is not kept for superusers."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                held = psycopg.connect(
                    host=server.host,
                    port=server.port,
                    user=ADMIN,
                    password=PASSWORD,
                    dbname="postgres",
                )
                stack.callback(held.close)
        yield
