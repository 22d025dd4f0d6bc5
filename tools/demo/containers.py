"""Images for a cluster of one's own: built by Docker or Podman, then loaded or pushed."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from demo.consent import Context
from demo.errors import DemoError
from demo.images import Image, ImageSource
from demo.programs import run

REGISTRY_VARIABLE = "IMAGE_REGISTRY"
BASE_VARIABLE = "BASE_IMAGE"

Load = Callable[[Path], None]


def find_builder() -> str:
    """Return the program that builds images. Raises DemoError when there is none."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            return name
    raise DemoError("the demo's images are built with docker or podman, and neither is on the PATH")


def find_loader(context: Context) -> Load | None:
    """Return what gives an archive to the nodes of a kind, minikube or k3d cluster."""
    name = context.name
    if name.startswith("kind-"):
        return _loader("kind", "load", "image-archive", "{}", "--name", name.removeprefix("kind-"))
    if name.startswith("k3d-"):
        return _loader("k3d", "image", "import", "{}", "--cluster", name.removeprefix("k3d-"))
    if name.startswith("minikube"):
        return _loader("minikube", "--profile", name, "image", "load", "{}")
    return None


def check_way_in(context: Context) -> None:
    """Raise DemoError where no image could reach the cluster's nodes."""
    if find_loader(context) is None and not os.environ.get(REGISTRY_VARIABLE):
        raise DemoError(
            f"the demo builds two images, and does not know how to bring them to {context.name}: "
            "it is no cluster of kind, minikube or k3d.\n"
            f"Name a registry that you may push to and the cluster may pull from: "
            f"{REGISTRY_VARIABLE}=registry.example/demo make demo"
        )


def bring(source: ImageSource, context: Context) -> Image:
    """Build an image and bring it to the cluster; return it as pods name it."""
    builder, registry = find_builder(), os.environ.get(REGISTRY_VARIABLE)
    image = source.named()
    if registry:
        image = Image(f"{registry.rstrip('/')}/{source.name}", image.tag)
    base = os.environ.get(BASE_VARIABLE)
    arguments = [f"--build-arg={source.base_argument}={base}"] if base else []
    run(builder, "build", "--tag", image.reference, *arguments, source.context)
    if registry:
        run(builder, "push", image.reference)
        return image
    check_way_in(context)
    load = find_loader(context)
    assert load is not None
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / f"{source.name}.tar"
        run(builder, "save", "--output", archive, image.reference)
        load(archive)
    return image


def _loader(*words: str) -> Load:
    def load(archive: Path) -> None:
        if not shutil.which(words[0]):
            raise DemoError(f"the context belongs to {words[0]}, which is not on the PATH")
        run(*(word.format(archive) for word in words))

    return load
