"""Databases that were made, or taken over, here and that no alias claims any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dbalias.api.meta import JSON, Key
from dbalias.servers.plot import Marked

MOST = 100
"""Names that a status holds; the count is of all."""


def render_orphans(
    marked: Iterable[Marked],
    *,
    installation: str,
    claimed: Mapping[Key, str],
    unread: Collection[Key] = (),
) -> JSON:
    """Return ``status.orphans`` of a server.

    ``claimed`` is the database of each alias that is provisioned here; what an alias of
    ``unread`` claims is not known, so nothing of it is called an orphan.
    """
    orphans = sorted(
        (one.database, str(key))
        for one in marked
        if one.mark.installation == installation
        and (key := Key(one.mark.namespace, one.mark.name)) not in unread
        and claimed.get(key) != one.database
    )
    databases = [{"name": name, "alias": alias} for name, alias in orphans[:MOST]]
    return {"count": len(orphans), "databases": databases}
