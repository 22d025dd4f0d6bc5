"""One namespace of the stage: apply, wait, and read what came of it."""

import base64
import itertools
import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from localkube.databases import MariaDBServer, PostgresServer
from stage.api import JSON, ApiServer
from stage.audit import writes_since
from stage.objects import PROJECT, Database, application, object_name, quota
from stage.setting import Setting
from stage.trouble import describe

POLL = 0.25
WITHIN = 300.0
"""Seconds for what takes ten on a machine with nothing else to do."""
T = TypeVar("T")

_OWN_KINDS = ("DjangoProject", "DatabaseAlias", "DatabaseRoutingPolicy", "DatabaseServer")


class Shop:
    """A namespace that enforces Pod Security `restricted`, and databases of its own."""

    def __init__(self, setting: Setting, api: ApiServer, name: str) -> None:
        self.setting = setting
        self.api = api
        self.namespace = f"{_slug(name, 40)}-{secrets.token_hex(3)}"
        self._databases: list[Database] = []
        level = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": self.namespace, "labels": level}
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.eventually(
            lambda: api.get("ServiceAccount", self.namespace, "default"), what="an account"
        )

    def close(self) -> None:
        """Let go of the namespace and drop the databases; nobody waits for the namespace's end."""
        self.api.delete("Namespace", "", self.namespace)
        for database in self._databases:
            database.server.drop_database(database.name)

    def postgres(self, name: str, *, password: str | None = None) -> Database:
        """Make a PostgreSQL database and its login."""
        return self._database(self.setting.postgres, name, password)

    def mariadb(self, name: str, *, password: str | None = None) -> Database:
        """Make a MariaDB database and its login."""
        return self._database(self.setting.mariadb, name, password)

    def apply(self, *objects: JSON) -> None:
        """Apply objects, or lists of them, one after the other.

        A project comes last, for nothing starts without: else a pause of five seconds between
        two objects, which a busy machine may make, would start what is there.
        """
        flat = [one for some in objects for one in (some if isinstance(some, list) else [some])]
        for one in sorted(flat, key=lambda one: bool(one["kind"] == "DjangoProject")):
            metadata = {**one["metadata"], "namespace": self.namespace}
            self.api.apply({**one, "metadata": metadata})

    def limit_pods(self, most: int) -> None:
        """Admit so many pods; before the quota has been counted, refusals have other words."""
        self.apply(quota(most))
        self.eventually(
            lambda: self.fetch("ResourceQuota", "pods").get("status", {}).get("hard"),
            what="the quota to be counted",
        )

    def change(self, kind: str, name: str, **change: JSON) -> None:
        """Merge a change into an object."""
        self.api.merge(kind, self.namespace, name, **change)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object."""
        self.api.delete(kind, self.namespace, name)

    def get(self, kind: str, name: str) -> JSON | None:
        """Return an object, or None."""
        return self.api.get(kind, self.namespace, name)

    def fetch(self, kind: str, name: str) -> JSON:
        """Return an object that is there."""
        found = self.get(kind, name)
        assert found is not None, f"there is no {kind}/{name}\n{self.describe()}"
        return found

    def objects(self, kind: str, **query: str) -> list[JSON]:
        """Return all objects of a kind."""
        return self.api.objects(kind, self.namespace, **query)

    def jobs(self, *, alias: str | None = None) -> list[JSON]:
        """Return the migrate Jobs, of one alias or of all, the oldest first."""
        found = self.objects("Job", labelSelector=_selector(alias))
        return sorted(found, key=lambda job: int(job["metadata"]["labels"]["dbalias.dev/attempt"]))

    def condition(self, type: str, *, alias: str | None = None) -> JSON:
        """Return a condition of an alias' object, or of the project; {} when there is none."""
        name = object_name(alias) if alias else PROJECT
        found = self.get("DatabaseAlias" if alias else "DjangoProject", name)
        return _condition(found, type)

    def attempts(self, alias: str) -> int:
        """Return how many runs of an alias were ever started, as its status says."""
        found = self.get("DatabaseAlias", object_name(alias)) or {}
        return int(found.get("status", {}).get("migration", {}).get("attempt", 0))

    def secret(self, name: str) -> dict[str, str]:
        """Return what a Secret holds, {} when there is none."""
        found = self.get("Secret", name) or {}
        data = found.get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def running(self, *, alias: str | None = None) -> list[JSON]:
        """Return the pods of migrate Jobs that run now."""
        pods = self.objects("Pod", labelSelector=_selector(alias))
        return [pod for pod in pods if pod["status"].get("phase") == "Running"]

    def published(self) -> JSON:
        """Return the published databases.json, or None when nothing is published."""
        found = self.get("ConfigMap", f"{PROJECT}-databases")
        return json.loads(found["data"]["databases.json"]) if found else None

    def writes(self, since: float) -> list[str]:
        """Return the operator's writes in this namespace since then (`time.time()`)."""
        return writes_since(self.setting.cluster.audit_log, since, namespace=self.namespace)

    def eventually(
        self, probe: Callable[[], T], *, what: str | Callable[[], str], within: float = WITHIN
    ) -> T:
        """Return the first true answer of a probe; AssertionError says what was awaited."""
        deadline = time.monotonic() + within
        while not (answer := probe()):
            if time.monotonic() > deadline:
                text = what if isinstance(what, str) else what()
                raise AssertionError(f"waited {within:.0f} s for {text}\n{self.describe()}")
            time.sleep(POLL)
        return answer

    def expect(
        self, type: str, status: str, *, reason: str | None = None,
        alias: str | None = None, within: float = WITHIN,
    ) -> JSON:  # fmt: skip
        """Wait for a condition of this status and reason at the current generation; return it."""

        def probe() -> JSON:
            found = self.condition(type, alias=alias)
            fits = found.get("status") == status and reason in (None, found.get("reason"))
            return found if fits else None

        who = f"alias {alias}" if alias else "the project"
        return self.eventually(probe, what=f"{type}={status} ({reason}) of {who}", within=within)

    def wait_ready(self, *, within: float = WITHIN) -> None:
        """Wait until the project and all its aliases and policies are Ready as they stand."""
        self.eventually(self.is_ready, what="everything to be Ready", within=within)

    def is_ready(self) -> bool:
        """Return whether there are objects of ours and all are Ready in their generation."""
        found = 0
        # Kind after kind, the project's first: it is asked four times a second.
        for one in itertools.chain.from_iterable(map(self.objects, _OWN_KINDS)):
            if _condition(one, "Ready").get("status") != "True":
                return False
            found += 1
        return found > 0

    def run(self, *argv: str, image: str | None = None, within: float = WITHIN) -> str:
        """Run a command in a pod of the application, with the published settings; its output."""
        name = f"web-{secrets.token_hex(2)}"
        self.apply(application(name, argv, **({"image": image} if image else {})))

        def phase() -> str:
            pod = self.get("Pod", name)
            found = pod["status"].get("phase", "") if pod else ""
            return found if found in ("Succeeded", "Failed") else ""

        ended = self.eventually(phase, what=f"the pod {name} to end", within=within)
        log = self.api.log(self.namespace, name)
        assert ended == "Succeeded", f"{' '.join(argv)} failed:\n{log}"
        return log

    def kubectl(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start kubectl in this namespace."""
        cluster = self.setting.cluster
        argv = [str(cluster.binary("kubectl")), f"--kubeconfig={cluster.kubeconfig}"]
        return subprocess.Popen(
            [*argv, f"--namespace={self.namespace}", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def describe(self) -> str:
        """Return what a person would look at after a failure."""
        return describe(self.api, self.namespace)

    def _database(
        self, server: PostgresServer | MariaDBServer, name: str, password: str | None
    ) -> Database:
        # A MariaDB database's name has at most 64 characters, one in PostgreSQL 63.
        own = f"{self.namespace[-24:]}_{name}".replace("-", "_").lstrip("_")
        database = Database(server, own, own, password or secrets.token_urlsafe(9))
        server.create_database(own, own, database.password)
        self._databases.append(database)
        return database


def is_complete(job: JSON) -> bool:
    """Return whether a Job has the condition Complete."""
    return _has(job, "Complete")


def is_finished(job: JSON) -> bool:
    """Return whether a Job has the condition Complete or Failed."""
    return _has(job, "Complete", "Failed")


def _has(job: JSON, *types: str) -> bool:
    conditions: Iterable[JSON] = job["status"].get("conditions", ())
    return any(one["type"] in types and one["status"] == "True" for one in conditions)


def _condition(found: JSON | None, type: str) -> JSON:
    if found is None:
        return {}
    generation = found["metadata"]["generation"]
    for one in found.get("status", {}).get("conditions", ()):
        if one["type"] == type and one.get("observedGeneration") == generation:
            return one
    return {}


def _selector(alias: str | None) -> str:
    return "dbalias.dev/purpose=migrate" + (f",dbalias.dev/alias={alias}" if alias else "")


def _slug(text: str, length: int) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:length].strip("-")


NewShop = Callable[[str], Shop]
"""Opens a namespace of this name, with an ending of its own."""
