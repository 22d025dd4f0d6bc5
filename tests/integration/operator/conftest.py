"""One control plane and one operator for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.operator.workbench import Operator, Space, Workbench, running
from localkube import Cluster, Options


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A control plane with CRDs and the chart's RBAC."""
    scratch: Path = tmp_path_factory.mktemp("bench")
    with Cluster(options=Options(node=False)) as cluster:
        workbench = Workbench(cluster, scratch)
        workbench.install()
        try:
            yield workbench
        finally:
            for operator in workbench.operators:
                operator.kill()


@pytest.fixture(scope="session")
def operator(bench: Workbench) -> Iterator[Operator]:
    """The operator, for all namespaces."""
    with running(bench.operator()) as started:
        yield started


@pytest.fixture
def space(bench: Workbench, operator: Operator) -> Space:
    """A namespace of its own, with the operator at work."""
    return bench.namespace(f"space-{next(_numbers)}")


_numbers = itertools.count(1)
Spaces = Callable[[], Space]
