"""What tests on real parts share: two database servers, a control plane and one operator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.operator.operating import Operator, running
from integration.operator.workbench import Space, Workbench, workbench
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """PostgreSQL, for all tests of the session."""
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """MariaDB, for all tests of the session."""
    with MariaDBServer(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A control plane with CRDs and the chart's rights."""
    with workbench(tmp_path_factory.mktemp("bench")) as started:
        started.install()
        yield started


@pytest.fixture(scope="session")
def operator(bench: Workbench) -> Iterator[Operator]:
    """The operator, for all namespaces."""
    with running(bench.operator()) as started:
        yield started


@pytest.fixture
def space(bench: Workbench, operator: Operator) -> Space:
    """A namespace of its own, with the operator at work."""
    assert operator.is_running(), f"the operator ended: see {operator.log}"
    return bench.namespace()
