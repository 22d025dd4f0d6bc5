"""The images under test: built once for the content of what goes into them."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from localkube.images import archive_of, base_image, build_image
from localkube.paths import cache_dir
from localkube.progress import exclusive

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples" / "shop"

OPERATOR_REPOSITORY, OPERATOR_TAG = "localhost/dbalias", "stage"
SHOP_1_4 = "localhost/dbalias-shop:1.4"
SHOP_1_5 = "localhost/dbalias-shop:1.5"
_OPERATOR_INPUTS = ("Dockerfile", ".dockerignore", "LICENSE", "operator", "pyproject.toml")


def build_images() -> list[Path]:
    """Return the archives of the operator's image and of both releases of the shop."""
    base = base_image()
    inputs = [ROOT / name for name in (*_OPERATOR_INPUTS, "requirements")]
    archives = [_build(ROOT, f"{OPERATOR_REPOSITORY}:{OPERATOR_TAG}", inputs, {"BASE_IMAGE": base})]
    for tag in (SHOP_1_4, SHOP_1_5):
        release = tag.rpartition(":")[2]
        arguments = {"BASE_IMAGE": base, "RELEASE": release}
        archives.append(_build(SHOP, tag, [SHOP], arguments))
    return archives


def _build(context: Path, tag: str, inputs: Iterable[Path], arguments: Mapping[str, str]) -> Path:
    archive = archive_of(tag)
    stamp = archive.with_suffix(".inputs")
    wanted = _content(inputs, arguments)
    with exclusive(cache_dir() / "images" / "stage.lock"):
        if not (archive.exists() and stamp.exists() and stamp.read_text() == wanted):
            build_image(context, tag, build_args=arguments)
            stamp.write_text(wanted)
    return archive


def _content(inputs: Iterable[Path], arguments: Mapping[str, str]) -> str:
    """Return a digest over names and bytes of all files below the inputs."""
    total = hashlib.sha256(repr(sorted(arguments.items())).encode())
    for place in inputs:
        for file in sorted([place, *place.rglob("*")] if place.is_dir() else [place]):
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(str(file.relative_to(ROOT)).encode())
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
