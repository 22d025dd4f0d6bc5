"""A control plane with an operator at work, two database servers, and a node without containers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.operator.operating import running
from integration.operator.workbench import workbench
from integration.publishing.node import Node
from localkube.databases import MariaDBServer, PostgresServer


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for all namespaces, and the operator that gives it work."""
    with workbench(tmp_path_factory.mktemp("bench")) as bench:
        bench.install()
        bench.grant("--set=watchSecrets=true")
        operator = bench.operator("--all-namespaces", "--watch-secrets")
        with running(operator), Node(bench, tmp_path_factory.mktemp("node")) as started:
            yield started


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL."""
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """MariaDB."""
    with MariaDBServer(tmp_path_factory.mktemp("mariadb")) as server:
        yield server
