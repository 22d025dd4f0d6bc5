"""The published artefact: databases.json as Jobs read it, and its way into a ConfigMap.

Nothing in this module can see a secret value: credentials are ``secret_files``' business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from dbalias.api.conditions import Reason
from dbalias.api.digest import digest
from dbalias.api.meta import JSON, Kind
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject
from dbalias.django.conflicts import published_changes
from dbalias.django.entries import Entry, Resolution
from dbalias.django.routing import RoutingResult
from dbalias.django.runtime_files import runtime_files

FORMAT = 1
DOCUMENT = "databases.json"
LARGEST_CONFIG_MAP = 1_000_000
"""Bytes; Kubernetes refuses data of 1,048,576."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """All that is desired, with the Jobs' ``migrate`` parts, and the revision that names it."""

    document: JSON
    revision: str


def build_artefact(
    project: DjangoProject,
    resolution: Resolution,
    routing: RoutingResult,
    *,
    published: JSON | None,
) -> Artefact:
    """Return the document of everything declared.

    An alias that cannot be resolved keeps its entry of ``published``, the document that
    applications have now; if it never had one it is named under ``unavailable``.
    """
    last_good = (published or {}).get("databases", {})
    kept = {name: last_good[name] for name in resolution.problems if name in last_good}
    databases = kept | {name: _entry(one) for name, one in resolution.entries.items()}
    document = with_revision(
        {
            "format": FORMAT,
            "project": project.metadata.name,
            "settings": {
                "module": project.settings.module,
                "mode": project.settings.mode.value,
            },
            "databases": databases,
            "unavailable": {
                name: problems[0].reason.value
                for name, problems in resolution.problems.items()
                if name not in kept
            },
            "routers": list(routing.routers),
            "routing": routing.document,
            "extra": dict(project.settings.extra),
            "profiles": {
                profile.name: published_changes(profile, databases) for profile in project.profiles
            },
        }
    )
    return Artefact(document, document["revision"])


def with_revision(document: JSON) -> JSON:
    """Return the document with the digest of all else in it as its revision."""
    content = {key: value for key, value in document.items() if key != "revision"}
    return {**content, "revision": digest(content)}


def needed_files(document: JSON) -> frozenset[str]:
    """Return the names of all files in the credentials folder that a document refers to."""
    return frozenset(
        place[1]
        for entry in document["databases"].values()
        for part in (entry, entry.get("migrate", {}))
        for kind in ("secrets", "files")
        for place in part.get(kind, ())
    )


def config_map_data(document: JSON) -> dict[str, str]:
    """Return the data of a ConfigMap: databases.json, spelled for reading, and the modules."""
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    return {DOCUMENT: f"{text}\n", **runtime_files()}


def check_size(document: JSON) -> Problem | None:
    """Return a problem for a document that no ConfigMap can hold."""
    size = sum(len(text.encode()) for text in config_map_data(document).values())
    if size <= LARGEST_CONFIG_MAP:
        return None
    return Problem(
        f"{Kind.PROJECT.value}/{document['project']}",
        "",
        f"its published settings have {size} bytes, a ConfigMap holds {LARGEST_CONFIG_MAP}",
        "Divide the aliases among several projects, or shorten options and extra settings",
        Reason.TOO_LARGE,
    )


def _entry(entry: Entry) -> JSON:
    document = entry.connection.document()
    if entry.migration:
        document["migrate"] = entry.migration.document()
    return document
