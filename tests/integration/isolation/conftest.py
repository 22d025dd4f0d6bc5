"""Two servers with TLS and little room, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.isolation.scenery import Secure, secure_servers
from localkube.databases import DatabaseServer


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Secure]]:
    """PostgreSQL and MariaDB, by engine."""
    with secure_servers(tmp_path_factory.mktemp("secure")) as servers:
        yield servers


@pytest.fixture(params=["postgresql", "mariadb"])
def secure(request: pytest.FixtureRequest, both: dict[str, Secure]) -> Secure:
    """Each of the two in turn."""
    return both[request.param]


@pytest.fixture
def server(secure: Secure) -> DatabaseServer:
    """The same, where TLS does not matter."""
    return secure.server


@pytest.fixture
def healthy(secure: Secure, both: dict[str, Secure]) -> DatabaseServer:
    """The other one, that nothing befalls."""
    return next(one for one in both.values() if one is not secure).server
