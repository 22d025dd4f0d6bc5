"""How far the document that applications mount may advance, given the runs so far."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.django.allowance import routing_on
from dbalias.django.artefact import is_routed_alike, stable_document
from dbalias.django.entries import EntryKind
from dbalias.migrations.identity import run_identity
from dbalias.reconcile.command_status import publishable
from dbalias.reconcile.desired import Desired
from dbalias.reconcile.runs import Runs


def next_document(desired: Desired, runs: Runs) -> JSON | None:
    """Return what applications may load now; None while there is nothing for them."""
    resolved = publishable(runs) - desired.resolution.problems.keys()
    migrated = resolved | _unchanged(desired) | _restored(desired, runs)
    if desired.published is None and not _may_begin(desired, runs, migrated):
        return None
    document = stable_document(
        desired.artefact.document,
        desired.last_good,
        migrated=_with_primaries(desired, migrated),
        mode=desired.project.publish,
    )
    return desired.published if document is None else document


def _with_primaries(desired: Desired, migrated: AbstractSet[str]) -> frozenset[str]:
    """Leave out replicas of what is not migrated: they have the tables that their primary has."""
    families, entries = desired.routing.document["families"], desired.resolution.entries
    return frozenset(
        alias
        for alias in migrated
        if alias not in entries
        or entries[alias].kind is not EntryKind.REPLICA
        or families.get(alias, alias) in migrated
    )


def _unchanged(desired: Desired) -> frozenset[str]:
    """Return the aliases that keep their last good entry and hold no new route up.

    One whose tables would be others under the new routes does: they are not made yet.
    """
    if desired.published is None:
        return frozenset(desired.resolution.problems)
    return frozenset(
        alias
        for alias in desired.resolution.problems
        if is_routed_alike(desired.artefact.document, desired.published, alias)
    )


def _restored(desired: Desired, runs: Runs) -> frozenset[str]:
    """Return the aliases to publish again when the ConfigMap is lost while a run is wanted.

    Nobody knows then what it said. An alias whose last run differs in nothing but the image
    has the tables that applications know; any other waits for the run.
    """
    if desired.published is not None or not _was_published(desired):
        return frozenset()
    return frozenset(alias for alias in runs.standings if _differs_in_image(desired, runs, alias))


def _differs_in_image(desired: Desired, runs: Runs, alias: str) -> bool:
    entry, completed = desired.resolution.entries.get(alias), runs.record(alias).completed
    if entry is None or completed is None:
        return False
    routing = routing_on(desired.routing.document, alias)
    project = replace(desired.project, image=completed.image)
    owner = desired.resolution.owners[alias]
    return run_identity(project, entry, routing, owner) == completed.identity


def _was_published(desired: Desired) -> bool:
    return bool(desired.project.status.get("publishedRevision"))


def _may_begin(desired: Desired, runs: Runs, migrated: AbstractSet[str]) -> bool:
    """Tell whether a first publication would give the application something to work with.

    Pods wait for a ConfigMap that is not there, and never see an alias that comes later: so
    nothing is published before every alias has either been migrated or cannot be for now.
    """
    if _was_published(desired) and desired.resolution.entries.keys() <= migrated:
        return True
    refused = any(
        runs.conditions[alias].reason is Reason.AUDIT_REFUSED for alias in runs.conditions
    )
    if runs.open or refused:
        return False
    entries = desired.artefact.document["databases"]
    return any(entries[alias]["settings"] for alias in publishable(runs) if alias in entries)
