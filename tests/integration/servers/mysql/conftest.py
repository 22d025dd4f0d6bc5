"""A server that logs every statement, with both kinds of administrators.

With ``DBALIAS_MYSQL`` set it is MySQL, instead of MariaDB (`make mysql`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from integration.servers.mysql.site import Site, least_administrator
from localkube.databases import MariaDBServer
from localkube.mysql_server import MySQLServer

_PASSWORD = "of-the-administrator"


@pytest.fixture(scope="session")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A server whose general log tells every statement."""
    folder = tmp_path_factory.mktemp("talkative")
    settings = {"general-log": "ON", "general-log-file": "general.log", "log-output": "FILE"}
    kind = MySQLServer if os.environ.get("DBALIAS_MYSQL") else MariaDBServer
    with kind(folder, settings=settings) as server:
        for text in least_administrator("least", _PASSWORD, is_mariadb=kind is MariaDBServer):
            server.admin_sql(text)
        yield server


@pytest.fixture
def site(talkative: MariaDBServer) -> Iterator[Site]:
    """The server as an administrator with the least privileges finds it."""
    made = Site(talkative, "least", _PASSWORD)
    yield made
    made.close()
