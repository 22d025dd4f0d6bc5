"""What arguments of management commands must not hold."""

from __future__ import annotations

from collections.abc import Iterable

from dbalias.api.reader import Reader


def demand_no_database(reader: Reader, args: Iterable[str], *, at: str) -> None:
    """Report ``--database``: the operator gives it, once for each run."""
    reader.demand(
        not any(arg.startswith("--database") for arg in args),
        at,
        "--database is given by dbalias",
        "Remove it from args",
    )
