"""Turn an existing settings module into manifests: aliases, routing policies, Secrets apart.

The module is imported in the project's own interpreter, where it may print, read the environment
and take its time. A router becomes a policy only where its source is understood and both answer
alike for every installed model; else the project keeps a reference to its class. Passwords are in
the Secrets alone, which come last in the stream, or in a file of their own.

Exit codes: 0 all of it, 2 settings that cannot be read, 3 something could not be said.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.cli.artefact_files import PRIVATE, PUBLIC, write_file, writing
from dbalias.cli.importing.certificates import Certificates
from dbalias.cli.importing.entries import Draft, draft_entry
from dbalias.cli.importing.interpreter import Interpreter, UnreadableSettingsError
from dbalias.cli.importing.manifests import Import
from dbalias.cli.importing.names import object_name, object_names
from dbalias.cli.importing.notes import Notes
from dbalias.cli.importing.routers import import_routers
from dbalias.cli.importing.settling import settle
from dbalias.cli.importing.values import decode
from dbalias.cli.input import add_namespace, project_name
from dbalias.cli.output import Style
from dbalias.cli.refusal import RefusedError
from dbalias.cli.stream import to_yaml

COMPLETE, INCOMPLETE = 0, 3
MANIFESTS, SECRETS = "manifests.yaml", "secrets.yaml"
WARNING = "# What follows is secret: keep it out of version control.\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias import``."""
    parser.add_argument("settings", metavar="SETTINGS", help="the settings module: shop.settings")
    parser.add_argument(
        "--python", metavar="PATH", help="the project's interpreter; default: python"
    )
    parser.add_argument(
        "--project", type=project_name, metavar="NAME", help="default: the module's first word"
    )
    add_namespace(parser, help="of every object")
    parser.add_argument(
        "--image", type=_image, help="the application's image, which runs the migrations"
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", help=f"write {MANIFESTS} and {SECRETS} there instead"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print or write the manifests, and on standard error what to know; return the exit code."""
    module, notes = arguments.settings, Notes()
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", module):
        raise _refused(f"{module} is no module: write it as in DJANGO_SETTINGS_MODULE")
    interpreter = Interpreter(arguments.python or _default_python(), module)
    try:
        settings = interpreter.ask("read_settings.py", "settings")
        databases = _demand_databases(decode(settings["databases"]))
    except UnreadableSettingsError as error:
        raise _refused(f"{module} cannot be read: {error}") from None
    imported = import_databases(arguments, databases, notes)
    settle(imported, notes)
    import_routers(imported, settings["routers"], interpreter=interpreter, notes=notes)
    _output(imported, arguments.output_dir)
    _tell(notes)
    return COMPLETE if notes.is_complete else INCOMPLETE


def _image(text: str) -> str:
    if not re.fullmatch(r"\S{1,512}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of an image")
    return text


def _default_python() -> str:
    """Return the interpreter of an active environment, else the one that runs this."""
    return shutil.which("python") or sys.executable


def _demand_databases(databases: object) -> Mapping[object, object]:
    if not isinstance(databases, Mapping):
        raise UnreadableSettingsError("its DATABASES is no dictionary")
    if databases and DEFAULT_ALIAS not in databases:
        raise UnreadableSettingsError(
            "its DATABASES has no default, without which Django loads none"
        )
    return databases or {DEFAULT_ALIAS: {}}


def import_databases(
    arguments: argparse.Namespace, databases: Mapping[object, object], notes: Notes
) -> Import:
    """Return the project and its aliases, with notes for what they cannot say."""
    project = arguments.project or object_name(arguments.settings.partition(".")[0])
    certificates = Certificates(project, notes)
    spec: dict[str, JSON] = {"image": arguments.image} if arguments.image else {}
    spec["settings"] = {"module": arguments.settings}
    drafts = list(_drafts(databases, certificates, notes))
    return Import(project, arguments.namespace, certificates, spec, drafts)


def _drafts(
    databases: Mapping[object, object], certificates: Certificates, notes: Notes
) -> Iterator[Draft]:
    entries = {name: one for name, one in databases.items() if isinstance(name, str)}
    names = object_names(entries)
    for alias, entry in entries.items():
        if not isinstance(entry, Mapping):
            notes.lose(f'alias "{alias}"', "it is left out: its entry is no dictionary")
            continue
        draft = draft_entry(
            alias, entry, object=names[alias], certificates=certificates, notes=notes
        )
        if draft is not None:
            yield draft


def _output(imported: Import, directory: str | None) -> None:
    """Print or write everything; raise RefusedError where it cannot be written."""
    secrets = to_yaml(imported.secrets())
    if directory is None:
        apart = f"---\n{WARNING}{secrets}" if secrets else ""
        sys.stdout.write(to_yaml(imported.declared()) + apart)
        return
    folder = Path(directory)
    for name in (MANIFESTS, SECRETS):
        if (folder / name).exists():
            raise _refused(f"{folder / name} exists already: name another directory, or remove it")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / MANIFESTS, to_yaml(imported.declared()).encode(), PUBLIC)
        if secrets:
            write_file(folder / SECRETS, f"{WARNING}{secrets}".encode(), PRIVATE)


def _tell(notes: Notes) -> None:
    style = Style.of(sys.stderr)
    for note in notes.found:
        word = style.bad("left out") if note.lost else style.dim("note")
        print(f"dbalias import: {word}: {note}", file=sys.stderr)


def _refused(line: str) -> RefusedError:
    return RefusedError(f"dbalias import: {line}")
