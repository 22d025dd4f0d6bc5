"""The guide's examples as the demo applies them: their manifests, logins and database servers."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo.images import ROOT

IMAGE_IN_EXAMPLES = "registry.example/shop:1.0"
"""What the manifests of examples/ name as the application's image."""
APPLICATION = "application.yaml"
MADE_BY_DEMO = {"dbalias.dev/made-by": "demo"}
"""Label of the namespaces that the demo made, and so may delete."""

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}
"""Where a server of each engine of the examples listens."""

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Login:
    """What the application logs in with for one alias. `host` is the name of a Service."""

    alias: str
    engine: str
    host: str
    database: str
    user: str
    password: str
    administers: bool = False
    """It makes databases and logins on the server, and is no application's."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One example, and the namespace of its own in which it is applied."""

    name: str
    title: str

    @property
    def folder(self) -> Path:
        """Return where its manifests are."""
        return ROOT / "examples" / self.name

    @property
    def namespace(self) -> str:
        """Return the namespace, which enforces Pod Security `restricted`."""
        return self.name

    def namespace_object(self) -> Manifest:
        """Return the namespace's manifest."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted", **MADE_BY_DEMO}
        metadata = {"name": self.namespace, "labels": labels}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}

    def declared(self, image: str) -> list[Manifest]:
        """Return everything but the application's own workload, with this image in it."""
        files = sorted(file for file in self.folder.glob("*.yaml") if file.name != APPLICATION)
        return [_with_image(body, image) for file in files for body in _read(file)]

    def application(self, image: str) -> list[Manifest]:
        """Return the application's Deployment and Service, with this image in them."""
        return [_with_image(body, image) for body in _read(self.folder / APPLICATION)]

    def logins(self) -> list[Login]:
        """Return what must be on the servers beforehand, in the order of the files.

        That is the login and the database of every alias that names its own, and the
        administrator of every DatabaseServer.
        """
        bodies = self.declared(IMAGE_IN_EXAMPLES)
        secrets = {
            body["metadata"]["name"]: body["stringData"]
            for body in bodies
            if body["kind"] == "Secret"
        }
        aliases = [body for body in bodies if body["kind"] == "DatabaseAlias"]
        servers = [body for body in bodies if body["kind"] == "DatabaseServer"]
        return [
            *(_login(alias, secrets) for alias in aliases if "host" in alias["spec"]),
            *(_administrator(server, secrets) for server in servers),
        ]


GUIDES = (
    Guide("guide-first", "default on PostgreSQL, users on MySQL"),
    Guide("guide-second", "default empty, users and customers on MySQL"),
    Guide("provisioned", "the same shop, its two databases made by dbalias"),
)


def service_of(host: str) -> str:
    """Return the Service's name in a host name that the operator, in its namespace, knows too."""
    return host.partition(".")[0]


def _read(file: Path) -> Iterator[Manifest]:
    with file.open(encoding="utf-8") as text:
        yield from (body for body in yaml.safe_load_all(text) if body)


def _login(alias: Manifest, secrets: Mapping[str, Mapping[str, str]]) -> Login:
    spec = alias["spec"]
    return Login(
        alias=spec.get("alias", alias["metadata"]["name"]),
        engine=spec["engine"],
        host=spec["host"],
        database=spec["name"],
        user=spec["user"],
        password=secrets[spec["credentials"]["secretRef"]["name"]]["password"],
    )


def _administrator(server: Manifest, secrets: Mapping[str, Mapping[str, str]]) -> Login:
    spec = server["spec"]
    secret = secrets[spec["adminCredentials"]["secretRef"]["name"]]
    return Login(
        alias="",
        engine=spec["engine"],
        host=service_of(spec["host"]),
        database="",
        user=secret["username"],
        password=secret["password"],
        administers=True,
    )


def _with_image(body: Manifest, image: str) -> Manifest:
    changed = copy.deepcopy(body)
    _replace(changed, image)
    return changed


def _replace(node: Any, image: str) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "image" and value == IMAGE_IN_EXAMPLES:
                node[key] = image
            else:
                _replace(value, image)
    elif isinstance(node, list):
        for value in node:
            _replace(value, image)
