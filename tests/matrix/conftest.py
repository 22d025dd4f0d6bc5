"""Encrypted servers for the session, a shop for each combination, and a word on what was tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from environments import Cell
from matrix.choice import chosen, not_at_hand
from matrix.encrypted import Servers, encrypted_servers
from matrix.shop import Shop, open_shop


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and MariaDB, for all combinations."""
    with encrypted_servers(tmp_path_factory.mktemp("servers")) as started:
        yield started


@pytest.fixture(scope="session", params=chosen(), ids=str)
def shop(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The shop, published and migrated with each combination in turn."""
    cell: Cell = request.param
    opened = open_shop(cell, servers, tmp_path_factory.mktemp("shop"))
    yield opened
    opened.pod.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which combinations ran, and what is not at hand here."""
    found = [report for reports in terminalreporter.stats.values() for report in reports]
    names = [r.nodeid for r in found if isinstance(r, pytest.TestReport) and r.when == "call"]
    terminalreporter.section("combinations of Django, Python and drivers")
    for cell in chosen():
        count = sum(f"[{cell}" in name for name in names)
        terminalreporter.line(f"{cell}: {count} tests")
    for name in not_at_hand():
        terminalreporter.line(f"not at hand: {name}")
