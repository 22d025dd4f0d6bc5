"""Manifests as the files that a Job mounts: all of the document, and both Secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dbalias.api.alias import DatabaseAlias
from dbalias.api.parse import parse_object
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.project import DjangoProject
from dbalias.api.provision import ServerRef
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import DatabaseServer
from dbalias.django.artefact import (
    build_artefact,
    config_map_data,
    migrate_secret_data,
    secret_data,
)
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from dbalias.django.sources import Found, SourceKind, SourceRef, required_sources
from dbalias.reconcile.places import placed


@dataclass(frozen=True, slots=True)
class Published:
    """What comes out of one case: text of databases.json, and both Secrets in base64."""

    document: Mapping[str, Any]
    text: str
    secrets: Mapping[str, Mapping[str, str]]

    def mount(self, folder: Path) -> None:
        """Write every file into one flat folder, as a container mounts them."""
        for name, text in config_map_data(self.document).items():
            (folder / name).write_text(text, encoding="utf-8")
        for data in self.secrets.values():
            for name, encoded in data.items():
                (folder / name).write_bytes(base64.b64decode(encoded))


def publish(path: Path) -> Published:
    """Return what the objects of a file come to, by the functions that the operator calls."""
    bodies = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    values = [_parsed(body) for body in bodies if body["kind"] not in ("Secret", "ConfigMap")]
    (project,) = (value for value in values if isinstance(value, DjangoProject))
    here = project.metadata.namespace
    plain = (body for body in bodies if body["kind"] in ("Secret", "ConfigMap"))
    sources = dict(_source(body, here) for body in plain)
    servers = {
        ServerRef(value.metadata.namespace, value.metadata.name): value
        for value in values
        if isinstance(value, DatabaseServer)
    }
    declared = [value for value in values if isinstance(value, DatabaseAlias)]
    aliases, hindered = placed(declared, servers)
    assert not hindered
    policies = [value for value in values if isinstance(value, DatabaseRoutingPolicy)]
    assert required_sources(aliases) == sources.keys()
    resolution = resolve(project, aliases, sources)
    assert not resolution.problems
    routing = build_routing(project, resolution, policies, aliases=aliases)
    assert not routing.problems
    document = build_artefact(project, resolution, routing, published=None).document
    return Published(
        document,
        config_map_data(document)["databases.json"],
        {
            "databases": _encoded(secret_data(resolution, published={}, keep=document)),
            "migrate": _encoded(migrate_secret_data(resolution, published={})),
        },
    )


def _parsed(body: Any) -> Any:
    parsed = parse_object(body)
    assert not parsed.problems
    return parsed.value


def _source(body: Any, here: str) -> tuple[SourceRef, Found]:
    data = {key: text.encode() for key, text in body.get("stringData", {}).items()}
    if body["kind"] == "ConfigMap":
        data = {key: text.encode() for key, text in body["data"].items()}
    values = {key: SecretBytes(value) for key, value in data.items()}
    metadata = body["metadata"]
    there = metadata.get("namespace", "")
    ref = SourceRef(SourceKind(body["kind"]), metadata["name"], "" if there == here else there)
    return ref, Found(values)


def _encoded(data: Mapping[str, SecretBytes]) -> dict[str, str]:
    return {name: base64.b64encode(one.reveal()).decode() for name, one in sorted(data.items())}
