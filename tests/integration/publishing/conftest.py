"""A control plane with an operator at work, and a node without containers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.operator.operating import running
from integration.operator.workbench import workbench
from integration.publishing.node import Node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for all namespaces, and the operator that gives it work."""
    with workbench(tmp_path_factory.mktemp("bench")) as bench:
        bench.install()
        bench.grant("--set=watchSecrets=true")
        operator = bench.operator("--all-namespaces", "--watch-secrets")
        with running(operator), Node(bench, tmp_path_factory.mktemp("node")) as started:
            yield started
