"""Which combinations are tried: computed from the Pythons at hand, never skipped.

Those of the running Python are always there. Without ``DBALIAS_MATRIX=all`` of the others: each
series of Django on the oldest and the newest Python, mysqlclient with the oldest and the newest
Django of all. `make matrix` sets it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from environments import DRIVERS, SERIES, Cell, cells, find_interpreters, running_interpreter
from environments.interpreters import LOOKED_FOR


def everything() -> list[Cell]:
    """Return every combination that this machine can make."""
    return [cell for cell in cells(find_interpreters(), DRIVERS) if cell.can_be_made]


def chosen() -> list[Cell]:
    """Return those to try in this run, oldest first."""
    found = everything()
    return found if os.environ.get("DBALIAS_MATRIX") == "all" else corners(found)


def corners(found: Sequence[Cell]) -> list[Cell]:
    """Return a choice with every series, both ends of the Pythons, and both drivers."""
    ours = running_interpreter()
    pymysql = [cell for cell in found if cell.driver == "pymysql"]
    kept = [cell for cell in pymysql if cell.interpreter == ours][-1:]
    for series in SERIES.values():
        kept += _ends(cell for cell in pymysql if cell.series == series)
    kept += _ends(cell for cell in found if cell.driver == "mysqlclient")
    return [cell for cell in found if cell in kept]


def not_at_hand() -> list[str]:
    """Return, in words, what this machine lacks."""
    there = {interpreter.minor for interpreter in find_interpreters()}
    missing = [f"Python {minor}" for minor in LOOKED_FOR if minor not in there]
    unmade = [cell for cell in cells(find_interpreters(), DRIVERS) if not cell.can_be_made]
    return missing + [str(cell) for cell in unmade]


def _ends(found: Iterable[Cell]) -> list[Cell]:
    listed = list(found)
    return [*listed[:1], *listed[-1:]]
