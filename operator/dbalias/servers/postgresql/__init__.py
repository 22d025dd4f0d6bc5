"""PostgreSQL: surveys in bulk, decides purely, words every statement by psycopg's composition.

What was read is a value (``found``): an administrator, databases, roles, one inside. Whose it is
(``standing``), what is in the way (``obstacles``) and what is to be done (``outside``, ``inside``,
``removal``) are pure; ``plot`` puts them together. Only ``survey`` and ``look`` ask the server.
The administrator need not be a superuser: CREATEDB and CREATEROLE do. It is made a member of each
owner role, because only who has an owner's rights may give it a database and alter that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbalias.servers.plot import Plot, Session, Survey
from dbalias.servers.postgresql import look, survey
from dbalias.servers.postgresql.plot import PostgresPlot
from dbalias.servers.wanted import Wanted


class PostgresEngine:
    """``servers.plot.Engine`` for PostgreSQL."""

    def survey(self, session: Session, wanted: Sequence[Wanted]) -> Survey:
        """Look up everything wanted in five statements."""
        return survey.survey(session, wanted)

    def look_up(self, session: Session, wanted: Wanted) -> Plot:
        """Look up one database in three statements."""
        return survey.look_up(session, wanted)

    def look_inside(self, session: Session, plot: Plot) -> Plot:
        """Return the plot with what a session in its ``unseen`` database shows."""
        if not isinstance(plot, PostgresPlot):
            raise TypeError(f"a plot of another engine: {type(plot).__name__}")
        inside = look.look_inside(session, plot.found)
        return PostgresPlot(replace(plot.found, inside=inside))
