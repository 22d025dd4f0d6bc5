"""The runtime modules as text: what an image gets to read databases.json with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from dbalias.api.digest import digest

FOLDER = "/etc/dbalias"
"""Where every pod mounts what is published."""


@cache
def runtime_files() -> Mapping[str, str]:
    """Return the published modules: file name → source."""
    folder = files("dbalias.runtime")
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.startswith("dbalias_") and file.name.endswith(".py")
    }


@cache
def runtime_hash() -> str:
    """Return the name of this version of the runtime modules."""
    return digest(dict(runtime_files()))
