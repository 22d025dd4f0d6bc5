"""Two operators for a moment, or a pod and a Job too many: one effective run.

`make test` plays the telling steps; `make kill-matrix` every step of a run, on both engines, under
a leader that is frozen and one that is cut off.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from localkube import Cluster
from stage.api import JSON, ApiServer
from stage.held import Held, start_all
from stage.kill.holds import ALIAS, allow_refusals
from stage.kill.steps import Engine, Step
from stage.operating import scale_operator
from stage.play import NewShop, Shop, is_finished
from stage.rivals import cut_off, frozen, leader, second_release, wait_for_another_leader
from stage.setting import OPERATOR, OPERATOR_NAMESPACE, Setting

EVERYTHING = os.environ.get("DBALIAS_KILL_MATRIX") == "all"
TELLING = (
    (Engine.POSTGRESQL, Step.STORED),
    (Engine.MARIADB, Step.CREATED),
    (Engine.MARIADB, Step.FIRST),
    (Engine.POSTGRESQL, Step.SECOND),
    (Engine.POSTGRESQL, Step.ENDED),
)
CELLS = tuple((engine, step) for step in Step for engine in Engine) if EVERYTHING else TELLING

Fault = Callable[[Cluster, JSON], AbstractContextManager[None]]
FAULTS: dict[str, Fault] = {"frozen": lambda _, pod: frozen(pod), "cut-off": cut_off}
if not EVERYTHING:
    del FAULTS["cut-off"]


def held(new_shop: NewShop, engine: Engine, step: Step) -> Held:
    """Return a run of its own shop that will stand at a step."""
    shop = new_shop(f"{step.name}-{engine}")
    make = shop.postgres if engine is Engine.POSTGRESQL else shop.mariadb
    return Held(shop, make("gated"), step)


@pytest.fixture
def two_operators(setting: Setting, api: ApiServer, operator_to_harm: None) -> Iterator[None]:
    """Let a second pod of the operator stand by."""
    scale_operator(api, 2)
    where = (f"deploy/{OPERATOR}", f"--namespace={OPERATOR_NAMESPACE}")
    try:
        setting.cluster.kubectl("rollout", "status", *where, "--timeout=300s")
        yield
    finally:
        scale_operator(api, 1)


@pytest.mark.usefixtures("two_operators")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_leader_that_comes_back_while_another_leads_starts_no_second_run(
    fault: Fault, setting: Setting, api: ApiServer, new_shop: NewShop
) -> None:
    """Lost at every step at once; the other goes on, and the first finds itself overtaken."""
    allow_refusals(setting.cluster)
    runs = [held(new_shop, engine, step) for engine, step in CELLS]
    start_all(runs)
    first = leader(api)
    with fault(setting.cluster, first):
        wait_for_another_leader(api, first)
        time.sleep(6)  # the other has settled and has looked at every run
    for run in runs:
        run.open()
    for run in runs:
        run.demand_one_run()
    print(f"{len(runs)} runs, each started once")


def test_two_releases_that_do_not_know_of_each_other_start_one_run_each(
    setting: Setting, new_shop: NewShop
) -> None:
    """Both lead, by Leases of their own: versions and names of objects are what tells them."""
    runs = [held(new_shop, engine, Step.SECOND) for engine in Engine]
    with second_release(setting.cluster, [run.shop.namespace for run in runs]):
        start_all(runs)
        for run in runs:
            run.open()
        for run in runs:
            run.demand_one_run()


def twin_of(pod: JSON) -> JSON:
    """Return a copy of a Job's pod, as Kubernetes would start it twice."""
    kept = {
        key: pod["metadata"][key]
        for key in ("labels", "annotations", "ownerReferences", "finalizers")
        if key in pod["metadata"]
    }
    spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    metadata = {**kept, "name": f"{pod['metadata']['name']}-twin"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def second_job_of(job: JSON) -> JSON:
    """Return a Job of another name that says and does the same."""
    kept = {key: job["metadata"][key] for key in ("annotations", "ownerReferences")}
    own = ("batch.kubernetes.io/", "controller-uid", "job-name")
    labels = job["metadata"]["labels"]
    template = job["spec"]["template"]
    spec = {key: value for key, value in job["spec"].items() if key not in ("selector", "suspend")}
    spec["template"] = {
        **template,
        "metadata": {
            **template["metadata"],
            "labels": {
                key: value
                for key, value in template["metadata"]["labels"].items()
                if not key.startswith(own)
            },
        },
    }
    metadata = {**kept, "name": f"{job['metadata']['name']}-again", "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def wait_for_all_jobs(shop: Shop) -> None:
    """Wait until nothing runs any more and the alias is migrated."""
    shop.eventually(lambda: all(map(is_finished, shop.jobs())), what="every Job to end")
    shop.wait_ready()
    shop.eventually(lambda: not shop.running(alias=ALIAS), what="no pod to run")


@pytest.mark.parametrize("engine", Engine)
def test_pod_started_twice_and_a_second_job_of_the_same_body_take_effect_once(
    engine: Engine, new_shop: NewShop
) -> None:
    """The lock lets one of them migrate; whoever comes late finds nothing to do."""
    step = Step.SECOND if engine is Engine.POSTGRESQL else Step.LAST
    twice, doubled = held(new_shop, engine, step), held(new_shop, engine, Step.BETWEEN)
    start_all([twice, doubled])
    (pod,) = twice.shop.running()
    (job,) = doubled.shop.jobs()
    twice.shop.apply(twin_of(pod))
    doubled.shop.apply(second_job_of(job))
    doubled.shop.eventually(lambda: len(doubled.shop.running()) == 2, what="the second Job's pod")
    twice.open()
    doubled.open()
    for run in (twice, doubled):
        wait_for_all_jobs(run.shop)
        run.demand_one_history()
