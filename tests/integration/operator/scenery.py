"""A namespace with a project in every state that lasts: what rest and restarts must not disturb."""

from __future__ import annotations

import json
from typing import Any

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space

PROJECTS = {
    "ready": "Ready",
    "waiting": "SecretNotFound",
    "without": "DefaultMissing",
    "stalled": "InvalidConfiguration",
    "held": "Suspended",
    "done": "Ready",
    "running": "PodUnschedulable",
}
"""Each project, with the reason of its condition Ready."""


def set_scene(space: Space) -> None:
    """Apply every project and wait until each says what it will say from then on."""
    space.apply(
        secret(),
        project("ready", profiles=[{"name": "web", "aliases": [{"alias": "*", "connMaxAge": 9}]}]),
        alias("default", of="ready"),
        alias("replica", of="ready", inheritFrom="default", host="r.example", role="Replica"),
        policy("all", everything_to("default"), of="ready"),
        project("waiting"),
        alias("default", of="waiting"),
        alias("lost", of="waiting", secret="none"),
        project("without"),
        alias("users", of="without"),
        project("stalled"),
        alias("default", of="stalled", options={"pool": True}, connMaxAge=60),
        project("held", image="shop:1", suspend=True),
        alias("default", of="held"),
        project("done", image="shop:1"),
        alias("default", of="done", host="done.example"),
        project("running", image="shop:1"),
        alias("default", of="running", host="running.example"),
        alias("orphan", of="nobody"),
    )
    end_pod(space, project="done")
    for name, reason in PROJECTS.items():
        space.wait_for("djp", name, reason=reason, seconds=120)
    space.wait_for("dba", "nobody-orphan", reason="ProjectNotFound")


def end_pod(space: Space, *, project: str, code: int = 0, **report: Any) -> None:
    """Let the pod of a project's only Job end with this report, as a kubelet would say it."""
    label = f"dbalias.dev/project={project}"

    def waiting() -> list[str]:
        names = space.bench.kubectl("get", "pods", "-n", space.name, "-l", label, "-o", "name")
        return names.split()

    (pod,) = wait_until(waiting, seconds=90, what=f"a pod of {project}")
    told = {"format": 1, "state": "done" if code == 0 else "failed", "exit": code} | report
    ended = {"exitCode": code, "reason": "Completed", "message": json.dumps(told)}
    container = {"name": "migrate", "image": "shop:1", "imageID": "shop:1", "ready": False,
                 "restartCount": 0, "state": {"terminated": ended}}  # fmt: skip
    status = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [container]}
    space.patch("pod", pod.partition("/")[2], "--subresource=status", status=status)
