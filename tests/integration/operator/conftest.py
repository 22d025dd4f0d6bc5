"""One control plane and one operator for most tests of this folder; some take their own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.operator.resting import Rest
from integration.operator.workbench import Workbench, workbench

HERE = Path(__file__).parent
REST_OF_RUN = pytest.StashKey[Rest]()


@pytest.fixture(scope="module")
def own_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A control plane of the module's own, for those that do harm to it or start no operator."""
    with workbench(tmp_path_factory.mktemp("bench")) as started:
        started.install()
        yield started


@pytest.fixture
def rest(request: pytest.FixtureRequest) -> Rest:
    """The cluster that rests since the run began."""
    return request.config.stash[REST_OF_RUN]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask for what the resting cluster found when all else is done."""
    items.sort(key=_looks_at_the_rest)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the rest begin before the first test, if a test will look at it."""
    config = session.config
    if any(map(_looks_at_the_rest, session.items)) and not config.option.collectonly:
        run = getattr(config, "workerinput", {}).get("testrunuid", str(os.getpid()))
        config.stash[REST_OF_RUN] = Rest(Path(tempfile.gettempdir()) / f"dbalias-rest-{run}")
        config.stash[REST_OF_RUN].begin()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take the resting cluster down; with several test processes another may still need it."""
    if REST_OF_RUN in session.config.stash:
        given_up = session.shouldstop or session.shouldfail
        alone = not hasattr(session.config, "workerinput")
        session.config.stash[REST_OF_RUN].end(at_once=bool(alone or given_up))


def _looks_at_the_rest(item: pytest.Item) -> bool:
    return item.path == HERE / "test_rest.py"
