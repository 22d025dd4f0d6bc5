"""Waiting that shows what it waits for: every change as a line, and what runs right now."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dbalias.api.conditions import parse_timestamp
from demo.errors import DemoError
from demo.guides import Guide
from demo.programs import Kube
from demo.screen import Screen

_POLL_SECONDS = 1.0
READY_TIMEOUT = 300.0
ROLLOUT_TIMEOUT = 180.0
_KINDS = "djangoprojects,databasealiases,databaseroutingpolicies,databaseservers,jobs"


@dataclass(slots=True)
class Sight:
    """What one look saw: a state for each object, what is going on now, and if all is done."""

    states: dict[str, str] = field(default_factory=dict)
    going_on: list[str] = field(default_factory=list)
    done: bool = True


def wait_until_ready(kube: Kube, screen: Screen, guides: tuple[Guide, ...]) -> None:
    """Wait for every project, alias and policy. Raises DemoError when it takes too long."""

    def look() -> Sight:
        sight = Sight()
        for guide in guides:
            for body in kube.items(_KINDS, guide.namespace):
                _see(sight, guide.namespace, body)
        return sight

    _watch(screen, look, what="the examples", timeout=READY_TIMEOUT)


def wait_for_rollout(kube: Kube, screen: Screen, *, namespace: str, name: str) -> None:
    """Wait until a Deployment runs as declared. Raises DemoError when it takes too long."""

    def look() -> Sight:
        body = kube.get("deployment", name, f"--namespace={namespace}")
        status, wanted = body.get("status", {}), body["spec"].get("replicas", 1)
        current = status.get("observedGeneration") == body["metadata"]["generation"]
        updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
        total = status.get("replicas", 0)
        sight = Sight(done=current and updated == available == total == wanted)
        sight.going_on.append(f"Deployment {name}: {available} of {wanted} pods available")
        for pod in kube.items("pods", namespace):
            sight.states |= _hindrances(pod)
        return sight

    _watch(screen, look, what=f"Deployment {namespace}/{name}", timeout=ROLLOUT_TIMEOUT)


def condition(body: Any, kind: str) -> dict[str, Any]:
    """Return one condition of an object, {} when it has none of that type."""
    conditions = body.get("status", {}).get("conditions", [])
    return next((dict(each) for each in conditions if each["type"] == kind), {})


def is_ready(body: Any) -> bool:
    """Tell whether an object's Ready is True for what is declared now."""
    ready = condition(body, "Ready")
    current = ready.get("observedGeneration") == body["metadata"]["generation"]
    return ready.get("status") == "True" and current


def job_state(job: Any) -> str:
    """Return Complete, Failed, Running or Pending."""
    for kind in ("Complete", "Failed"):
        if condition(job, kind).get("status") == "True":
            return kind
    return "Running" if job.get("status", {}).get("active") else "Pending"


def seconds_of(job: Any) -> float:
    """Return how long a Job has run or did run."""
    status = job.get("status", {})
    begun = parse_timestamp(status.get("startTime"))
    if begun is None:
        return 0.0
    over = condition(job, "Failed").get("lastTransitionTime")
    ended = parse_timestamp(status.get("completionTime") or over) or datetime.now(UTC)
    return (ended - begun).total_seconds()


def _hindrances(pod: Any) -> dict[str, str]:
    """Return why containers of a pod do not run, by the pod's name."""
    reasons = [
        container["state"]["waiting"].get("reason", "")
        for container in pod["status"].get("containerStatuses", [])
        if "waiting" in container["state"]
    ]
    passing = {"ContainerCreating", "PodInitializing", ""}
    told = ", ".join(reason for reason in reasons if reason not in passing)
    return {f"Pod {pod['metadata']['name']}": told} if told else {}


def _watch(screen: Screen, look: Callable[[], Sight], *, what: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    known: dict[str, str] = {}
    while True:
        sight = look()
        for name, state in sight.states.items():
            if known.get(name) != state:
                screen.say(f"{name}: {state}")
        known = sight.states
        if sight.done:
            return
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not become ready within {timeout:.0f} s")
        screen.wait_line("; ".join(sight.going_on) or f"waiting for {what}")
        time.sleep(_POLL_SECONDS)


def _see(sight: Sight, namespace: str, body: Any) -> None:
    kind, name = body["kind"], body["metadata"]["name"]
    label = f"{namespace:13} {kind} {name}"
    if kind == "Job":
        state = job_state(body)
        sight.states[label] = state
        if state in ("Running", "Pending"):
            sight.going_on.append(f"Job {name} {state} {seconds_of(body):.0f} s")
        return
    ready = condition(body, "Ready")
    if is_ready(body):
        sight.states[label] = "Ready"
        return
    sight.done = False
    if ready:
        sight.states[label] = f"not ready, {ready['reason']}"
