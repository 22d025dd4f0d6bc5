"""From declared specs, as a person writes them, to what Django's own handler makes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db.utils import ConnectionHandler

import dbalias_databases
from dbalias.api.meta import Kind
from dbalias.api.parse import parse_alias, parse_project
from dbalias.api.problems import Problem
from dbalias.django.artefact import Artefact, build_artefact, config_map_data, secret_data
from dbalias.django.entries import Resolution
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from unit.api.bodies import a_body


def an_alias_body(name: str, /, **spec: Any) -> dict[str, Any]:
    """Return a DatabaseAlias of the project shop, as a file holds it; ``name`` is the object's."""
    return a_body(Kind.ALIAS, {"projectRef": {"name": "shop"}, **spec}, name=name)


def publish(
    *bodies: Mapping[str, Any], project: Mapping[str, Any] | None = None, sources: Any = None
) -> tuple[Artefact, Resolution]:
    """Return what the operator makes of these objects; all of them must be understood."""
    declared = parse_project(a_body(Kind.PROJECT, dict(project or {}), name="shop"))
    aliases = [parse_alias(body) for body in bodies]
    assert not [*declared.problems, *(one for alias in aliases for one in alias.problems)]
    assert declared.value is not None
    owned = [one.value for one in aliases if one.value]
    resolution = resolve(declared.value, owned, sources or {})
    routing = build_routing(declared.value, resolution, (), aliases=owned)
    return build_artefact(declared.value, resolution, routing, published=None), resolution


def problems_of(*bodies: Mapping[str, Any], **declared: Any) -> list[Problem]:
    """Return every problem of these objects, found in them or among them."""
    found = [problem for body in bodies for problem in parse_alias(body).problems]
    if not found:
        _, resolution = publish(*bodies, **declared)
        found = [problem for several in resolution.problems.values() for problem in several]
    return found


def files_of(artefact: Artefact, resolution: Resolution) -> dict[str, bytes]:
    """Return what a pod finds in its folder: the ConfigMap's files and the Secret's."""
    document = artefact.document
    secret = secret_data(resolution, published={}, keep=document)
    texts = config_map_data(document)
    return {
        **{name: value.reveal() for name, value in secret.items()},
        **{name: text.encode() for name, text in texts.items()},
    }


def read(files: Mapping[str, bytes], **env: str) -> dbalias_databases.Published:
    """Return what a process with this environment reads from a folder of files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return dbalias_databases.load(Path(folder), env)


def load(files: Mapping[str, bytes], **env: str) -> dict[str, Any]:
    """Return the settings that such a process has."""
    return read(files, **env).settings()


def handled(databases: dict[str, Any]) -> dict[str, Any]:
    """Return DATABASES as Django's own handler completes them."""
    settings: dict[str, Any] = ConnectionHandler(databases).settings
    return settings
