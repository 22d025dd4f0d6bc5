"""What of the desired document applications may see while migrations are still to be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from dbalias.api.conditions import Reason
from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.api.project import PublishMode
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

    ``migrated`` has every alias with nothing left to migrate, whatever the reason: replicas,
    empty and local ones, those that are not ours, and those that keep their last good entry.
    Entries of others do not appear, or keep the database they lead to; their remaining keys
    flow. Login and certificates flow through the Secret, and an address from a Secret is
    named by its content, so that it waits here as a declared one does.
    """
    if mode is PublishMode.IMMEDIATELY:
        migrated = frozenset(desired["databases"])
    before = published["databases"] if published else {}
    databases = {
        name: shown
        for name, entry in desired["databases"].items()
        if (shown := _shown(entry, before.get(name), name in migrated)) is not None
    }
    document = {**desired, "databases": databases}
    if published and not _is_migrated(desired, migrated):
        document |= {part: published[part] for part in ROUTED}
        used = set(_used_aliases(published["routing"]))
        databases |= {name: before[name] for name in used & before.keys() - databases.keys()}
    waiting = dict.fromkeys(desired["databases"].keys() - databases, Reason.PENDING.value)
    document["unavailable"] = {**desired["unavailable"], **waiting}
    return with_revision(document) if DEFAULT_ALIAS in databases else None


def _is_migrated(desired: JSON, migrated: AbstractSet[str]) -> bool:
    managed = set(desired["routing"]["managed"])
    return (managed & set(desired["databases"])) <= migrated


def _shown(entry: JSON, before: JSON | None, is_migrated: bool) -> JSON | None:
    entry = {part: entry[part] for part in ("settings", "secrets", "files")}
    if is_migrated or before is None:
        return entry if is_migrated else None
    held = PHYSICAL
    if entry["settings"].get("ENGINE") != before["settings"].get("ENGINE"):
        held |= {"OPTIONS"}  # the other engine's options are no use to this one
    return {
        "settings": {
            **{key: v for key, v in entry["settings"].items() if key not in held},
            **{key: v for key, v in before["settings"].items() if key in held},
        },
        "secrets": _mixed(entry["secrets"], before["secrets"], held),
        "files": _mixed(entry["files"], before["files"], held),
    }


def _mixed(desired: Iterable[JSON], before: Iterable[JSON], held: AbstractSet[str]) -> list[JSON]:
    flowing = [place for place in desired if place[0][0] not in held]
    return sorted([*flowing, *(place for place in before if place[0][0] in held)])


def _used_aliases(routing: JSON) -> Iterator[str]:
    for policy in routing["policies"].values():
        for rule in policy["rules"]:
            yield from (*rule["read"], rule["write"], *rule["migrate"])
