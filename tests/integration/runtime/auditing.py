"""Audits of an image: the shop with whatever a test installs, and what was found."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbalias.api.alias import DatabaseAlias, Role
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.project import Settings
from integration.runtime.pod import Database, Outcome, Pod
from unit.builders import a_project

ZOO = Path(__file__).parent / "image" / "zoo"
STAFF = ("auth", "contenttypes", "admin", "sessions")
SHOP = ("catalog", "customers", "orders")
OWN_ROUTER = """
class Router:
    def db_for_write(self, model, **hints):
        return {write}

    def db_for_read(self, model, **hints):
        return {read}
"""


@dataclass(frozen=True, slots=True)
class Auditor:
    """An image, and a database behind the aliases `default` and `other`."""

    pod: Pod
    database: Database

    def install(self, *apps: str) -> None:
        """Install the zoo and further apps."""
        shutil.copytree(ZOO, self.pod.image / "zoo", dirs_exist_ok=True)
        self.pod.env["SHOP_EXTRA_APPS"] = ",".join(("zoo", *apps))

    def write(self, module: str, text: str) -> None:
        """Put a module of the project into the image."""
        (self.pod.image / f"{module}.py").write_text(text)

    def alias(self, name: str, **fields: Any) -> DatabaseAlias:
        """Return an alias of the database."""
        return self.database.alias(name, **fields)

    def replica(self) -> DatabaseAlias:
        """Return `copy`, a replica of `default`."""
        return self.alias("copy", inherit_from="default", role=Role.REPLICA)

    def publish(
        self,
        *policies: DatabaseRoutingPolicy,
        aliases: Iterable[DatabaseAlias] = (),
        **project: Any,
    ) -> None:
        """Publish these aliases, by default `default` and `other`."""
        declared = tuple(aliases) or (self.alias("default"), self.alias("other"))
        given: dict[str, Any] = {"settings": Settings(module="shop.settings")} | project
        sources: dict[Any, Any] = {}
        for alias in ("default", "other", "copy"):
            sources |= self.database.sources(alias)
        self.pod.publish(declared, policies, sources=sources, project=a_project(**given))

    def look(self, *policies: DatabaseRoutingPolicy, at: str = "default", **given: Any) -> Outcome:
        """Publish, and check one alias."""
        self.publish(*policies, **given)
        return self.pod.run(at, "--check")


def errors(outcome: Outcome) -> list[str]:
    """Return the errors of an audit that refuses."""
    assert (outcome.code, outcome.report["reason"]) == (6, "AuditRefused"), outcome.output
    found: list[str] = outcome.report["audit"]["errors"]
    return found


def warnings(outcome: Outcome) -> list[str]:
    """Return the warnings of an audit that lets pass."""
    assert outcome.code == 0, outcome.output
    assert outcome.report["audit"]["errors"] == []
    found: list[str] = outcome.report["audit"]["warnings"]
    return found


def about(sentences: list[str], *words: str) -> str:
    """Return the one sentence that holds all of these words."""
    found = [one for one in sentences if all(word in one for word in words)]
    assert len(found) == 1, sentences
    return found[0]
