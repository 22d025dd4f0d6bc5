"""Each folder here: input.yaml, and the databases.json and Secrets that it comes to.

``pytest tests/golden --renew-golden`` writes the expected files anew.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias.api.alias import DatabaseAlias
from dbalias.api.parse import parse_object
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.project import DjangoProject, PublishMode
from dbalias.api.secrets import SecretBytes
from dbalias.django.artefact import (
    build_artefact,
    config_map_data,
    migrate_secret_data,
    needed_files,
    secret_data,
    stable_document,
)
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from dbalias.django.sources import Found, SourceKind, SourceRef, required_sources

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/input.yaml"))


@dataclass(frozen=True, slots=True)
class Published:
    """What comes out of one case: text of databases.json, and both Secrets in base64."""

    document: Mapping[str, Any]
    text: str
    secrets: Mapping[str, Mapping[str, str]]


@pytest.fixture(params=CASES, ids=lambda path: path.name)
def case(request: pytest.FixtureRequest) -> Path:
    """Return the folder of one case."""
    return Path(request.param)


def test_declared_objects_come_to_exactly_these_files(case: Path, renew: bool) -> None:
    """Document and Secrets, byte for byte."""
    published = publish(case / "input.yaml")
    expected = {
        case / "databases.json": published.text,
        case / "secrets.yaml": yaml.safe_dump(dict(published.secrets)),
    }
    for path, text in expected.items():
        if renew:
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text


def test_every_file_that_a_document_names_is_published(case: Path) -> None:
    """The loader demands each of them."""
    published = publish(case / "input.yaml")
    found = {name for data in published.secrets.values() for name in data}
    assert needed_files(published.document) <= found


def test_applications_see_all_of_it_once_all_is_migrated(case: Path) -> None:
    """But for what is the Jobs' alone."""
    document = dict(publish(case / "input.yaml").document)
    everything = set(document["databases"])
    shown = stable_document(document, None, migrated=everything, mode=PublishMode.AFTER_MIGRATE)
    assert shown is not None
    assert set(shown["databases"]) == everything
    assert not any("migrate" in entry for entry in shown["databases"].values())


def test_the_published_modules_load_what_is_published(case: Path, tmp_path: Path) -> None:
    """In a process of its own, from a flat folder, as a container mounts it."""
    published = publish(case / "input.yaml")
    for name, text in config_map_data(published.document).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for data in published.secrets.values():
        for name, encoded in data.items():
            (tmp_path / name).write_bytes(base64.b64decode(encoded))
    program = (
        "import json, dbalias_databases as d; print(json.dumps([d.DATABASES, d.DATABASE_ROUTERS]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    databases, routers = json.loads(done.stdout)
    assert routers == published.document["routers"]
    assert databases.keys() == published.document["databases"].keys()
    for alias, entry in databases.items():
        password = published.secrets["databases"].get(f"{alias}.password")
        assert entry.get("PASSWORD") == (password and base64.b64decode(password).decode())


def publish(path: Path) -> Published:
    """Return what the objects of a file come to, by the functions that the operator calls."""
    bodies = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    values = [_parsed(body) for body in bodies if body["kind"] not in ("Secret", "ConfigMap")]
    sources = dict(_source(body) for body in bodies if body["kind"] in ("Secret", "ConfigMap"))
    (project,) = (value for value in values if isinstance(value, DjangoProject))
    aliases = [value for value in values if isinstance(value, DatabaseAlias)]
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


def _source(body: Any) -> tuple[SourceRef, Found]:
    data = {key: text.encode() for key, text in body.get("stringData", {}).items()}
    if body["kind"] == "ConfigMap":
        data = {key: text.encode() for key, text in body["data"].items()}
    values = {key: SecretBytes(value) for key, value in data.items()}
    return SourceRef(SourceKind(body["kind"]), body["metadata"]["name"]), Found(values)


def _encoded(data: Mapping[str, SecretBytes]) -> dict[str, str]:
    return {name: base64.b64encode(one.reveal()).decode() for name, one in sorted(data.items())}
