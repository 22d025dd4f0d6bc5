"""Many aliases that want a database each of one PostgreSQL server, and what became of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.load import all_at_once
from integration.operator.objects import project, secret
from integration.operator.workbench import Space
from localkube.databases import PostgresServer
from stage.api import JSON, ApiServer
from stage.watching import Watching

ADMINISTRATOR = "provisioner"
IN_A_PROJECT = 100
CONNECTIONS = 4


class Progress(Watching):
    """When each alias was first told to be provisioned, and when to be Ready."""

    def __init__(self, api: ApiServer) -> None:
        super().__init__(api, ["DatabaseAlias"])
        self.first: dict[str, dict[str, float]] = {"Provisioned": {}, "Ready": {}}

    def note(self, body: JSON) -> None:
        """Keep when a condition was first True."""
        for one in body.get("status", {}).get("conditions", ()):
            if one["type"] in self.first and one["status"] == "True":
                self.first[one["type"]].setdefault(body["metadata"]["name"], time.monotonic())

    def count(self, condition: str) -> int:
        """Return of how many aliases it was ever True."""
        return len(self.first[condition])

    def last(self, condition: str) -> float:
        """Return when it became True of the last one."""
        return max(self.first[condition].values())


@dataclass(frozen=True, slots=True)
class Load:
    """Aliases of projects without an image, in the namespace of their DatabaseServer."""

    space: Space
    client: ApiServer
    server: PostgresServer
    aliases: int
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def names(self) -> list[str]:
        """Return the objects' names."""
        return [f"a{number:04}" for number in range(self.aliases)]

    def prepare(self) -> None:
        """Create the administrator, who is no superuser, the DatabaseServer and the projects."""
        self.server.create_administrator(ADMINISTRATOR, self.password)
        self._apply([secret("admin", username=ADMINISTRATOR, password=self.password)])
        spec = {
            "engine": "postgresql",
            "host": self.server.host,
            "port": self.server.port,
            "maxConnections": CONNECTIONS,
            "adminCredentials": {"secretRef": {"name": "admin"}, "preset": "BasicAuth"},
        }
        self._apply([_declared("DatabaseServer", "main", spec)])
        self._apply([project(f"p{at}") for at in range(-(-self.aliases // IN_A_PROJECT))])

    def create(self) -> float:
        """Create every alias, 32 at once; return the seconds it took."""
        return self._apply(list(self._aliases()))

    def drop_with_alias(self) -> float:
        """Let every database be dropped with its alias; return the seconds it took."""
        provision = {"deletionPolicy": "Delete"}
        return self._each(
            lambda name: self.client.merge(
                "DatabaseAlias", self.space.name, name, spec={"provision": provision}
            )
        )

    def delete(self) -> float:
        """Delete every alias; return the seconds it took."""
        return self._each(lambda name: self.client.delete("DatabaseAlias", self.space.name, name))

    def remaining(self) -> int:
        """Return how many aliases there are."""
        return len(self.client.objects("DatabaseAlias", self.space.name))

    def databases(self) -> int:
        """Return how many databases were made and not dropped."""
        query = "SELECT count(*) FROM pg_database WHERE datname LIKE %s"
        ((found,),) = self.server.admin_sql(query, [f"{self.space.name}%"])
        return int(str(found))

    def passwords(self) -> dict[str, str]:
        """Return what the server keeps of the password of each login."""
        query = "SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL"
        return {str(name): str(kept) for name, kept in self.server.admin_sql(query)}

    def worked(self) -> float:
        """Return the seconds that statements in the administrator's database have taken."""
        query = "SELECT active_time FROM pg_stat_database WHERE datname = 'postgres'"
        ((milliseconds,),) = self.server.admin_sql(query)
        return float(str(milliseconds)) / 1000

    def sessions(self) -> int:
        """Return how often the administrator has logged in, by the server's log."""
        told = f"connection authorized: user={ADMINISTRATOR} "
        return self.server.log.read_text(errors="replace").count(told)

    def _aliases(self) -> Iterator[JSON]:
        for at, name in enumerate(self.names()):
            spec = {
                "projectRef": {"name": f"p{at // IN_A_PROJECT}"},
                "alias": "default" if at % IN_A_PROJECT == 0 else name,
                "serverRef": {"name": "main"},
                "provision": {},
            }
            yield _declared("DatabaseAlias", name, spec)

    def _apply(self, bodies: list[JSON]) -> float:
        for body in bodies:
            body["metadata"]["namespace"] = self.space.name
        return all_at_once(self.client.apply, bodies)

    def _each(self, do: Callable[[str], object]) -> float:
        return all_at_once(do, self.names())


def _declared(kind: str, name: str, spec: JSON) -> JSON:
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
