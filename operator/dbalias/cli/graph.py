"""Draw where apps go: apps → aliases → databases, as Mermaid or DOT, without a cluster.

A database that several aliases lead to is drawn once. Nothing of a Secret is shown.

Exit codes: 0 drawn, 2 input that cannot be read or has problems.
"""

from __future__ import annotations

import argparse
import sys

from dbalias.cli.chart_languages import to_dot, to_mermaid
from dbalias.cli.chart_of_project import draw
from dbalias.cli.findings import find_everything
from dbalias.cli.input import add_files, describe, read_files
from dbalias.cli.output import Style

DRAWN, BAD_INPUT = 0, 2
LANGUAGES = {"mermaid": to_mermaid, "dot": to_dot}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias graph``."""
    add_files(parser)
    parser.add_argument("--project", metavar="NAME", help="draw this project alone")
    parser.add_argument("-o", "--output", default="mermaid", choices=tuple(LANGUAGES))


def run(arguments: argparse.Namespace) -> int:
    """Print the drawing; return the exit code."""
    declarations, faults = read_files(arguments.files, namespace=arguments.namespace)
    found = [] if faults else find_everything(declarations)
    problems = [finding for finding in found if not finding.note]
    if faults or problems:
        return _refuse(*describe(problems, faults, style=Style.of(sys.stderr)))
    scenes = [
        scene
        for scene in declarations.scenes
        if scene.snapshot.project is not None and arguments.project in (None, scene.key.name)
    ]
    if not scenes:
        what = f"DjangoProject/{arguments.project}" if arguments.project else "DjangoProject"
        return _refuse(f"there is no {what} among the files")
    for line in LANGUAGES[arguments.output](draw(scenes)):
        print(line)
    return DRAWN


def _refuse(*lines: str) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return BAD_INPUT
