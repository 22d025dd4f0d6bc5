"""The image of the process that holds a pod's namespaces: one static busybox that sleeps."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

from localkube.nodeconfig import PAUSE_IMAGE
from localkube.paths import cache_dir
from localkube.progress import exclusive

_BUSYBOX = Path("/bin/busybox")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def pause_archive() -> Path:
    """Return the archive of the pause image, written on first use."""
    target = cache_dir() / "images" / f"{PAUSE_IMAGE.rpartition('/')[2].replace(':', '-')}.tar"
    with exclusive(target.with_suffix(".lock")):
        if not target.exists():
            partial = target.with_suffix(".partial")
            _write_archive(partial)
            partial.rename(target)
    return target


def _write_archive(target: Path) -> None:
    # In the format of `docker save`, which needs no builder: a layer, its config, a manifest.
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        _add(files, "busybox", _BUSYBOX.read_bytes(), mode=0o755)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/busybox", "sleep", "2147483647"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    with tarfile.open(target, mode="w") as archive:
        _add(archive, "layer.tar", layer.getvalue())
        _add(archive, "config.json", json.dumps(config).encode())
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(content))
