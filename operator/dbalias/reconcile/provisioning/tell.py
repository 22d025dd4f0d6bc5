"""Write what came of an alias into its status, and record events on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import SERVERS_FIELD_MANAGER
from dbalias.api.parse_alias import parse_alias
from dbalias.reconcile.ports import Cluster, ConflictError, Resource
from dbalias.reconcile.provisioning.status import Report, render_report, status_body

TRIES = 5
"""The other writer of the status may come between as often."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes the server pass' part of aliases' statuses."""

    cluster: Cluster
    clock: Callable[[], datetime]

    async def tell(self, alias: DatabaseAlias, report: Report | None) -> bool:
        """Bring our part up to date; None takes it away. Return whether that took a write.

        Raise ClusterError, ConflictError where the other writer was always faster.

        The project's pass writes the same status meanwhile: then ours goes on top of its own,
        unless the alias is another by now, which is looked at in a pass of its own.
        """
        current: DatabaseAlias | None = alias
        for _ in range(TRIES):
            if current is None or not _is_same(current, alias):
                return False
            part = render_report(current, report, self.clock())
            if part is None:
                return False
            namespace = current.metadata.namespace
            try:
                body = status_body(current, part)
                await self.cluster.apply_status(
                    Resource.ALIASES, namespace, body, manager=SERVERS_FIELD_MANAGER
                )
                return True
            except ConflictError:
                body = await self.cluster.get(Resource.ALIASES, namespace, alias.metadata.name)
                current = None if body is None else parse_alias(body).value
        raise ConflictError(f"the status of {alias.metadata.name} changes too often")


def _is_same(one: DatabaseAlias, other: DatabaseAlias) -> bool:
    first, second = one.metadata, other.metadata
    return (first.uid, first.generation) == (second.uid, second.generation)
