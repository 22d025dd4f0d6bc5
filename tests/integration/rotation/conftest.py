"""A namespace with a DatabaseServer for PostgreSQL and one for MariaDB, and an operator at work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integration.operator.objects import alias, secret
from integration.operator.operating import running
from integration.operator.workbench import Space, Workbench
from localkube.databases import MariaDBServer, PostgresServer

PASSWORD = "s3krit"
ENGINES = ("postgresql", "mariadb")
"""The kinds of servers, which their DatabaseServers are named after."""


@pytest.fixture(scope="module")
def home(bench: Workbench, postgres: PostgresServer, mariadb: MariaDBServer) -> Iterator[Space]:
    """The namespace; each server's administrator is no superuser."""
    space = bench.namespace("home")
    bench.grant("--set=watchSecrets=true")
    with running(bench.operator(f"--namespace={space.name}", "--watch-secrets")):
        for server in (postgres, mariadb):
            user = f"{space.name}-admin"
            server.create_administrator(user, PASSWORD)
            login = secret(f"{server.kind}-admin", username=user, password=PASSWORD)
            space.apply(login, _declared(server))
        yield space


def _declared(server: PostgresServer | MariaDBServer) -> dict[str, Any]:
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": "DatabaseServer",
        "metadata": {"name": server.kind},
        "spec": {
            "engine": server.engine,
            "host": server.host,
            "port": server.port,
            "adminCredentials": {"secretRef": {"name": f"{server.kind}-admin"}},
        },
    }


def provisioned(name: str, server: str, **spec: Any) -> dict[str, Any]:
    """Return an alias of the project shop whose database is made."""
    body = alias(name)
    body["spec"] = {
        "projectRef": {"name": "shop"},
        "alias": name,
        "serverRef": {"name": server},
        "provision": {},
    } | spec
    return body
