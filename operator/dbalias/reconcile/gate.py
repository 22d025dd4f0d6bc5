"""When nothing irreversible may start yet: Jobs and restarts wait behind this gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbalias.api.conditions import Reason
from dbalias.django.sources import Found
from dbalias.reconcile.actions import is_publication
from dbalias.reconcile.desired import Desired, Hold
from dbalias.reconcile.lead import extended_at
from dbalias.reconcile.snapshot import Snapshot

SETTLE = timedelta(seconds=5)
"""How long every input must have stood as it is.

A policy that arrives after its alias must not find everything migrated into ``default``:
nothing undoes that.
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """Closed while there is a hold; ``wake_at`` is when time alone may open it."""

    hold: Hold | None = None
    wake_at: datetime | None = None


def find_gate(snapshot: Snapshot, desired: Desired, now: datetime) -> Gate:
    """Return the first reason to wait; a chain, the one an edit must cure comes first."""
    if desired.hold is not None:
        return Gate(desired.hold)
    refused = find_refusal(snapshot)
    if refused is not None:
        return Gate(refused)
    if desired.project.suspend:
        message = "spec.suspend is set: what runs goes on, nothing new starts"
        return Gate(Hold(Reason.SUSPENDED, message, stalled=False))
    missing = list(_missing_names(snapshot, desired))
    if missing:
        message = f"spec.waitFor names what does not exist yet: {', '.join(missing)}"
        return Gate(Hold(Reason.WAITING_FOR_OBJECTS, message, stalled=False))
    settled_at = max(_changes(snapshot, desired, now)) + SETTLE
    if settled_at > now:
        message = "waiting until all inputs have stood unchanged for 5 seconds"
        return Gate(Hold(Reason.SETTLING, message, stalled=False), settled_at)
    return Gate()


def find_refusal(snapshot: Snapshot) -> Hold | None:
    """Return why the API server did not take what is to be published."""
    for name, why in sorted(snapshot.memory.refusals.items()):
        if is_publication(name):
            return Hold(Reason.WRITE_REFUSED, f"{name} cannot be written: {why}", stalled=False)
    return None


def _missing_names(snapshot: Snapshot, desired: Desired) -> Iterator[str]:
    for alias in desired.project.wait_for.aliases:
        if alias not in desired.resolution.owners:
            yield f"alias {alias}"
    policies = {policy.metadata.name for policy in snapshot.policies}
    for policy in desired.project.wait_for.policies:
        if policy not in policies:
            yield f"policy {policy}"


def _changes(snapshot: Snapshot, desired: Desired, now: datetime) -> Iterator[datetime]:
    yield snapshot.memory.quiet_from
    if extended := extended_at(snapshot, desired, now):
        yield extended  # pods of Jobs read the published Secret
    declared = [desired.project.metadata]
    declared += [alias.metadata for alias in snapshot.aliases]
    declared += [policy.metadata for policy in snapshot.policies]
    for moment in (metadata.changed_at for metadata in declared):
        if moment is not None:
            yield moment
    for source in snapshot.sources.values():
        if isinstance(source, Found) and source.changed_at is not None:
            yield source.changed_at
