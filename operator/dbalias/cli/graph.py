"""Draw where apps go: apps → aliases → databases, as Mermaid or DOT, without a cluster.

A database that several aliases lead to is drawn once. Nothing of a Secret is shown.

Exit codes: 0 drawn, 2 input that cannot be read or has problems.
"""

from __future__ import annotations

import argparse

from dbalias.cli.chart_languages import to_dot, to_mermaid
from dbalias.cli.chart_of_project import draw
from dbalias.cli.input import add_files, choose_scenes, read_sound

DRAWN = 0
LANGUAGES = {"mermaid": to_mermaid, "dot": to_dot}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias graph``."""
    add_files(parser)
    parser.add_argument("--project", metavar="NAME", help="draw this project alone")
    parser.add_argument("-o", "--output", default="mermaid", choices=tuple(LANGUAGES))


def run(arguments: argparse.Namespace) -> int:
    """Print the drawing; return the exit code."""
    declarations = read_sound(arguments.files, namespace=arguments.namespace)
    chart = draw(choose_scenes(declarations, arguments.project))
    for line in LANGUAGES[arguments.output](chart):
        print(line)
    return DRAWN
