"""The entry point: ``dbalias VERB``, installed as ``kubectl-dbalias`` too."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from importlib import import_module

from dbalias import __version__
from dbalias.cli.refusal import REFUSED, RefusedError

VERBS = {
    "run": "run the operator",
    "render": "print what the operator would publish for manifests, without a cluster",
    "check": "find every problem of manifests, without a cluster",
    "inject": "mount what is published into the pods of workloads",
    "local": "run a command with the same settings on this machine, without a cluster",
    "manage": "run a management command in a cluster, a Job per database",
    "retry": "ask for another run of migrations or checks in a cluster",
    "approve": "show what waits to be migrated, and approve it",
    "rotate": "change the login of a provisioned alias in a cluster",
    "orphans": "list provisioned databases that no alias claims any more",
    "status": "show what is published, migrated and failing in a cluster",
    "import": "turn an existing settings module into manifests",
    "graph": "draw which apps go to which alias and database",
}
"""Each verb is a module of this room with ``add_arguments`` and ``run``."""

MODULES = {"import": "import_settings"}
"""Verbs whose module cannot have their name."""

WITH_COMMAND = frozenset({"local", "manage"})
"""Verbs that take a command after ``--``, which is not for us to read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the process' exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    cut = words.index("--") if "--" in words and _verb(words) in WITH_COMMAND else len(words)
    given = words[:cut]
    parsed, strange = _parser(given).parse_known_args(given)
    if strange:
        hint = ": a command follows --" if parsed.verb in WITH_COMMAND else ""
        parsed.parser.error(f"unrecognized arguments: {' '.join(strange)}{hint}")
    parsed.command = words[cut + 1 :]
    try:
        return _run(parsed)
    except RefusedError as refusal:
        for line in refusal.lines:
            print(line, file=sys.stderr)
        return refusal.code
    except KeyboardInterrupt:
        return 130


def _run(parsed: argparse.Namespace) -> int:
    """Run the verb, and write all of its output while a failure to do so can still be told."""
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not flush it again.
        sys.stdout = None
        return 141
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.stdout = None
        print(f"dbalias {parsed.verb}: not all is written: {error.strerror}", file=sys.stderr)
        return REFUSED
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Import the verb asked for and no other: ``check`` needs no Kubernetes client."""
    parser = argparse.ArgumentParser(
        prog="dbalias", description="Django database aliases on Kubernetes."
    )
    parser.add_argument("--version", action="version", version=f"dbalias {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = _verb(arguments)
    for verb, summary in VERBS.items():
        below = verbs.add_parser(
            verb, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if verb == asked:
            module = import_module(f"dbalias.cli.{MODULES.get(verb, verb)}")
            below.description = module.__doc__
            module.add_arguments(below)
            below.set_defaults(run=module.run, parser=below)
    return parser


def _verb(arguments: Sequence[str]) -> str | None:
    return next((word for word in arguments if not word.startswith("-")), None)
