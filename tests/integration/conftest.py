"""What tests on real parts share: two database servers, a control plane and one operator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from integration.operator.operating import Operator, running, wait_until
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
    with running(bench.operator()) as started, kept_running(started):
        wait_until(started.is_leading, what=f"the operator leads: see {started.log}")
        yield started


@contextmanager
def kept_running(operator: Operator) -> Iterator[None]:
    """Start the operator again where it ended for its Lease, which a machine that stalls takes.

    A kubelet starts one again that ended for whatever reason, which would hide a fault here.
    """
    over = threading.Event()

    def keep() -> None:
        while not over.wait(1):
            if has_lost_its_lease(operator):
                operator.start()

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def has_lost_its_lease(operator: Operator) -> bool:
    """Tell whether the operator has ended, and why."""
    if operator.is_running() or operator.process.returncode != 1:
        return False
    _, led, since = operator.log.read_text().rpartition("the Lease is ours")
    return bool(led) and "the Lease is lost" in since


@pytest.fixture
def space(bench: Workbench, operator: Operator) -> Space:
    """A namespace of its own, with the operator at work."""
    wait_until(operator.is_running, seconds=30, what=f"the operator runs: see {operator.log}")
    return bench.namespace()
