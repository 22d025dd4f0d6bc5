"""Many objects at once, as one busy client creates them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from integration.operator.workbench import Space
from stage.api import ApiServer

Body = dict[str, Any]
AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Load:
    """Aliases in projects of one namespace, each with a Secret of its own, settings only."""

    space: Space
    client: ApiServer
    projects: tuple[str, ...]
    aliases_each: int

    def names(self) -> list[str]:
        """Return the aliases of each project: ``default`` and numbered ones."""
        return ["default", *(f"a{number}" for number in range(1, self.aliases_each))]

    def prepare(self) -> None:
        """Create what has to be there first: Secrets and projects."""
        self._apply(
            self._body("v1", "Secret", f"{project}-{name}", data={"password": _secret(name)})
            for project in self.projects
            for name in self.names()
        )
        self._apply(
            self._body("dbalias.dev/v1alpha1", "DjangoProject", project, spec={})
            for project in self.projects
        )

    def create(self) -> float:
        """Create every alias, 32 at once; return the seconds it took."""
        return self._apply(
            self._alias(project, name) for project in self.projects for name in self.names()
        )

    def edit(self) -> float:
        """Change every alias, 32 at once; return the seconds it took."""
        return all_at_once(
            lambda name: self.client.merge(
                "DatabaseAlias", self.space.name, name, spec={"connMaxAge": 60}
            ),
            (f"{project}-{name}" for project in self.projects for name in self.names()),
        )

    def ready(self) -> int:
        """Return how many projects say that all of theirs is published."""
        total = 0
        for body in self.client.objects("DjangoProject", self.space.name):
            status = body.get("status") or {}
            ready = any(
                one["type"] == "Ready" and one["status"] == "True"
                for one in status.get("conditions") or ()
            )
            all_told = (status.get("aliases") or {}).get("total") == self.aliases_each
            total += ready and all_told and status["revision"] == status.get("publishedRevision")
        return total

    def published(self, word: str = "ENGINE") -> int:
        """Return how many aliases stand in published settings, or have this key there."""
        bodies = self.client.objects("ConfigMap", self.space.name)
        return sum(body["data"].get("databases.json", "").count(f'"{word}"') for body in bodies)

    def _alias(self, project: str, name: str) -> Body:
        object = f"{project}-{name}"
        spec = {
            "projectRef": {"name": project},
            "alias": name,
            "engine": "postgresql",
            "name": name,
            "host": "db.example",
            "user": "django",
            "credentials": {"secretRef": {"name": object}},
        }
        return self._body("dbalias.dev/v1alpha1", "DatabaseAlias", object, spec=spec)

    def _body(self, version: str, kind: str, name: str, **fields: Any) -> Body:
        metadata = {"name": name, "namespace": self.space.name}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}

    def _apply(self, bodies: Iterable[Body]) -> float:
        return all_at_once(self.client.apply, bodies)


def all_at_once(do: Callable[[Any], object], things: Iterable[Any]) -> float:
    """Do something with each thing, 32 at a time; return the seconds it took."""
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(do, things):
            pass
    return time.monotonic() - begun


def _secret(name: str) -> str:
    return base64.b64encode(f"s3krit-{name}".encode()).decode()
