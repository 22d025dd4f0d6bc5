"""Where the installed models go, as a table: ``dbalias status --routes``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbalias.api.meta import JSON
from dbalias.cli.output import Cell, Style, lay_out

HEADINGS = ("READ", "WRITE", "MIGRATE", "MODELS")


def describe_routes(
    routes: Mapping[str, JSON], *, wanted: str | None, style: Style
) -> Iterator[str]:
    """Yield the lines for ``status.routes``, with what is left out of it.

    ``wanted`` is the project's revision: routes of another one are said to be so.
    """
    if not routes:
        yield "  no Job has told yet where the models go"
        return
    destinations = routes.get("destinations") or ()
    yield f"  {routes.get('modelsCount', 0)} model(s), as the Job {routes.get('job')} found them"
    told_of = routes.get("revision")
    if wanted and told_of and told_of != wanted:
        yield f"  That was revision {told_of}: no Job has told yet of {wanted}"
    rows = [[Cell(heading, style.dim(heading)) for heading in HEADINGS]]
    rows += [[Cell(text, text) for text in _row(one)] for one in destinations]
    yield from lay_out(rows)
    more = int(routes.get("routesCount") or 0) - len(destinations)
    if more > 0:
        yield f"  and {more} more destination(s): see the log of that Job"


def _row(destination: Mapping[str, JSON]) -> tuple[str, str, str, str]:
    """Return the cells of one destination; whole apps are written ``app.*``."""
    read, migrate = (", ".join(destination.get(name) or ()) for name in ("read", "migrate"))
    apps = [f"{app}.*" for app in destination.get("apps") or ()]
    names = [*apps, *(destination.get("models") or ())]
    count = f"{destination.get('modelsCount', 0)}: "
    return (read or "-", destination.get("write") or "-", migrate or "-", count + ", ".join(names))
