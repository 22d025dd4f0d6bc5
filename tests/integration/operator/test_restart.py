"""A restart, however it comes about, is not noticed by anything but the Lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from dbalias.cluster.lease import DURATION
from integration.operator.operating import SETTLED, Operator, running, wait_until
from integration.operator.scenery import PROJECTS, database_servers, set_scene
from integration.operator.workbench import Space, Workbench
from rendering import NAMESPACE


@pytest.fixture(scope="module")
def restarted(own_bench: Workbench) -> Iterator[Operator]:
    """An operator that these tests may end."""
    with running(own_bench.operator()) as started:
        yield started


@pytest.fixture(scope="module")
def scene(own_bench: Workbench, restarted: Operator) -> Iterator[Space]:
    """A project in every state that lasts."""
    assert restarted.is_running()
    space = own_bench.namespace("scene")
    with database_servers(own_bench.scratch) as servers:
        set_scene(space, *servers)
        wait_until(lambda: own_bench.is_quiet(seconds=SETTLED), what="the scene at rest")
        yield space


@pytest.mark.parametrize("end", [Operator.stop, Operator.kill], ids=["SIGTERM", "SIGKILL"])
def test_a_restarted_operator_writes_nothing(
    own_bench: Workbench, restarted: Operator, scene: Space, end: Callable[[Operator], int]
) -> None:
    """It looks at every project, also after its own five seconds of settling, and is content."""
    before = scene.document("ready"), scene.all("jobs")
    end(restarted)
    mark = own_bench.mark()
    restarted.start()
    wait_until(
        lambda: all(restarted.has_passed(scene.name, name) for name in PROJECTS),
        what="every project looked at by the new process",
    )
    time.sleep(SETTLED)
    assert own_bench.reads(since=mark)
    assert own_bench.writes(since=mark) == []
    assert (scene.document("ready"), scene.all("jobs")) == before


def test_an_operator_asked_to_end_does_so_at_once_and_gives_the_lease_up(
    own_bench: Workbench, restarted: Operator
) -> None:
    """Exit code 0, and the next process need not wait for the Lease to run out."""
    wait_until(restarted.is_leading, what="leading")
    assert restarted.stop() == 0
    lease = own_bench.api.get("Lease", NAMESPACE, "dbalias")
    assert lease is not None
    # Until what the servers were last told is surely over it stays taken: for seconds.
    assert lease["spec"]["leaseDurationSeconds"] < DURATION
    restarted.start()
    wait_until(restarted.is_leading, what="leading")
