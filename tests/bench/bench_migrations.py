"""Fifty aliases that depend on each other: our wall time over that of plain `migrate` by hand.

Three times the same waits, on databases of their own: processes of this machine, bare pods, and
the operator. What the first takes beyond the critical path is Django, what the second adds are
pods, what the third adds is ours. Needs what the end-to-end tests need; DBALIAS_STAGE joins a
stage that is up. It takes ten minutes.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.by_hand import migrate_by_pods, migrate_by_processes
from bench.moments import Moments
from bench.reporting import report
from bench.spending import Spending
from stage.api import ApiServer
from stage.fleet import Fleet, layered
from stage.play import Shop
from stage.setting import Setting
from stage.sharing import shared_stage

AIM = 1.3
FLEET = layered(levels=5, width=10, shortest=20, longest=40)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A cluster with a node, both servers and the installed operator."""
    kept = os.environ.get("DBALIAS_STAGE")
    folder = Path(kept).resolve() if kept else tmp_path_factory.mktemp("stage")
    with shared_stage(folder) as shared:
        yield shared


@pytest.fixture
def shops(setting: Setting) -> Iterator[list[Shop]]:
    """A namespace for each way of migrating."""
    with closing(ApiServer(setting.cluster.kubeconfig)) as api:
        opened = [Shop(setting, api, name) for name in ("processes", "pods", "operator")]
        yield opened
        for shop in opened:
            shop.close()


@pytest.mark.timeout(3600)
def test_fifty_aliases_take_as_long_as_the_longest_way_through_them(
    shops: list[Shop], tmp_path: Path
) -> None:
    """Nothing here fails by speed; what is asserted is that each alias ran once."""
    by_process, by_pod, ours = shops
    load = os.getloadavg()[0]
    processes = migrate_by_processes(FLEET, FLEET.databases(by_process), tmp_path)
    pods = migrate_by_pods(FLEET, FLEET.databases(by_pod), by_pod)
    total, moments, spending = migrate_by_operator(FLEET, ours)
    assert [ours.attempts(name) for name in FLEET.depends] == [1] * len(FLEET.depends)
    started = total.end - moments.first()
    report(
        f"{len(FLEET.depends)} aliases that depend on each other, with migrations that wait",
        load_of_the_machine_before=load,
        seconds_of_all_waits=sum(FLEET.seconds.values()),
        seconds_of_the_critical_path=FLEET.critical_path,
        seconds_by_plain_processes=processes,
        seconds_by_bare_pods=pods,
        seconds_from_apply_to_published_and_Ready=total.seconds,
        seconds_from_the_first_Job_to_that=started,
        ours_over_plain_processes=f"{total.seconds / processes:.2f} (aim: {AIM})",
        ours_over_bare_pods=total.seconds / pods,
        from_the_first_Job_on_over_plain_processes=started / processes,
    )
    hops = moments.hops(FLEET)
    report(
        f"Where it goes, along the longest way ({len(hops)} Jobs): seconds, mean of a Job",
        from_apply_to_the_first_Job=moments.first() - total.begin,
        **{name: statistics.mean(hop[name] for hop in hops if name in hop) for name in hops[0]},
        from_the_last_Job_to_Ready=total.end
        - max(stages["finished"] for stages in moments.seen.values()),
    )
    spending.report(aliases=len(FLEET.depends), seconds=total.seconds)


class Span:
    """A stretch of time, by `time.monotonic()`."""

    def __init__(self) -> None:
        self.begin = self.end = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return self.end - self.begin


def migrate_by_operator(fleet: Fleet, shop: Shop) -> tuple[Span, Moments, Spending]:
    """Apply everything, wait until all is Ready."""
    objects = fleet.objects(fleet.databases(shop))
    with Moments(shop.api, shop.namespace) as moments:
        spending, span = Spending(shop), Span()
        shop.apply(*objects)
        shop.eventually(shop.is_ready, what="the fleet to be Ready", within=900)
        span.end = time.monotonic()
        spending.end()
    return span, moments, spending
