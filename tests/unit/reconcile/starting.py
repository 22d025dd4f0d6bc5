"""Pods that start at any moment: what a kubelet mounts, and whether the application then works.

Databases are modelled by what matters here: which logins they take, which apps' migrations are
recorded, which apps have their tables. The loader is the real one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dbalias_databases
from dbalias.api.meta import JSON
from dbalias.reconcile.ports import Resource
from unit.reconcile.fake import FakeCluster
from unit.reconcile.scene import Scene

APPS = {"shop:1": ("a", "b", "c"), "shop:2": ("a", "b", "c", "d")}
"""The apps of each image; ``d`` is new in the second."""
BEHIND = timedelta(seconds=4)
"""How far a kubelet's view of the Secret may lag behind its view of the ConfigMap."""
STALE = timedelta(seconds=120)
"""How old a ConfigMap may be beside the newest Secret."""
DATABASES = "shop-databases"

Files = Mapping[str, bytes]
Address = tuple[str, str]
Versions = list[tuple[datetime, Files]]
"""Contents of one object, each with the time since when it is so."""


@dataclass(slots=True)
class Database:
    """One database: the logins it takes, apps whose migrations it records, apps with tables."""

    logins: set[tuple[str, str]] = field(default_factory=set)
    recorded: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)


@dataclass(slots=True)
class World:
    """A scene, its databases by host and name, and every version of what was published."""

    scene: Scene
    databases: dict[Address, Database] = field(default_factory=dict)
    replicas: dict[str, str] = field(default_factory=dict)
    """Hosts that replicate others."""
    config_maps: Versions = field(default_factory=list)
    secrets: Versions = field(default_factory=list)

    def note(self) -> None:
        """Remember what is published at this moment."""
        for kind, versions in (("ConfigMap", self.config_maps), ("Secret", self.secrets)):
            body = self.scene.get(kind, DATABASES)
            if body is not None:
                files = {name: content(kind, text) for name, text in body["data"].items()}
                if not versions or versions[-1][1] != files:
                    versions.append((self.scene.now, files))

    def database(self, settings: JSON) -> Database:
        """Return the database that settings lead to."""
        host = self.replicas.get(settings["HOST"], settings["HOST"])
        return self.databases.setdefault((host, settings["NAME"]), Database())

    def volumes(self) -> Iterator[Files]:
        """Yield what volumes may hold now."""
        return volumes(self.config_maps, self.secrets, self.scene.now)


def volumes(
    config_maps: Versions,
    secrets: Versions,
    now: datetime,
    *,
    stale: timedelta = STALE,
    behind: timedelta = BEHIND,
) -> Iterator[Files]:
    """Yield what a pod may mount now: each ConfigMap with each Secret that may lie beside.

    A kubelet looks at either no longer than ``stale`` ago, and at the Secret at most
    ``behind`` before it looks at the ConfigMap.
    """
    oldest = now - stale
    for since, until, config_map in _spans(config_maps, now):
        for _, ended, secret in _spans(secrets, now):
            if until >= oldest and ended >= max(oldest, since - behind):
                yield {**config_map, **secret}


def _spans(versions: Versions, now: datetime) -> Iterator[tuple[datetime, datetime, Files]]:
    ends = [*(since for since, _ in versions[1:]), now]
    for (since, files), until in zip(versions, ends, strict=False):
        yield since, until, files


def content(kind: str, text: str) -> bytes:
    """Return the file that a value in an object of this kind becomes."""
    return base64.b64decode(text) if kind == "Secret" else text.encode()


class Mounted(dbalias_databases.Folder):
    """A folder in memory, for the real loader."""

    def __init__(self, files: Files) -> None:
        self.path = self.snapshot = Path("/etc/dbalias")
        self.files = files

    def read(self, name: str) -> str:
        """Return a file's text."""
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory")
        return self.files[name].decode()

    def locate(self, name: str) -> str:
        """Return a path."""
        self.read(name)
        return str(self.path / name)


