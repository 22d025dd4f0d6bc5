"""What of the desired document applications may see while migrations are still to be done."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from dbalias.api.conditions import Reason
from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.api.project import PublishMode
from dbalias.django.allowance import routing_on
from dbalias.django.document import with_revision

PHYSICAL = frozenset({"ENGINE", "HOST", "PORT", "NAME"})
"""Keys that decide which database an alias is: changed ones wait for its migrations."""

ROUTED = ("routing", "routers", "extra")
"""Parts that change together, once every alias is migrated: a project's own routers read
``extra``, and any route may lead to a table that is not made yet."""


def stable_document(
    desired: JSON, published: JSON | None, *, migrated: AbstractSet[str], mode: PublishMode
) -> JSON | None:
    """Return the document for applications, or None while ``default`` has no entry.

    ``migrated`` has every alias with nothing left to migrate, whatever the reason: replicas of
    such, empty and local ones, those that are not ours, and those that keep their last good
    entry. Entries of others do not appear; one that is to lead to another database stays as
    it is, for login, certificates and options go with the server. While an entry leads to the
    same database, login and certificates flow through the Secret.
    """
    if mode is PublishMode.IMMEDIATELY:
        migrated = frozenset(desired["databases"])
    waits = published is not None and mode is PublishMode.AFTER_MIGRATE
    keeps_routes = waits and not _may_reroute(desired, published, migrated)
    if keeps_routes:
        migrated = {alias for alias in migrated if is_routed_alike(desired, published, alias)}
    before = published["databases"] if published else {}
    databases = {
        name: shown
        for name, entry in desired["databases"].items()
        if (shown := _shown(entry, before.get(name), name in migrated)) is not None
    }
    document = {**desired, "databases": databases}
    if published and keeps_routes:
        document |= {part: published[part] for part in ROUTED}
        used = set(_used_aliases(published["routing"]))
        databases |= {name: before[name] for name in used & before.keys() - databases.keys()}
    waiting = dict.fromkeys(desired["databases"].keys() - databases, Reason.PENDING.value)
    document["unavailable"] = {**desired["unavailable"], **waiting}
    return with_revision(document) if DEFAULT_ALIAS in databases else None


def is_routed_alike(desired: JSON, published: JSON, alias: str) -> bool:
    """Tell whether the tables on an alias are the same under published and under new routes."""
    routing = published["routing"]
    names = [path.rpartition(".")[2] for path in published["routers"]]
    policies = {name: routing["policies"][name] for name in names if name in routing["policies"]}
    before: JSON = routing_on({**routing, "policies": policies}, alias)
    return bool(before == routing_on(desired["routing"], alias))


def _may_reroute(desired: JSON, published: JSON, migrated: AbstractSet[str]) -> bool:
    """Tell whether the new routes lead to tables alone, and none anew to what has no entry."""
    present = set(desired["databases"])
    newly = set(_used_aliases(desired["routing"])) - set(_used_aliases(published["routing"]))
    return (set(desired["routing"]["managed"]) & present) <= migrated and newly <= present


def _shown(entry: JSON, before: JSON | None, is_migrated: bool) -> JSON | None:
    if is_migrated or (before is not None and _address(entry) == _address(before)):
        return {part: entry[part] for part in ("settings", "secrets", "files")}
    return before


def _address(entry: JSON) -> JSON:
    public = {key: value for key, value in entry["settings"].items() if key in PHYSICAL}
    return public, [place for place in entry["secrets"] if place[0][0] in PHYSICAL]


def _used_aliases(routing: JSON) -> Iterator[str]:
    for policy in routing["policies"].values():
        for rule in policy["rules"]:
            yield from (*rule["read"], rule["write"], *rule["migrate"])
