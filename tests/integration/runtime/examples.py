"""The repository's examples, their manifests as they are, on the servers of a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dbalias.api.alias import DatabaseAlias
from dbalias.api.parse import parse_object
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.project import DjangoProject
from integration.runtime.pod import Database, Pod
from unit.builders import a_secret

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = ("databases.yaml", "project.yaml")


@dataclass(slots=True)
class Declared:
    """What the manifests of one example declare, and the Secrets they refer to."""

    aliases: list[DatabaseAlias] = field(default_factory=list)
    policies: list[DatabaseRoutingPolicy] = field(default_factory=list)
    projects: list[DjangoProject] = field(default_factory=list)
    sources: dict[Any, Any] = field(default_factory=dict)


def publish_example(
    pod: Pod,
    name: str,
    places: Mapping[str, Mapping[str, Any]],
    *,
    policies: Iterable[DatabaseRoutingPolicy] = (),
) -> Any:
    """Publish an example into a pod; return the document.

    ``places``: for each alias the fields of its spec that lead to a server of the test, and as
    ``password`` what its Secret holds. ``policies`` are further ones.
    """
    declared = Declared(policies=list(policies))
    for file in FILES:
        for body in yaml.safe_load_all((EXAMPLES / name / file).read_text("utf-8")):
            _declare(declared, body, places)
    (project,) = declared.projects
    return pod.publish(
        declared.aliases, declared.policies, sources=declared.sources, project=project
    )


def place_of(database: Database) -> dict[str, Any]:
    """Return the fields that lead an alias to a database."""
    server = database.server
    address = {"host": server.host, "port": server.port}
    return {**address, "name": database.name, "user": database.user, "password": database.password}


def _declare(declared: Declared, body: Any, places: Mapping[str, Mapping[str, Any]]) -> None:
    if body["kind"] == "Secret":
        return
    if body["kind"] == "DatabaseAlias":
        place = dict(places.get(body["spec"].get("alias", body["metadata"]["name"]), {}))
        password = place.pop("password", None)
        body["spec"] |= place
        if password is not None:
            secret = body["spec"]["credentials"]["secretRef"]["name"]
            declared.sources |= a_secret(secret, password=password)
    match parse_object(body).value:
        case DatabaseAlias() as alias:
            declared.aliases.append(alias)
        case DatabaseRoutingPolicy() as policy:
            declared.policies.append(policy)
        case DjangoProject() as project:
            declared.projects.append(project)
