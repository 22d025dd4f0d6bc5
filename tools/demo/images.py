"""The two images of the demo, named after the content that they are made from."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BY_PRODUCTS = {"__pycache__", "dbalias.egg-info", ".sqlite3"}
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the cluster's pods name it."""

    repository: str
    tag: str

    @property
    def reference(self) -> str:
        """Return repository:tag."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True)
class ImageSource:
    """What an image is built from. `parts` are files and folders of `context`."""

    name: str
    context: Path
    parts: tuple[str, ...]
    base_argument: str

    @property
    def repository(self) -> str:
        """Return the name without tag: of no registry, so that nothing is ever pulled for it."""
        return f"localhost/{self.name}"

    def named(self) -> "Image":
        """Return the image's name now; its tag changes when any file of the image does."""
        digest = hashlib.sha256()
        for file in sorted(self._files()):
            digest.update(str(file.relative_to(self.context)).encode() + b"\0")
            digest.update(file.read_bytes() + b"\0")
        return Image(self.repository, f"demo-{digest.hexdigest()[:12]}")

    def _files(self) -> Iterator[Path]:
        for part in self.parts:
            place = self.context / part
            for file in [place] if place.is_file() else place.rglob("*"):
                if file.is_file() and not _BY_PRODUCTS & {*file.parts, file.suffix}:
                    yield file


OPERATOR = ImageSource(
    name="dbalias",
    context=ROOT,
    parts=("Dockerfile", "LICENSE", "pyproject.toml", "requirements", "operator"),
    base_argument="BASE_IMAGE",
)
SHOP = ImageSource(
    name="dbalias-shop",
    context=ROOT / "examples" / "shop",
    parts=(".",),
    base_argument="BASE_IMAGE",
)
