"""A control plane of its own for each measurement: nothing else is counted or waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.operator.operating import Operator, running, wait_until
from integration.operator.workbench import Workbench, workbench


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A control plane with CRDs and the chart's rights."""
    with workbench(tmp_path_factory.mktemp("bench")) as started:
        started.install()
        yield started


@pytest.fixture
def operator(bench: Workbench) -> Iterator[Operator]:
    """The operator, for all namespaces, once it leads and watches."""
    with running(bench.operator()) as started:
        wait_until(lambda: started.is_leading() and started.is_ready(), what="the operator leads")
        yield started
