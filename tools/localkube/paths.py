"""Where things are kept: the cache outside the checkout, and the list of what runs."""

import os
from pathlib import Path

DEFAULT_KUBERNETES_VERSION = "1.37.2"

GO_MODULES = Path(__file__).parent / "go"


def kubernetes_version() -> str:
    """Return the version to run: $KUBERNETES_VERSION without its `v`, or the default."""
    return os.environ.get("KUBERNETES_VERSION", "").removeprefix("v") or DEFAULT_KUBERNETES_VERSION


def cache_dir() -> Path:
    """Return the cache folder, made if need be: $DBALIAS_CACHE, else the XDG cache folder."""
    chosen = os.environ.get("DBALIAS_CACHE")
    if chosen:
        folder = Path(chosen)
    else:
        base = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(base) if base else Path.home() / ".cache") / "dbalias"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def default_state_dir() -> Path:
    """Return the state folder of the cluster that `up` starts and `down` stops."""
    return cache_dir() / "clusters" / "default"


def registry_dir() -> Path:
    """Return the folder with one file per running cluster, so that strays can be found."""
    folder = cache_dir() / "running"
    folder.mkdir(exist_ok=True)
    return folder


def write_whole(file: Path, text: str) -> None:
    """Write a file that is nobody else's to read; who reads meanwhile sees the old or the new."""
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.rename(file)
