"""The shop published for one combination: two servers, a replica of each, pools and pins."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbalias.api.policy import DatabaseRoutingPolicy, PinReads
from dbalias.api.project import Settings
from environments import Cell, environment
from integration.runtime.pod import Database, Outcome, Pod, a_database
from integration.runtime.waiting import LOOK, wait
from matrix.encrypted import VERIFIED, Servers
from unit.builders import a_policy, a_project, a_replica, a_rule

PROBE = Path(__file__).parent / "image" / "probe.py"
ALIASES = ("default", "users")
PASSWORD = "pässwörd-密码-🔑 %s"
"""PyMySQL and mysqlclient want it in two different shapes."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A pod of the shop, how its waiting ended before and after, and each alias' migration."""

    cell: Cell
    pod: Pod
    databases: dict[str, Database]
    waited_before: Outcome
    migrated: dict[str, Outcome]
    waited_after: Outcome


def open_shop(cell: Cell, servers: Servers, folder: Path) -> Shop:
    """Publish the shop, wait in vain, migrate every alias, wait again."""
    pod = Pod(folder)
    pod.python = environment(cell.interpreter, *cell.parts).python
    shutil.copy(PROBE, pod.image)
    databases = {
        "default": a_database(servers.postgres, PASSWORD),
        "users": a_database(servers.mariadb, PASSWORD),
    }
    _publish(pod, databases, servers)
    before = wait(pod, timeout=LOOK)
    migrated = {alias: pod.run(alias) for alias in ALIASES}
    after = wait(pod)
    return Shop(cell, pod, databases, before, migrated, after)


def _publish(pod: Pod, databases: dict[str, Database], servers: Servers) -> None:
    aliases = [database.alias(alias, tls=VERIFIED) for alias, database in databases.items()]
    sources: dict[Any, Any] = servers.sources()
    for alias, database in databases.items():
        aliases.append(a_replica(f"{alias}_copy", alias, host=None))
        sources |= database.sources(alias)
    project = a_project(settings=Settings(module="shop.settings", extra={"ROOT_URLCONF": "probe"}))
    pod.publish(aliases, [_policy()], sources=sources, project=project)


def _policy() -> DatabaseRoutingPolicy:
    people = a_rule("users", "customers", "orders", read=("users_copy",))
    rest = a_rule("default", "*", read=("default_copy",), weights={"default_copy": 3})
    return a_policy("shop", people, rest, pin_reads=PinReads.REQUEST)
