"""Real parts for passes over servers: an API server, and administrators that are no superusers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from contract.apiserver import ApiServer
from integration.operator.workbench import Space
from integration.provisioning.rig import (
    ADMIN_PASSWORD,
    ADMINISTRATOR,
    Rig,
    an_object,
    rigged,
    secret,
)
from localkube import Cluster, Options
from localkube.databases import DatabaseServer

CRDS = sorted((Path(__file__).parents[3] / "crds").glob("*.yaml"))


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[Path]:
    """The administrator's kubeconfig of an API server that serves our kinds."""
    with Cluster(options=Options(node=False, controllers=False)) as cluster:
        with closing(ApiServer(cluster.kubeconfig)) as server:
            for path in CRDS:
                server.serve(yaml.safe_load(path.read_text()))
        yield cluster.kubeconfig


@pytest.fixture(scope="session")
def administered_postgres(postgres: DatabaseServer) -> DatabaseServer:
    """PostgreSQL, with an administrator who may make databases and roles."""
    postgres.create_administrator(ADMINISTRATOR, ADMIN_PASSWORD)
    return postgres


@pytest.fixture(scope="session")
def administered_mariadb(mariadb: DatabaseServer) -> DatabaseServer:
    """MariaDB, likewise."""
    mariadb.create_administrator(ADMINISTRATOR, ADMIN_PASSWORD)
    return mariadb


@pytest.fixture(params=["postgres", "mariadb"])
def database(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each of the two servers in turn."""
    found: DatabaseServer = request.getfixturevalue(f"administered_{request.param}")
    return found


@pytest.fixture
async def rig(kubeconfig: Path, database: DatabaseServer) -> AsyncIterator[Rig]:
    """A namespace with a DatabaseServer, and a pass over it that is run by hand."""
    async with rigged(kubeconfig, database) as made:
        await made.declare()
        yield made


@pytest.fixture
def served(space: Space, administered_postgres: DatabaseServer) -> Space:
    """A namespace with a DatabaseServer."""
    database = administered_postgres
    fields = {
        "engine": database.engine,
        "host": database.host,
        "port": database.port,
        "adminCredentials": {"secretRef": {"name": "admin"}, "preset": "BasicAuth"},
    }
    login = secret("admin", username=ADMINISTRATOR, password=ADMIN_PASSWORD)
    space.apply(login, an_object("DatabaseServer", "main", fields))
    return space
