"""A namespace with a project in every state that lasts: what rest and restarts must not disturb."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration.operator.objects import (
    Body,
    alias,
    everything_to,
    made_alias,
    policy,
    project,
    secret,
    server,
)
from integration.operator.operating import wait_until
from integration.operator.workbench import Space
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer

ADMINISTRATOR = {"username": "provisioner", "password": "not the superuser's"}

PROJECTS = {
    "ready": "Ready",
    "waiting": "SecretNotFound",
    "without": "DefaultMissing",
    "stalled": "InvalidConfiguration",
    "held": "Suspended",
    "done": "Ready",
    "running": "PodUnschedulable",
    "made": "Ready",
}
"""Each project, with the reason of its condition Ready."""


@contextmanager
def database_servers(folder: Path) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    """Start the servers on which the scene's databases are made: PostgreSQL and MariaDB."""
    with PostgresServer(folder / "postgres") as postgres, MariaDBServer(folder / "maria") as maria:
        for one in (postgres, maria):
            one.create_administrator(ADMINISTRATOR["username"], ADMINISTRATOR["password"])
        yield postgres, maria


def set_scene(space: Space, *servers: DatabaseServer) -> None:
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
        project("made"),
        secret("admin", **ADMINISTRATOR),
        *_made(*servers),
    )
    end_pod(space, project="done")
    for name, reason in PROJECTS.items():
        space.wait_for("djp", name, reason=reason)
    space.wait_for("dba", "nobody-orphan", reason="ProjectNotFound")


def _made(postgres: DatabaseServer, maria: DatabaseServer) -> Iterator[Body]:
    """Yield two servers and aliases that they make, with what may come due or be looked at."""
    for one in (postgres, maria):
        yield server(one.engine, one.engine, port=one.port, checkLogins=True)
    inside = {"schemas": ["extra"], "extensions": [{"name": "citext"}]}
    yield made_alias("default", on=postgres.engine, database=inside, readOnly=True)
    yield made_alias("turning", on=postgres.engine, rotation={"interval": "30d"})
    yield made_alias("users", on=maria.engine, readOnly=True, deletionPolicy="Delete")


def end_pod(space: Space, *, project: str, code: int = 0, **report: Any) -> None:
    """Let the pod of a project's only Job end with this report, as a kubelet would say it."""
    label = f"dbalias.dev/project={project}"

    def waiting() -> list[Body]:
        return space.bench.api.objects("Pod", space.name, labelSelector=label)

    (pod,) = wait_until(waiting, what=f"a pod of {project}")
    told = {"format": 1, "state": "done" if code == 0 else "failed", "exit": code} | report
    ended = {"exitCode": code, "reason": "Completed", "message": json.dumps(told)}
    container = {"name": "migrate", "image": "shop:1", "imageID": "shop:1", "ready": False,
                 "restartCount": 0, "state": {"terminated": ended}}  # fmt: skip
    status = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [container]}
    space.bench.api.merge_status("Pod", space.name, pod["metadata"]["name"], status)
