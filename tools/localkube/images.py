"""Images without a registry: built by buildah into the cache, handed to the node as archives."""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from localkube.apt import IMAGE_PACKAGES, ensure_packages
from localkube.paths import cache_dir
from localkube.pipconfig import build_volumes
from localkube.progress import exclusive, run_logged, step

BASE_IMAGE = "localhost/dbalias-base:bookworm"
_SUITE = "bookworm"
_BASE_PACKAGES = ("python3", "python3-venv", "ca-certificates")
_BASE_DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
ENV LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]
"""
_WITHOUT = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "dev", "proc")


def build_image(
    context: Path,
    tag: str,
    *,
    dockerfile: Path | None = None,
    build_args: Mapping[str, str] | None = None,
) -> Path:
    """Build an image and return its archive, for `Cluster.load_archive`.

    `dockerfile` defaults to the context's own. The machine's CA bundle and pip settings are
    mounted during the build only. Layers are cached between builds.
    """
    ensure_packages(IMAGE_PACKAGES)
    log = cache_dir() / "logs" / f"image-{_file_name(tag)}.log"
    log.unlink(missing_ok=True)
    arguments = ["bud", "--isolation", "chroot", "--layers", "--tag", tag]
    arguments += ["--file", str(dockerfile or context / "Dockerfile")]
    for name, value in (build_args or {}).items():
        arguments += ["--build-arg", f"{name}={value}"]
    with exclusive(_storage() / "lock"), tempfile.TemporaryDirectory() as scratch:
        for volume in build_volumes(Path(scratch) / "pip.conf"):
            arguments += ["--volume", volume]
        with step(f"building the image {tag}"):
            _buildah(*arguments, str(context), log=log)
            return _export(tag, log)


def base_image() -> str:
    """Return the name of the base image with Python, made from Debian packages if need be.

    It stands in for a public Python image as the base of the images built here.
    """
    ensure_packages(IMAGE_PACKAGES)
    archive = archive_of(BASE_IMAGE)
    log = cache_dir() / "logs" / "base-image.log"
    if archive.exists() and _is_stored(BASE_IMAGE):
        return BASE_IMAGE
    with exclusive(_storage() / "lock"):
        if not archive.exists():
            with step(f"making {BASE_IMAGE} from Debian packages", expect="90 s"):
                _make_base(log)
        elif not _is_stored(BASE_IMAGE):
            with step(f"taking {BASE_IMAGE} from the cache"):
                _buildah("pull", f"oci-archive:{archive}", log=log)
    return BASE_IMAGE


def archive_of(tag: str) -> Path:
    """Return where the archive of an image is kept."""
    return cache_dir() / "images" / f"{_file_name(tag)}.tar"


def _make_base(log: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache_dir()) as scratch:
        context, root = Path(scratch), Path(scratch) / "rootfs"
        included = ",".join(_BASE_PACKAGES)
        command = ["debootstrap", "--variant=minbase", f"--include={included}", _SUITE]
        run_logged([*command, root], log)
        (root / "usr/bin/python").symlink_to("python3")
        for folder in _WITHOUT:
            for entry in (root / folder).iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        tarball = context / "rootfs.tar"
        run_logged(["tar", "--numeric-owner", "-C", root, "-cf", tarball, "."], log)
        shutil.rmtree(root)
        (context / "Dockerfile").write_text(_BASE_DOCKERFILE)
        _buildah("bud", "--isolation", "chroot", "--tag", BASE_IMAGE, scratch, log=log)
        _export(BASE_IMAGE, log)


def _export(tag: str, log: Path) -> Path:
    target = archive_of(tag)
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    # Not `docker-archive`, although it is written faster: containerd takes 14 s to convert it.
    _buildah("push", tag, f"oci-archive:{partial}:{tag}", log=log)
    partial.rename(target)
    return target


def _is_stored(tag: str) -> bool:
    done = subprocess.run(_command("images", "--quiet", tag), capture_output=True, check=False)
    return done.returncode == 0


def _buildah(*arguments: str, log: Path) -> None:
    run_logged(_command(*arguments), log)


def _command(*arguments: str) -> list[str]:
    return _with_driver(_driver(), *arguments)


@functools.cache
def _driver() -> str:
    """Return the storage driver: overlay, unless the cache's file system cannot carry it."""
    probe = subprocess.run(_with_driver("overlay", "info"), capture_output=True, check=False)
    return "vfs" if probe.returncode else "overlay"


def _with_driver(driver: str, *arguments: str) -> list[str]:
    storage = _storage() / driver
    # Its mounts are made in a namespace of their own, for buildah leaves some behind.
    return [
        *("unshare", "--mount", "buildah"),
        *("--root", str(storage / "root"), "--runroot", str(storage / "run")),
        *("--storage-driver", driver, *arguments),
    ]


def _storage() -> Path:
    folder = cache_dir() / "buildah"
    folder.mkdir(exist_ok=True)
    return folder


def _file_name(tag: str) -> str:
    return tag.rpartition("/")[2].replace(":", "-")
