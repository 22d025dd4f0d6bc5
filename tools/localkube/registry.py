"""The list of what runs, by which clusters and servers of a killed test run are found and ended."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localkube.paths import registry_dir, write_whole
from localkube.processes import start_time


def register(state: Path, *, owned: bool) -> None:
    """Note a cluster or server; an owned one is a stray as soon as this process is gone."""
    owner = {"pid": os.getpid(), "started": start_time(os.getpid())} if owned else None
    write_whole(_entry(state), json.dumps({"state": str(state), "owner": owner}))


def forget(state: Path) -> None:
    """Remove a cluster or server from the list."""
    _entry(state).unlink(missing_ok=True)


def running() -> Iterator[Path]:
    """Return the state folders of all clusters on the list."""
    for told in _entries():
        if (Path(told["state"]) / "cluster.json").exists():
            yield Path(told["state"])


def strays() -> Iterator[Path]:
    """Return the state folders of all whose owning process has ended."""
    for told in _entries():
        owner = told["owner"]
        if owner and start_time(owner["pid"]) != owner["started"]:
            yield Path(told["state"])


def _entries() -> Iterator[dict[str, Any]]:
    for entry in sorted(registry_dir().glob("*.json")):
        with contextlib.suppress(FileNotFoundError):
            yield json.loads(entry.read_text())


def _entry(state: Path) -> Path:
    return registry_dir() / f"{hashlib.sha256(str(state).encode()).hexdigest()[:16]}.json"
