"""What clears Jobs and pods away while somebody still needs them."""

from collections.abc import Callable
from enum import StrEnum

from stage.api import JSON
from stage.held import Held
from stage.play import Shop


class Way(StrEnum):
    """How a Job or its pod goes; the value says who does it."""

    BACKGROUND = "kubectl delete job"
    FOREGROUND = "kubectl delete job --cascade=foreground"
    ORPHAN = "kubectl delete job --cascade=orphan"
    TTL = "somebody gave the Job a time to live after its end"
    DEADLINE = "somebody gave the Job a deadline, then deleted it while it failed"
    FORCE = "kubectl delete pod --force"


def clear(run: Held, way: Way) -> None:
    """Let the run's Job, or its pod, go in this way."""
    (job,) = run.shop.jobs()
    _WAYS[way](run.shop, job)


def set_time_to_live(shop: Shop, job: JSON) -> None:
    """Let the Job go the moment it has ended."""
    shop.change("Job", job["metadata"]["name"], spec={"ttlSecondsAfterFinished": 0})


def _deleted(policy: str) -> Callable[[Shop, JSON], None]:
    def delete(shop: Shop, job: JSON) -> None:
        name = job["metadata"]["name"]
        shop.api.delete("Job", shop.namespace, name, propagationPolicy=policy)

    return delete


def _deleted_while_it_fails(shop: Shop, job: JSON) -> None:
    name = job["metadata"]["name"]
    shop.change("Job", name, spec={"activeDeadlineSeconds": 1})
    shop.eventually(
        lambda: has_failure_target(shop.fetch("Job", name)), what="the Job to be about to fail"
    )
    shop.api.delete("Job", shop.namespace, name)


def has_failure_target(job: JSON) -> bool:
    """Return whether a Job is about to fail."""
    return any(one["type"] == "FailureTarget" for one in job["status"].get("conditions", ()))


def _pods_forced(shop: Shop, job: JSON) -> None:
    for pod in shop.objects("Pod", labelSelector=f"job-name={job['metadata']['name']}"):
        shop.api.delete("Pod", shop.namespace, pod["metadata"]["name"], gracePeriodSeconds=0)
    shop.eventually(lambda: not shop.running(), what="the pod to be killed")


_WAYS: dict[Way, Callable[[Shop, JSON], None]] = {
    Way.BACKGROUND: _deleted("Background"),
    Way.FOREGROUND: _deleted("Foreground"),
    Way.ORPHAN: _deleted("Orphan"),
    Way.TTL: set_time_to_live,
    Way.DEADLINE: _deleted_while_it_fails,
    Way.FORCE: _pods_forced,
}
