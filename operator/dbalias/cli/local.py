"""Run a command on this machine with the settings that the operator would publish.

The published files go to a private scratch folder that is removed at the end. Credentials come
from Secret manifests among the files, or from the environment: DBALIAS_<ALIAS>_PASSWORD, _USER,
_HOST, _PORT, _NAME or _URL replace what is declared (docs/how-to/run-locally.md).

Exit codes: 2 nothing was run (the input cannot be read, has problems, or lacks credentials);
with --migrate the runner's, when an alias cannot be migrated; 127 when the command does not
exist, 126 when it cannot be run; else the command's own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dbalias.api.meta import Kind
from dbalias.api.project import DjangoProject, SettingsMode
from dbalias.cli.artefact_files import write_files, writing
from dbalias.cli.input import add_files, choose_scenes, demand_sound, read_sound
from dbalias.cli.local_environment import (
    is_credential,
    missing_fields,
    overlay,
    read_environment,
    variable,
)
from dbalias.cli.local_migrate import migrate
from dbalias.cli.local_process import Children
from dbalias.cli.offline import Declarations, Scene
from dbalias.cli.output import Style
from dbalias.cli.refusal import RefusedError
from dbalias.cli.render import Rendered, render
from dbalias.migrations.pods import OVERLAY_MODULE
from dbalias.reconcile.places import server_name

DONE, NO_COMMAND = 0, 127

_OURS = frozenset({"DBALIAS_CREDENTIALS_DIR", "DBALIAS_MIGRATE_ALIAS", "DBALIAS_REPORT"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A project whose files are complete, and the environment that its processes get."""

    scene: Scene
    project: DjangoProject
    rendered: Rendered
    env: Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias local``."""
    parser.usage = "dbalias local [options] FILE... [-- COMMAND ...]"
    add_files(parser)
    parser.add_argument("--project", metavar="NAME", help="where the files declare several")
    parser.add_argument(
        "--migrate", action="store_true", help="first migrate every alias that is ours to migrate"
    )
    parser.add_argument("--profile", metavar="NAME", help="the profile that the command uses")
    parser.add_argument(
        "--python", default="python", metavar="PATH", help="the application's, for --migrate"
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", help="write the files there, and leave them there"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files, migrate, run the command; return the exit code."""
    prepared = _prepare(arguments, os.environ)
    for name in [*arguments.command[:1], *([arguments.python] if arguments.migrate else [])]:
        _demand_program(name)
    with Children() as children, _folder(arguments.output_dir) as folder:
        return _execute(arguments, prepared, children=children, folder=folder)


def _execute(
    arguments: argparse.Namespace, prepared: Prepared, *, children: Children, folder: Path
) -> int:
    rendered = prepared.rendered
    _write(folder, rendered, secrets=1)
    if arguments.migrate:
        with _folder(None) as private:
            _write(private, rendered, secrets=len(rendered.secrets))
            failure = migrate(
                prepared.scene,
                private,
                python=arguments.python,
                env=_environment(prepared, private, profile=None),
                children=children,
            )
        if failure:
            return failure
    if not arguments.command:
        return DONE
    env = _environment(prepared, folder, profile=arguments.profile)
    return children.run(arguments.command, env=env)


def _prepare(arguments: argparse.Namespace, env: Mapping[str, str]) -> Prepared:
    """Return all that is needed to run something, or raise RefusedError."""
    if not (arguments.command or arguments.migrate or arguments.output_dir):
        raise RefusedError(
            "dbalias local: there is nothing to do: write -- COMMAND after the files"
        )
    declarations = read_sound(arguments.files, namespace=arguments.namespace)
    scene = _with_environment(_choose(declarations, arguments.project), env)
    _demand_still_sound(replace(declarations, scenes=(scene,)), env)
    _demand_credentials(scene)
    project = scene.snapshot.project
    assert isinstance(project, DjangoProject)
    _demand_profile(project, arguments.profile or env.get("DBALIAS_PROFILE", ""))
    return Prepared(scene, project, render(scene), env)


