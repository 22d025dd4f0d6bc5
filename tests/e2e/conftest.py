"""The end-to-end tests: `pytest -n 4 --dist worksteal tests/e2e`, or without options one by one.

They need what localkube's node needs (root on Debian); cluster, servers, images and the chart's
release are made by the first test process and taken away by the last. Tests share the operator
but neither namespaces nor databases, and one of them may have it killed at any moment: only a
test that measures how quickly the operator answers, or counts what it does, asks for
`steady_operator`, and one that follows logs for `steady_kubelet`. While writing tests, keep a
stage up with `python -m stage` (see there) and name it in DBALIAS_STAGE.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from stage.api import ApiServer
from stage.play import NewShop, Shop
from stage.setting import Setting
from stage.sharing import locked, shared_stage

HERE = Path(__file__).parent
OPENED = pytest.StashKey[list[Shop]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, so that they overlap with the rest; time tests without the set-up."""
    items.sort(key=lambda item: item.path != HERE / "test_order.py")
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(600, func_only=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the state of a failed test's namespaces; a wait that was in vain has shown it."""
    report = yield
    if report.when == "call" and report.failed and "--- namespace" not in str(report.longrepr):
        for shop in item.stash.get(OPENED, []):
            report.sections.append((shop.namespace, shop.describe()))
    return report


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run share."""
    kept = os.environ.get("DBALIAS_STAGE")
    if kept:
        return Path(kept).resolve()
    base = tmp_path_factory.getbasetemp()
    # Under pytest-xdist each process has a folder of its own in that of the run.
    return (base.parent if base.name.startswith("popen-") else base) / "stage"


@pytest.fixture(scope="session")
def setting(run_folder: Path) -> Iterator[Setting]:
    """Return the stage, set up once a run."""
    with shared_stage(run_folder) as shared:
        yield shared


@pytest.fixture(scope="session")
def api(setting: Setting) -> Iterator[ApiServer]:
    """Return the API server, as administrator."""
    server = ApiServer(setting.cluster.kubeconfig)
    yield server
    server.close()


@pytest.fixture
def new_shop(setting: Setting, api: ApiServer, request: pytest.FixtureRequest) -> Iterator[NewShop]:
    """Return what opens a namespace of its own; all are left at the end."""
    opened = request.node.stash.setdefault(OPENED, [])

    def open_shop(name: str) -> Shop:
        shop = Shop(setting, api, name)
        opened.append(shop)
        return shop

    yield open_shop
    for shop in opened:
        shop.close()


@pytest.fixture
def shop(new_shop: NewShop, request: pytest.FixtureRequest) -> Shop:
    """Return a namespace named after the test."""
    return new_shop(request.node.name.removeprefix("test_"))


@pytest.fixture
def steady_operator(setting: Setting, run_folder: Path) -> Iterator[None]:
    """Keep others from harming the operator meanwhile."""
    with locked(run_folder / "operator", alone=False):
        yield


@pytest.fixture
def steady_kubelet(setting: Setting) -> Iterator[None]:
    """Keep others from killing the kubelet meanwhile: logs cannot be followed without it."""
    with locked(setting.kubelet_lock, alone=False):
        yield


@pytest.fixture
def operator_to_harm(setting: Setting, run_folder: Path) -> Iterator[None]:
    """Allow to harm the operator; waits for tests that measure it."""
    with locked(run_folder / "operator"):
        yield
