"""A node dies while its pod holds the lock in the middle of a migration.

`make test` plays one remedy; `make kill-matrix` the others, and a node that comes back.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from localkube.further import FurtherNode
from localkube.images import archive_of
from stage.api import JSON
from stage.held import Held, start_all
from stage.images import SHOP_1_4
from stage.kill.steps import Step
from stage.play import NewShop
from stage.setting import Setting

EVERYTHING = os.environ.get("DBALIAS_KILL_MATRIX") == "all"
FREE_WITHIN = 30.0


@pytest.fixture
def further(setting: Setting) -> Iterator[FurtherNode]:
    """Return a node that this test may lose."""
    node = setting.cluster.add_node()
    try:
        node.node.load_archive(archive_of(SHOP_1_4))
        yield node
    finally:
        node.remove()
        setting.cluster.kubectl("delete", "node", node.name, "--ignore-not-found")


def rather_on(node: FurtherNode) -> JSON:
    """Return the pod options that prefer a node, and let go of it soon once it is lost."""
    matches = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
    preference = {"weight": 100, "preference": {"matchExpressions": [matches]}}
    unreachable = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    return {
        "affinity": {
            "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}
        },
        "tolerations": [
            {"key": "localkube/further", "operator": "Exists"},
            {**unreachable, "operator": "Exists", "tolerationSeconds": 600},
        ],
    }


def lose(node: FurtherNode, runs: list[Held]) -> None:
    """Cut the node off, end it, and see how long its runs keep their locks."""
    node.cut()
    lost = time.monotonic()
    node.die()
    waiting = list(runs)
    while waiting:
        after = time.monotonic() - lost
        for run in waiting[:]:
            if run.is_lock_free():
                print(f"{run.database.server.engine}: lock free {after:.1f} s after the node died")
                waiting.remove(run)
        assert not waiting or after < FREE_WITHIN, waiting[0].shop.describe()
        time.sleep(0.5)


def give_up_jobs(runs: Sequence[Held], _: FurtherNode) -> None:
    """Say that the pods are gone, as one does who may not delete nodes."""
    for run in runs:
        for pod in run.shop.running():
            name = pod["metadata"]["name"]
            run.shop.delete("Job", pod["metadata"]["labels"]["job-name"])
            run.shop.api.delete("Pod", run.shop.namespace, name, gracePeriodSeconds=0)


def give_up_node(runs: Sequence[Held], node: FurtherNode) -> None:
    """Say that the node is gone."""
    runs[0].shop.setting.cluster.kubectl("delete", "node", node.name)


def bring_back(_: Sequence[Held], node: FurtherNode) -> None:
    """Let the node start again: its kubelet says that the pods have ended, and how."""
    node.mend()
    node.boot()


REMEDIES = {"jobs given up": give_up_jobs, "node given up": give_up_node, "node back": bring_back}
if not EVERYTHING:
    del REMEDIES["node given up"], REMEDIES["node back"]


def two_runs(new_shop: NewShop, node: FurtherNode) -> tuple[Held, Held]:
    """Return a run on PostgreSQL and one on MariaDB, on this node in the middle of a migration."""
    atomic, halfway = new_shop("lost-postgres"), new_shop("lost-mariadb")
    where = rather_on(node)
    again = Held(atomic, atomic.postgres("gated"), Step.SECOND, **where)
    person = Held(halfway, halfway.mariadb("gated"), Step.FIRST, **where)
    start_all([again, person])
    for run in (again, person):
        assert [pod["spec"]["nodeName"] for pod in run.shop.running()] == [node.name]
    return again, person


def demand_node_named(run: Held, node: FurtherNode) -> None:
    """Wait until the condition names the node and says what to do."""
    told = run.expect("Migrated", "False", reason="NodeLost")["message"]
    assert f"the node {node.name}" in told
    assert "delete the Node object, or delete the Job and then its pod" in told
    assert run.attempts == 1


@pytest.mark.parametrize("remedy", REMEDIES.values(), ids=REMEDIES.keys())
def test_run_on_a_lost_node_frees_its_lock_and_is_judged_once(
    remedy: Callable[[Sequence[Held], FurtherNode], None],
    further: FurtherNode,
    new_shop: NewShop,
) -> None:
    """PostgreSQL undoes the half: repeated by itself. MariaDB does not: a person is told where."""
    again, person = two_runs(new_shop, further)
    lose(further, [again, person])
    for run in (again, person):
        demand_node_named(run, further)
        run.open()
    remedy((again, person), further)

    again.shop.wait_ready()
    assert again.attempts == 2
    again.demand_one_history()
    person.shop.eventually(
        lambda: "gated.0001_effect" in person.condition("Stalled").get("message", ""),
        what="the migration to be named",
    )
    assert person.expect("Stalled", "True")["reason"] == "MigrationInterrupted"
    assert person.attempts == 1
