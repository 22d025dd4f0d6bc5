"""Print what the operator would publish for manifests, without a cluster.

The ConfigMap and the Secrets hold, byte for byte, what the operator publishes once everything
is migrated. Credentials come from Secret manifests among the files; what these lack is named on
standard error and left out. Owner references, and annotations that only a cluster can give,
are left out too.

Exit codes: 0 all of it, 2 input that cannot be read or has problems, 3 credentials are missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.cli.artefact_files import write_files, writing
from dbalias.cli.input import add_files, choose_scenes, read_sound
from dbalias.cli.offline import STAND_IN, Scene
from dbalias.cli.refusal import RefusedError
from dbalias.cli.stream import SEPARATOR, to_yaml
from dbalias.reconcile.actions import PublishConfigMap, PublishSecret
from dbalias.reconcile.desired import build_desired
from dbalias.reconcile.final import final_publication
from dbalias.reconcile.objects import build_object
from dbalias.reconcile.places import server_name

COMPLETE, INCOMPLETE = 0, 3


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one project comes to, and which of its files are missing with their Secrets."""

    scene: Scene
    config_map: PublishConfigMap | None
    secrets: tuple[PublishSecret, ...]
    missing: tuple[str, ...]

    def objects(self) -> Iterator[JSON]:
        """Yield the bodies in the order in which the operator applies them."""
        for action in (*self.secrets, *([self.config_map] if self.config_map else ())):
            body = build_object(action, self.scene.key, owner=None)
            if not self.scene.key.namespace:
                del body["metadata"]["namespace"]
            if not body["metadata"]["annotations"]:
                del body["metadata"]["annotations"]
            yield body


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias render``."""
    add_files(parser)
    parser.add_argument("--project", metavar="NAME", help="render this project alone")
    parser.add_argument(
        "--output-dir",
        metavar="DIR",
        help="write the files that a pod of the application mounts, instead of the objects",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print or write what is published; return the exit code."""
    declarations = read_sound(arguments.files, namespace=arguments.namespace)
    scenes = choose_scenes(declarations, arguments.project)
    if arguments.output_dir and len(scenes) > 1:
        names = ", ".join(scene.key.name for scene in scenes)
        raise RefusedError(f"one project fills one directory: choose one of {names} with --project")
    rendered = [render(scene) for scene in scenes]
    for line in _missing(rendered):
        print(f"dbalias render: {line}", file=sys.stderr)
    if arguments.output_dir:
        with writing(arguments.output_dir):
            write_files(arguments.output_dir, rendered[0].config_map, rendered[0].secrets[0])
    else:
        sys.stdout.write(to_stream(rendered))
    incomplete = any(one.scene.missing or one.scene.servers for one in rendered)
    return INCOMPLETE if incomplete else COMPLETE


def render(scene: Scene) -> Rendered:
    """Return what one project comes to, without the logins that no file holds."""
    secrets, config_map = final_publication(build_desired(scene.snapshot), scene.key)
    missing = {
        name: f"{name} of Secret/{action.name}"
        for action in secrets
        for name, value in action.data.items()
        if _is_stand_in(value)
    }
    kept = tuple(
        replace(action, data={k: v for k, v in action.data.items() if not _is_stand_in(v)})
        for action in secrets
    )
    return Rendered(scene, config_map, kept, tuple(missing.values()))


def to_stream(rendered: Iterable[Rendered]) -> str:
    """Return one YAML stream, with a comment before each project for what is missing."""
    parts = []
    for one in rendered:
        comments = "".join(f"# {line}\n" for line in _missing([one]))
        parts.append(comments + to_yaml(one.objects()))
    return SEPARATOR.join(parts)


def _missing(rendered: Iterable[Rendered]) -> Iterator[str]:
    for one in rendered:
        name = f"DjangoProject/{one.scene.key.name}"
        servers = sorted(one.scene.servers, key=lambda ref: (ref.namespace, ref.name))
        for what in (*map(server_name, servers), *sorted(one.scene.missing)):
            yield f"{name}: {what} is not among the files"
        for file in one.missing:
            yield f"{name}: left out: {file}"
        if one.config_map is None:
            yield f"{name}: no settings without what is missing: it shapes the alias default"


def _is_stand_in(value: SecretBytes) -> bool:
    return STAND_IN in value.reveal()
