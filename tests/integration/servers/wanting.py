"""What aliases of tests want of a server, and the logins that they have after a first pass."""

from __future__ import annotations

import itertools
from typing import Any

from dbalias.api.provision import DatabaseSpec
from dbalias.api.server import ServerEngine
from dbalias.servers.marks import Mark
from dbalias.servers.names import database_name, role_names
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.wanted import Wanted

NAMESPACE = "team"
PATIENT = Timeouts(connect=60, statement=60, lock=60, silence=60)
"""How long a busy machine may keep a statement, or a test from its next one."""
_NUMBERS = itertools.count(1)


def wanted_on(
    engine: ServerEngine,
    name: str = "",
    *,
    database: str | None = None,
    readers: bool = False,
    installation: str = "here/dbalias",
    adopt: bool = False,
    require_tls: bool = False,
    **spec: Any,
) -> Wanted:
    """Return what an alias wants, by default one that nobody had before.

    Further fields are its database's.
    """
    name = name or f"shop{next(_NUMBERS)}"
    roles = role_names(NAMESPACE, name, engine=engine)
    return Wanted(
        mark=Mark(installation, NAMESPACE, name),
        database=database_name(NAMESPACE, name, declared=database, engine=engine),
        owner=roles.owner,
        logins=roles.logins,
        readers=roles.readers if readers else None,
        spec=DatabaseSpec(**spec),
        adopt=adopt,
        require_tls=require_tls,
    )


def issued(wanted: Wanted) -> frozenset[str]:
    """Return the logins that exist after a first pass: one of each pair."""
    return frozenset({wanted.logins.a, *([wanted.readers.a] if wanted.readers else [])})
