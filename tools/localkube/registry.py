"""The list of running clusters, by which those whose test run was killed are found and stopped."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from localkube.paths import registry_dir
from localkube.processes import start_time


def register(state: Path, *, owned: bool) -> None:
    """Note a cluster; an owned one is a stray as soon as this process is gone."""
    owner = {"pid": os.getpid(), "started": start_time(os.getpid())} if owned else None
    _entry(state).write_text(json.dumps({"state": str(state), "owner": owner}))


def forget(state: Path) -> None:
    """Remove a cluster from the list."""
    _entry(state).unlink(missing_ok=True)


def running() -> Iterator[Path]:
    """Return the state folders of all clusters on the list."""
    for entry in sorted(registry_dir().glob("*.json")):
        yield Path(json.loads(entry.read_text())["state"])


def strays() -> Iterator[Path]:
    """Return the state folders of clusters whose owning process has ended."""
    for entry in sorted(registry_dir().glob("*.json")):
        told = json.loads(entry.read_text())
        owner = told["owner"]
        if owner and start_time(owner["pid"]) != owner["started"]:
            yield Path(told["state"])


def _entry(state: Path) -> Path:
    return registry_dir() / f"{hashlib.sha256(str(state).encode()).hexdigest()[:16]}.json"