def _demand_still_sound(declarations: Declarations, env: Mapping[str, str]) -> None:
    """Refuse what the environment makes wrong, and name the variables: no file holds them."""
    try:
        demand_sound(declarations)
    except RefusedError as refusal:
        names = ", ".join(sorted(filter(is_credential, env)))
        line = f"dbalias local: what is declared is in order without {names}: correct or unset it"
        raise RefusedError(*refusal.lines, line) from None


def _choose(declarations: Declarations, name: str | None) -> Scene:
    chosen = choose_scenes(declarations, name)
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(scene.key.name for scene in chosen)
    raise RefusedError(f"the files declare several: choose one of {names} with --project")


def _with_environment(scene: Scene, env: Mapping[str, str]) -> Scene:
    found = read_environment(env, scene.snapshot.aliases)
    for name in found.strangers:
        print(f"dbalias local: note: {name} fits no alias of {scene.key.name}", file=sys.stderr)
    if found.problems:
        raise RefusedError(*(f"dbalias local: {line}" for line in found.problems))
    return overlay(scene, found.values)


def _demand_credentials(scene: Scene) -> None:
    style = Style.of(sys.stderr)
    lines = []
    for alias in scene.snapshot.aliases:
        if alias.server in scene.servers:
            name = f"{Kind.ALIAS.value}/{alias.metadata.name}"
            lines.append(
                f"{scene.manifests[name].place('spec.serverRef')}: {style.bad('error')}: {name} "
                f"spec.serverRef: {server_name(alias.server)} is not among the files. Add its "
                f"manifest, or set {variable(alias.alias, 'host')} or "
                f"{variable(alias.alias, 'url')}"
            )
    for alias, reference, fields in missing_fields(scene):
        name = f"{Kind.ALIAS.value}/{alias.metadata.name}"
        login = " and ".join(variable(alias.alias, field) for field in fields or ["password"])
        lines.append(
            f"{scene.manifests[name].place(reference.field)}: {style.bad('error')}: {name} "
            f"{reference.field}: {reference.source} is not among the files. Add its manifest, or "
            f"set {login} or {variable(alias.alias, 'url')}"
        )
    if lines:
        raise RefusedError(*lines)


def _demand_profile(project: DjangoProject, name: str) -> None:
    known = sorted(profile.name for profile in project.profiles)
    if name and name not in known:
        have = f"the profiles {', '.join(known)}" if known else "no profiles"
        raise RefusedError(
            f"dbalias local: there is no profile {name}: "
            f"{Kind.PROJECT.value}/{project.metadata.name} has {have}"
        )


def _demand_program(name: str) -> None:
    if shutil.which(name) is None:
        line = f"dbalias local: there is no program {name} here, or it is not executable"
        raise RefusedError(line, code=NO_COMMAND)


def _environment(prepared: Prepared, folder: Path, *, profile: str | None) -> dict[str, str]:
    """Return a child's environment: ours without what only we read, and where the settings are."""
    settings = prepared.project.settings
    imported = settings.module if settings.mode is SettingsMode.IMPORTED else None
    kept = {
        name: value
        for name, value in prepared.env.items()
        if name not in _OURS and not is_credential(name)
    }
    path = os.pathsep.join(filter(None, [kept.get("PYTHONPATH"), str(folder)]))
    ours = {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": imported or OVERLAY_MODULE}
    return {**kept, **ours, **({"DBALIAS_PROFILE": profile} if profile else {})}


@contextmanager
def _folder(directory: str | None) -> Iterator[Path]:
    """Give a folder: the one asked for, which stays, or one for this run and its owner alone."""
    if directory is not None:
        yield Path(directory).absolute()
        return
    scratch = Path(tempfile.mkdtemp(prefix="dbalias-"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(folder: Path, rendered: Rendered, *, secrets: int) -> None:
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for secret in rendered.secrets[:secrets]:
            write_files(folder, rendered.config_map, secret)
