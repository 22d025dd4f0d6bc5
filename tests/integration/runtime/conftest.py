"""Real servers for the session, and a fresh pod for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.runtime.auditing import Auditor
from integration.runtime.killing import Nursery
from integration.runtime.pod import Database, Pod, a_database
from localkube.databases import DatabaseServer


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each of the two servers in turn."""
    found: DatabaseServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    """A pod of the shop in release 1.5, with nothing published yet."""
    made = Pod(tmp_path)
    yield made
    made.close()


@pytest.fixture
def nursery(pod: Pod) -> Iterator[Nursery]:
    """Where runs of a project of three gated migrations start, with nothing published yet."""
    made = Nursery(pod)
    yield made
    made.close()


@pytest.fixture(scope="session")
def bare(postgres: DatabaseServer) -> Database:
    """A database without tables, which all tests that only look share."""
    return a_database(postgres)


@pytest.fixture
def auditor(pod: Pod, bare: Database) -> Auditor:
    """Audits of the pod's image on the bare database."""
    return Auditor(pod, bare)
