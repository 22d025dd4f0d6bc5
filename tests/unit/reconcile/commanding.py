"""Projects with management commands, and what people and Jobs do to them."""

from __future__ import annotations

from typing import Any

from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene

CACHE = {"name": "cache", "args": ["createcachetable"], "databases": ["default"]}
TIDY = {"name": "tidy", "args": ["remove_stale_contenttypes", "--no-input"]}
LOOK = {"name": "look", "args": ["check"], "when": "BeforeMigrate"}
HISTORY = {
    "name": "history", "args": ["makemigrations", "--check", "--dry-run"],
    "scope": "Project", "when": "BeforeMigrate",
}  # fmt: skip
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
LAST = {"name": "last", "args": ["collectnames"], "scope": "Project"}


def a_scene(*commands: JSON, others: tuple[JSON, ...] = (), **spec: Any) -> Scene:
    """A project with these commands, and the aliases default and users."""
    declared = project(**({"image": "shop:1", "commands": list(commands)} | spec))
    return Scene().put(declared, alias("default"), alias("users"), secret(), *others).settle()


def started(scene: Scene) -> list[str]:
    """What runs now: ``alias``, ``command on alias`` or ``command``."""
    running = [job["metadata"]["labels"] for job in scene.all("Job") if not job.get("status")]
    told = []
    for labels in running:
        command, name = (labels.get(f"dbalias.dev/{part}", "") for part in ("command", "alias"))
        told.append(" on ".join(filter(None, (command, name))))
    return sorted(told)


def end(scene: Scene, what: str, code: int = 0, **report: Any) -> Scene:
    """Let one of these end, and run passes."""
    command, _, name = what.rpartition(" on ")
    if command or what in {one["name"] for one in (HISTORY, LAST)}:
        given = {"purpose": "command", "command": command or what, "alias": name if command else ""}
    else:
        given = {"alias": what}
    scene.end_job(**given, code=code, **report)
    return scene.settle()


def condition(scene: Scene, name: str = "shop", kind: str = "CommandsCompleted") -> tuple[str, str]:
    """Status and reason of a condition: of the project, or of an alias' object."""
    of = Kind.PROJECT if name == "shop" else Kind.ALIAS
    found = scene.condition(of, name, kind)
    return (found["status"], found["reason"])


def edit(scene: Scene, **spec: Any) -> Scene:
    """Change fields of the project's spec, and let five seconds go by."""
    body = scene.get("DjangoProject", "shop")
    scene.put({**body, "spec": {**body["spec"], **spec}})
    return scene.wait(30).settle()


def ask(scene: Scene, kind: str, name: str, when: str) -> Scene:
    """Ask for a run by annotation."""
    body = scene.get(kind, name)
    annotated = {**body["metadata"], "annotations": {"dbalias.dev/migrate-requested-at": when}}
    scene.put({**body, "metadata": annotated})
    return scene.wait(30).settle()


def runs(scene: Scene, job: JSON) -> None:
    """Let the pod of a Job run."""
    meta = job["metadata"]
    owner = {"controller": True, "uid": meta["uid"], "kind": "Job", "name": meta["name"]}
    pod = {"name": f"{meta['name']}-pod", "labels": meta["labels"], "ownerReferences": [owner]}
    status = {"phase": "Running", "containerStatuses": [{"name": "migrate", "state": RUNNING}]}
    scene.put({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "status": status})
