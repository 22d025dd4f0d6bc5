"""What a process remembers of aliases that need nothing: it spares reads, and decides nothing.

A pass that the clock asks for forgets it all and looks at everything.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Reason
from dbalias.api.meta import Key
from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.status import Report, provisioned
from dbalias.servers.plot import Plot, Standing

FIRST = timedelta(seconds=5)
LIMIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Entry:
    print: Hashable
    until: datetime | None
    settled: bool
    waits: bool
    """For the workloads to have the login before: whether they do is told by the status."""
    times: int = 0


@dataclass(slots=True)
class Memory:
    """Of the aliases of one server, by uid: what they were when they were last looked at.

    ``awaited`` are those that somebody told of, and when: they are looked at again.
    """

    _entries: dict[str, _Entry] = field(default_factory=dict)
    awaited: dict[Key, datetime] = field(default_factory=dict)

    def spares(self, claim: Claim, plot: Plot, *, about: Hashable, now: datetime) -> bool:
        """Tell whether an alias is as it was, and nothing is due; ``about`` the server, too."""
        entry = self._entries.get(claim.alias.metadata.uid)
        if entry is None or entry.waits:
            return False
        if claim.key in self.awaited or claim.alias.credentials is not None:
            return False
        if entry.print != _print(claim.alias, about) or (entry.until and entry.until <= now):
            return False
        return not entry.settled or _is_settled(claim, plot)

    def note(self, claim: Claim, report: Report, *, about: Hashable, now: datetime) -> Report:
        """Remember what came of an alias; return it with the time at which it is tried again.

        The work on it began ``now``: what somebody told of it since came too late for that.
        """
        uid = claim.alias.metadata.uid
        before, seen = self._entries.get(uid), _print(claim.alias, about)
        times, until = 0, report.again
        if not report.is_well:
            times = before.times + 1 if before and before.print == seen else 0
            until = now + min(LIMIT, FIRST * 2 ** min(times, 10))
        waits = report.reason is Reason.ROTATION_PENDING
        self._entries[uid] = _Entry(seen, until, report.is_well, waits, times)
        if self.awaited.get(claim.key, now) <= now:
            self.awaited.pop(claim.key, None)
        return replace(report, again=until)

    def due(self, begun: datetime) -> datetime | None:
        """Return when the first of the aliases is to be looked at again, after a pass.

        What was due when it began and still is was not worked on: something else is waited for.
        """
        moments = (one.until for one in self._entries.values() if one.until)
        return min((one for one in moments if one > begun), default=None)

    def keep(self, uids: Collection[str]) -> None:
        """Forget the aliases that are gone."""
        self._entries = {uid: one for uid, one in self._entries.items() if uid in uids}

    def clear(self) -> None:
        """Forget everything, but who failed how often."""
        self._entries = {uid: one for uid, one in self._entries.items() if not one.settled}


def _print(alias: DatabaseAlias, about: Hashable) -> Hashable:
    metadata = alias.metadata
    return metadata.generation, metadata.annotations.get(ROTATE_REQUESTED_AT), about


def _is_settled(claim: Claim, plot: Plot) -> bool:
    """Tell whether the server has what the alias reports, as far as a survey sees it.

    One that reports a refusal since it settled is told that it is served again.
    """
    reported = claim.alias.status.get("provision") or {}
    named = {reported.get("login"), reported.get("readOnlyLogin")} - {None}
    return (
        provisioned(claim.alias)
        and plot.standing is Standing.OURS
        and plot.incarnation == reported.get("incarnation")
        and named <= plot.logins
        and not plot.obstacle()
        and not plot.steps(plot.logins, {})
    )
