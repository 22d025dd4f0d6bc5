"""Everything one pass over a server decides from, read live: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import Key, Metadata
from dbalias.api.server import DatabaseServer
from dbalias.reconcile.poll import Versions
from dbalias.reconcile.snapshot import Broken
from dbalias.servers.address import Address


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something is not done, as a condition says it; ``again``: when it is tried again."""

    reason: Reason
    message: str
    again: datetime | None = None

    def of_server(self) -> Trouble:
        """Return what a trouble of the server is to its aliases."""
        gone = self.reason is Reason.SERVER_NOT_FOUND
        return replace(self, reason=self.reason if gone else Reason.SERVER_UNAVAILABLE)


class TroubleError(Exception):
    """Ends the work on one alias; its condition says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One server, the aliases that name it, and what reaching it needs.

    ``trouble`` says why no statement can be sent, and ``address`` is None then. ``lost``: what
    a deletion would need is gone, so that waiting for it is in vain.
    """

    key: Key
    server: DatabaseServer | Broken | None
    aliases: tuple[DatabaseAlias, ...]
    broken: tuple[Metadata, ...] = ()
    """Aliases that nobody can read."""
    address: Address | None = None
    trouble: Trouble | None = None
    lost: bool = False
    labels: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    """Of namespaces, where the server admits by labels; None: they could not be read."""
    versions: Versions = field(default_factory=dict)
    """What was read by name, for the poll to compare."""

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of this key exists."""
        return self.lost and self.server is None and not self.aliases and not self.broken
