"""Migrate every alias that is ours to migrate, one after the other, as the Jobs would."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from dbalias.api.project import DjangoProject
from dbalias.cli.local_process import Children
from dbalias.cli.offline import Scene
from dbalias.migrations.pods import build_arguments
from dbalias.reconcile.desired import DOCUMENT

PROGRAM = "dbalias_migrate.py"
_REPORT = "report.json"

ENDED_BY_SIGNAL = 128
"""What the exit code is above where a signal ended a child: `local_process`."""


def migrate(
    scene: Scene, folder: Path, *, python: str, env: Mapping[str, str], children: Children
) -> int:
    """Run the published runner for each alias; return 0, or the exit code of the first failure.

    What it prints goes to standard error: standard output belongs to the command that follows.
    """
    project = scene.snapshot.project
    assert isinstance(project, DjangoProject)
    managed = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))["routing"]["managed"]
    aliases = {one.alias: one for one in scene.snapshot.aliases if one.alias in managed}
    after = {name: one.migrate.depends_on for name, one in sorted(aliases.items())}
    order = [name for name in TopologicalSorter(after).static_order() if name in aliases]
    if not order:
        print("dbalias local: no alias is ours to migrate", file=sys.stderr)
    report = folder / _REPORT
    told = {name: value for name, value in env.items() if name != "DBALIAS_PROFILE"}
    for done, name in enumerate(order):
        argv = [python, str(folder / PROGRAM), *build_arguments(project, aliases[name])]
        report.unlink(missing_ok=True)
        code = children.run(
            argv, env={**told, "DBALIAS_REPORT": str(report)}, stdout=sys.stderr.fileno()
        )
        if code:
            left = order[done + 1 :]
            rest = f"; not tried: {', '.join(left)}" if left else ""
            why = _why(report, code, python)
            print(f"dbalias local: {name} is not migrated: {why}{rest}", file=sys.stderr)
            return code
    return 0


def _why(report: Path, code: int, python: str) -> str:
    """Return why a run failed; a signal may come when its report says that all went well."""
    if code > ENDED_BY_SIGNAL:
        return f"it was ended by signal {code - ENDED_BY_SIGNAL}"
    unsaid = f"{python} ended with code {code}: see that it is the application's (--python)"
    return _line(report) or unsaid


def _line(report: Path) -> str:
    """Return the line with which a run ended; nothing where it left none."""
    try:
        return str(json.loads(report.read_text(encoding="utf-8"))["message"])
    except (OSError, ValueError, KeyError):
        return ""
