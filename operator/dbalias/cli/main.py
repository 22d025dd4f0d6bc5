"""The entry point: ``dbalias VERB``, installed as ``kubectl-dbalias`` too."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from dbalias import __version__

VERBS = {
    "run": "run the operator",
}
"""Each verb is a module of this room with ``add_arguments`` and ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the process' exit code."""
    parser = argparse.ArgumentParser(
        prog="dbalias", description="Django database aliases on Kubernetes."
    )
    parser.add_argument("--version", action="version", version=f"dbalias {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, summary in VERBS.items():
        module = import_module(f"dbalias.cli.{verb}")
        below = verbs.add_parser(verb, help=summary, description=module.__doc__)
        module.add_arguments(below)
        below.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    return int(parsed.run(parsed))