def load(files: Files) -> tuple[JSON, JSON]:
    """Return document and DATABASES as a process loads them; fails as it would."""
    folder = Mounted(files)
    found = dbalias_databases.Published(folder, folder, {})
    return found.document, found.settings()["DATABASES"]


def start(world: World, files: Files, image: str) -> list[str]:
    """Return what goes wrong in a process that starts and uses every app."""
    try:
        document, databases = load(files)
    except dbalias_databases.ConfigurationError as error:
        return [f"does not start: {error}"]
    faults = []
    for app in APPS[image]:
        for alias in sorted(places(document, app)):
            if alias not in databases:
                faults.append(f"{app} is led to {alias}, which is not there")
                continue
            settings = databases[alias]
            database = world.database(settings)
            login = (settings["USER"], settings["PASSWORD"])
            where = f"{alias} at {settings['HOST']}/{settings['NAME']}"
            if login not in database.logins:
                faults.append(f"{where} refuses {login}, takes {sorted(database.logins)}")
            if app not in database.tables:
                faults.append(f"{app} has no tables in {where}")
    return faults


def is_migrated(world: World, files: Files, image: str) -> bool:
    """Tell whether ``dbalias_wait`` would let a process of this image begin."""
    document, databases = load(files)
    managed = document["routing"]["managed"]
    return all(
        alias in databases and set(APPS[image]) <= world.database(databases[alias]).recorded
        for alias in managed
    )


def places(document: JSON, app: str) -> set[str]:
    """Return where an app is read and written, by a reading of the tables of one's own."""
    rule = _rule(document, app)
    return {*rule["read"], rule["write"]} if rule else {"default"}


def migrate(world: World, alias: str, files: Files, image: str) -> int:
    """Do to the model of a database what the runner does to a real one; its exit code."""
    document, databases = load(files)
    settings = databases[alias]
    database = world.database(settings)
    if (settings["USER"], settings["PASSWORD"]) not in database.logins:
        return 8
    allowed = {app for app in APPS[image] if _is_allowed(document, app, alias)}
    database.tables |= allowed - database.recorded
    database.recorded |= set(APPS[image])
    return 0 if allowed <= database.tables else 9


def _is_allowed(document: JSON, app: str, alias: str) -> bool:
    rule = _rule(document, app)
    if rule:
        return alias in rule["migrate"]
    return document["routing"]["unmatched"] == "Everywhere" or alias == "default"


def _rule(document: JSON, app: str) -> JSON | None:
    policies = document["routing"]["policies"]
    names = [path.rpartition(".")[2] for path in document["routers"]]
    for policy in (policies[name] for name in names if name in policies):
        index = policy["apps"].get(app, policy["any"])
        if index is not None:
            return policy["rules"][index]
    return None


class Watched(FakeCluster):
    """A cluster that tells of each write as it is done."""

    after: Callable[[], None] = staticmethod(lambda: None)

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Create, and tell."""
        done = await FakeCluster.create(self, resource, namespace, body)
        self.after()
        return done

    async def apply(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Apply, and tell."""
        done = await FakeCluster.apply(self, resource, namespace, body)
        self.after()
        return done

    async def patch(self, resource: Resource, namespace: str, name: str, patch: JSON) -> JSON:
        """Patch, and tell."""
        done = await FakeCluster.patch(self, resource, namespace, name, patch)
        self.after()
        return done


def job_files(scene: Scene, job: JSON) -> Files:
    """Return what the pod of a Job mounts."""
    volumes = job["spec"]["template"]["spec"]["volumes"]
    sources = next(v["projected"]["sources"] for v in volumes if "projected" in v)
    files: dict[str, bytes] = {}
    for source in sources:
        kind = "ConfigMap" if "configMap" in source else "Secret"
        body = scene.get(kind, (source.get("configMap") or source["secret"])["name"])
        files |= {name: content(kind, text) for name, text in body["data"].items()}
    return files
