"""A server pass in this process, on a real API server and real database servers."""

from __future__ import annotations

import base64
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

from dbalias.api.meta import API_VERSION, JSON, Key
from dbalias.cluster.client import Api
from dbalias.cluster.write import LiveCluster
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.ports import Cluster, Resource
from dbalias.reconcile.provisioning.ports import Connect
from dbalias.reconcile.provisioning.reconciler import ServerReconciler
from integration.provisioning.logins import (
    can_make_a_table,
    can_read,
    connect_patiently,
    decoded,
    end_of_threads,
)
from localkube.databases import DatabaseServer

ADMINISTRATOR, ADMIN_PASSWORD = "provisioner", "not the superuser's"
INSTALLATION = "tests/dbalias"
_numbers = itertools.count(1)


class AlwaysLeading:
    """A Lease that is never lost."""

    def remaining(self) -> float:
        """Return seconds enough."""
        return 60.0


@dataclass(slots=True)
class Rig:
    """One namespace with a DatabaseServer, and how to run passes over it."""

    api: Api
    cluster: Cluster
    database: DatabaseServer
    namespace: str
    now: Callable[[], datetime]
    installation: str = INSTALLATION
    reconciler: ServerReconciler = field(init=False)
    _processes: list[ServerReconciler] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def key(self) -> Key:
        """The server."""
        return Key(self.namespace, "main")

    def restart(self, cluster: Cluster | None = None, connect: Connect = connect_patiently) -> None:
        """Forget all that a process remembers; ``cluster`` and ``connect`` may misbehave."""
        cluster = cluster or self.cluster
        self.reconciler = ServerReconciler(
            cluster,
            BindingSecrets(cluster),
            Metrics(),
            clock=self.now,
            installation=self.installation,
            connect=connect,
        )
        self._processes.append(self.reconciler)

    async def close(self) -> None:
        """End the sessions of every process that there was."""
        for reconciler in self._processes:
            await reconciler.close()
        await end_of_threads()

    async def run(self) -> float | None:
        """Run one pass."""
        return await self.reconciler.reconcile(self.key)

    async def declare(self, **spec: Any) -> None:
        """Create the DatabaseServer and its administrator's Secret."""
        await self.put(
            Resource.SECRETS, secret("admin", username=ADMINISTRATOR, password=ADMIN_PASSWORD)
        )
        fields = {
            "engine": self.database.engine,
            "host": self.database.host,
            "port": self.database.port,
            "adminCredentials": {"secretRef": {"name": "admin"}, "preset": "BasicAuth"},
        }
        await self.put(Resource.SERVERS, an_object("DatabaseServer", "main", fields | spec))

    async def alias(self, name: str = "users", **provision: Any) -> JSON:
        """Create a provisioned alias."""
        return await self.put(Resource.ALIASES, an_alias(name, provision=provision))

    async def put(self, resource: Resource, body: JSON) -> JSON:
        """Create an object in the namespace."""
        return await self.cluster.create(resource, self.namespace, body)

    async def patch(self, resource: Resource, name: str, **change: Any) -> JSON:
        """Merge-patch an object."""
        return await self.cluster.patch(resource, self.namespace, name, change)

    async def remove(self, resource: Resource, name: str) -> None:
        """Delete an object."""
        body = await self.cluster.get(resource, self.namespace, name)
        assert body is not None
        uid = body["metadata"]["uid"]
        await self.cluster.delete(resource, self.namespace, name, uid=uid)

    async def status(self, name: str = "users") -> JSON:
        """Return the status of an alias, its conditions by type."""
        return await self._status(Resource.ALIASES, name)

    async def server_status(self) -> JSON:
        """Return the status of the server, its conditions by type."""
        return await self._status(Resource.SERVERS, "main")

    async def provisioned(self, name: str = "users") -> JSON:
        """Return the condition Provisioned of an alias."""
        return (await self.status(name))["conditions"]["Provisioned"]

    async def binding(self, name: str = "users-binding") -> dict[str, str] | None:
        """Return what a binding Secret holds; None while there is none."""
        body = await self.cluster.get(Resource.SECRETS, self.namespace, name)
        if body is None:
            return None
        return decoded(body)

    async def version(self, resource: Resource, name: str) -> str | None:
        """Return the resourceVersion of an object; None when there is none."""
        body = await self.cluster.get(resource, self.namespace, name)
        return None if body is None else str(body["metadata"]["resourceVersion"])

    async def _status(self, resource: Resource, name: str) -> JSON:
        body = await self.cluster.get(resource, self.namespace, name)
        assert body is not None
        status = dict(body.get("status") or {})
        return status | {"conditions": {one["type"]: one for one in status.get("conditions") or ()}}

    async def orphans(self) -> list[JSON]:
        """Return what the server lists as retained."""
        return list((await self.server_status()).get("orphans", {}).get("databases", ()))

    async def events(self, name: str) -> list[str]:
        """Return the reasons of the events about an object of this namespace."""
        listed = await self.cluster.list(Resource.EVENTS, self.namespace)
        return [one["reason"] for one in listed if one["involvedObject"]["name"] == name]

    async def label(self, **labels: str) -> None:
        """Label the namespace."""
        path = f"/api/v1/namespaces/{self.namespace}"
        change = {"metadata": {"labels": labels}}
        merge = "application/merge-patch+json"
        answer = await self.api.request("PATCH", path, body=change, content_type=merge)
        assert answer.status == 200, answer.body

    async def settle(self, name: str, login: str) -> None:
        """Say, as the project's pass does, that everybody has this login."""
        body = await self.cluster.get(Resource.ALIASES, self.namespace, name)
        assert body is not None
        kept = {key: body["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
        status = {"settledLogin": login}
        envelope = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": kept}
        await self.cluster.apply_status(
            Resource.ALIASES, self.namespace, envelope | {"status": status}
        )

    def neighbour(self) -> AbstractAsyncContextManager[Rig]:
        """Return a namespace beside this one, on the same API server and database server."""
        return beside(self.api, self.database)

    def guest_of(self, host: Rig, **provision: Any) -> JSON:
        """Return an alias of this namespace on another's server."""
        reference = {"name": "main", "namespace": host.namespace}
        return an_alias(serverRef=reference, provision=provision)

    def alias_key(self, name: str) -> Key:
        """Return the key of an alias."""
        return Key(self.namespace, name)

    def later(self, time: timedelta) -> None:
        """Let time pass for the operator."""
        before = self.now
        self.now = lambda: before() + time
        self.restart()

    def change_password(self, login: str) -> None:
        """Give a login another password, as a person might."""
        if self.database.engine == "postgresql":
            self.database.admin_sql(f"ALTER ROLE \"{login}\" PASSWORD 'another one'")
        else:
            self.database.admin_sql(f"ALTER USER `{login}`@'%%' IDENTIFIED BY 'another one'", [])

    def reads(self, binding: dict[str, str] | None) -> bool:
        """Tell whether a binding opens its database."""
        return binding is not None and can_read(binding)

    def opens(self, binding: dict[str, str] | None) -> bool:
        """Tell whether a binding opens its database, and lets a table be made there."""
        return binding is not None and can_make_a_table(binding)

    def roles(self) -> set[str]:
        """Return the logins and owner roles of this namespace's aliases."""
        if self.database.engine == "postgresql":
            rows = self.database.admin_sql("SELECT rolname FROM pg_roles")
        else:
            rows = self.database.admin_sql("SELECT User FROM mysql.global_priv")
        return {row[0] for row in rows if row[0].startswith(f"{self.namespace}_")}

    def logins(self, name: str) -> set[str]:
        """Return what follows the name of an alias in the names of its logins."""
        base = f"{self.namespace}_{name}"
        return {role.removeprefix(base) for role in self.roles() if role.startswith(f"{base}_")}

    def drop_login(self, login: str) -> None:
        """Drop a login, as a person might."""
        host = "" if self.database.engine == "postgresql" else "@'%%'"
        verb = "ROLE" if self.database.engine == "postgresql" else "USER"
        quote = '"' if self.database.engine == "postgresql" else "`"
        self.database.admin_sql(f"DROP {verb} {quote}{login}{quote}{host}", [])

    def make_by_hand(self, name: str) -> None:
        """Make a database as its administrator might have, with a table in it."""
        if self.database.engine == "postgresql":
            self.database.admin_sql(f'CREATE DATABASE "{name}" OWNER {ADMINISTRATOR}')
            table = f"CREATE TABLE old (id integer); ALTER TABLE old OWNER TO {ADMINISTRATOR}"
            self.database.admin_sql(table, database=name)
        else:
            self.database.admin_sql(f"CREATE DATABASE `{name}`")
            self.database.admin_sql("CREATE TABLE old (id integer)", database=name)

    def databases(self) -> set[str]:
        """Return the databases of this namespace's aliases."""
        if self.database.engine == "postgresql":
            rows = self.database.admin_sql("SELECT datname FROM pg_database")
        else:
            rows = self.database.admin_sql("SELECT schema_name FROM information_schema.schemata")
        return {row[0] for row in rows if row[0].startswith(f"{self.namespace}_")}


def an_alias(object: str = "users", **spec: Any) -> JSON:
    """Return a DatabaseAlias on the server ``main``."""
    fields = {"projectRef": {"name": "shop"}, "serverRef": {"name": "main"}} | spec
    return an_object("DatabaseAlias", object, fields)


def an_object(kind: str, name: str, spec: JSON) -> JSON:
    """Return an object of ours."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def secret(name: str, **data: str) -> JSON:
    """Return a Secret."""
    values = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": values}


@asynccontextmanager
async def rigged(kubeconfig: Path, database: DatabaseServer) -> AsyncIterator[Rig]:
    """Give a rig in a namespace of its own."""
    configuration = kubernetes_client.Configuration()
    await kubernetes_config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    api = Api(kubernetes_client.ApiClient(configuration))
    try:
        async with beside(api, database) as rig:
            yield rig
    finally:
        await api.close()


@asynccontextmanager
async def beside(api: Api, database: DatabaseServer) -> AsyncIterator[Rig]:
    """Give a rig in a namespace of its own."""
    namespace = f"rig{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await api.request("POST", "/api/v1/namespaces", body=body)
    rig = Rig(api, LiveCluster(api, AlwaysLeading()), database, namespace, api.clock.now)
    try:
        yield rig
    finally:
        await rig.close()
