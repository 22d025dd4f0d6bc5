"""A PostgreSQL server that logs every statement, with both kinds of administrators."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.servers.postgresql.site import Site
from localkube.databases import PostgresServer

CREATOR = "creator"
"""May make databases and roles, as the administrators of cloud providers, and nothing else."""


@pytest.fixture(scope="session")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of which the log tells every statement."""
    folder = tmp_path_factory.mktemp("talkative")
    # Autovacuum counts as a session in a database, of which the tests limit the number.
    settings = {"log_statement": "all", "autovacuum": "off"}
    with PostgresServer(folder, settings=settings) as server:
        server.create_administrator(CREATOR, "of-the-creator")
        yield server


@pytest.fixture(params=[CREATOR, "superuser"])
def site(request: pytest.FixtureRequest, talkative: PostgresServer) -> Iterator[Site]:
    """The server as each kind of administrator finds it."""
    user, password = CREATOR, "of-the-creator"
    if request.param == "superuser":
        user, password = talkative.admin_user, talkative.admin_password
    made = Site(talkative, user, password)
    yield made
    made.close()


@pytest.fixture
def creator(talkative: PostgresServer) -> Iterator[Site]:
    """The server as an administrator without superuser rights finds it."""
    made = Site(talkative, CREATOR, "of-the-creator")
    yield made
    made.close()
