"""Workloads for the tests of ``inject``, as people write them."""

from __future__ import annotations

from typing import Any

JSON = Any

KINDS = {
    "Pod": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def container(name: str = "web", /, **fields: JSON) -> JSON:
    """Return a container of the application."""
    return {"name": name, "image": "registry.example/shop:1.4", **fields}


def pod_spec(*containers: JSON, **fields: JSON) -> JSON:
    """Return a PodSpec; without containers it has one."""
    return {"containers": list(containers or [container()]), **fields}


def restricted_pod(**fields: JSON) -> JSON:
    """Return a PodSpec that Pod Security `restricted` admits."""
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    only = container(securityContext=RESTRICTED)
    return pod_spec(only, securityContext=security, **fields)


def workload(kind: str, pod: JSON) -> JSON:
    """Return a workload of a kind with this PodSpec."""
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    never = {**template, "spec": {"restartPolicy": "Never", **pod}}
    spec = {
        "Pod": pod,
        "StatefulSet": {
            "selector": {"matchLabels": labels},
            "serviceName": "web",
            "template": template,
        },
        "Job": {"template": never},
        "CronJob": {"schedule": "0 4 * * *", "jobTemplate": {"spec": {"template": never}}},
    }.get(kind, {"selector": {"matchLabels": labels}, "template": template})
    return {"apiVersion": KINDS[kind], "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def pod_of(body: JSON) -> JSON:
    """Return the PodSpec of a workload."""
    spec = body["spec"]
    if body["kind"] == "Pod":
        return spec
    return (spec["jobTemplate"]["spec"] if body["kind"] == "CronJob" else spec)["template"]["spec"]
