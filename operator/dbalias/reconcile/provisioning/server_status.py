"""The status of a DatabaseServer: whether it can be reached, and what lies there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status, timestamp
from dbalias.api.meta import JSON, Kind
from dbalias.api.server import DatabaseServer
from dbalias.reconcile.actions import WriteStatus
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.reconcile.snapshot import Broken
from dbalias.reconcile.status import Obstacle, Subject, summary, write_status

_KEPT = ("version", "databases", "orphans")
_UNTRIED = (Reason.INVALID_CONFIGURATION, Reason.INTERNAL_ERROR)
"""What says nothing of the server itself."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a look at a server showed."""

    version: str
    databases: int
    orphans: JSON

    def render(self) -> dict[str, JSON]:
        """Return the fields of the status."""
        return {"version": self.version, "databases": self.databases, "orphans": self.orphans}


def server_status(
    server: DatabaseServer | Broken,
    *,
    trouble: Trouble | None,
    holdings: Holdings | None,
    now: datetime,
) -> WriteStatus | None:
    """Return the write that brings a server's status up to date; None when it is so already.

    Without ``holdings``, what was seen last stays. A server whose spec nobody understands was
    not tried.
    """
    subject = Subject(Kind.SERVER, server.metadata, server.status)
    fields = holdings.render() if holdings else _kept(server.status)
    if trouble is None:
        conditions = (*summary(None, ready=fields.get("version", "")), _connected(fields))
        return write_status(subject, conditions, fields, now=now)
    if trouble.again:
        fields = {**fields, "nextAttempt": timestamp(trouble.again)}
    obstacle = Obstacle.of(trouble.reason, trouble.message)
    return write_status(subject, (*summary(obstacle, ready=""), _failed(trouble)), fields, now=now)


def _kept(status: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: status[name] for name in _KEPT if name in status}


def _connected(fields: Mapping[str, JSON]) -> ConditionValue:
    text = f"the administrator logged in to {fields.get('version')}"
    return ConditionValue(Condition.CONNECTED, Status.TRUE, Reason.AVAILABLE, text)


def _failed(trouble: Trouble) -> ConditionValue:
    status = Status.UNKNOWN if trouble.reason in _UNTRIED else Status.FALSE
    return ConditionValue(Condition.CONNECTED, status, trouble.reason, trouble.message)
