"""The rules of a policy: how a model is named, which aliases are one set, where a model lives."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

REPLICA = "replica"
"""The word in ``guard.never`` for an alias that takes no writes."""


class Name(NamedTuple):
    """What a rule is looked up by, in lower case: app label and ``app.model``."""

    app: str
    model: str


def name_of(model: Any) -> Name:
    """Return the name that rules know a model by (also historical models and cache tables)."""
    declaring = getattr(model._meta, "auto_created", None) or model
    concrete = getattr(declaring._meta, "concrete_model", None) or declaring
    meta = concrete._meta
    return Name(meta.app_label, f"{meta.app_label}.{meta.model_name}".lower())


class Families:
    """Which aliases are one set: an alias, those that inherit from it or are read for it."""

    def __init__(self, routing: Mapping[str, Any]) -> None:
        self._representatives: Mapping[str, str] = routing.get("families", {})
        never: Mapping[str, str] = routing.get("guard", {}).get("never", {})
        self._replicas = frozenset(alias for alias, why in never.items() if why == REPLICA)

    def of(self, alias: str | None) -> str | None:
        """Return the alias that stands for the set of this one."""
        return None if alias is None else self._representatives.get(alias, alias)

    def members(self, alias: str) -> frozenset[str]:
        """Return the whole set that an alias belongs to."""
        wanted = self.of(alias)
        same = {a for a, of in self._representatives.items() if of == wanted}
        return frozenset({alias, *same})

    def writable(self, aliases: frozenset[str]) -> frozenset[str]:
        """Return those of some aliases that take writes."""
        return aliases - self._replicas

    def are_one(self, one: str | None, other: str | None) -> bool:
        """Return whether two aliases belong to one set."""
        return one is not None and self.of(one) == self.of(other)


class Rule:
    """Where the models of one rule are read, written and migrated."""

    def __init__(self, table: Mapping[str, Any], families: Families) -> None:
        self.write: str = table["write"]
        self.read: tuple[str, ...] = tuple(table.get("read") or (self.write,))
        self.migrate: frozenset[str] = frozenset(table["migrate"])
        self._weights = table.get("weights")
        family = families.members(self.write)
        self._homes = families.writable(family | self.migrate) | {self.write}
        self._near = family | self.migrate | frozenset(self.read)

    def home(self, instance: Any) -> str:
        """Return where an instance is written: its own database if it is of the set."""
        own = database_of(instance)
        return own if own in self._homes and own is not None else self.write

    def nearest(self, instance: Any) -> str | None:
        """Return the database that an instance came from, if its set can answer reads."""
        own = database_of(instance)
        return own if own in self._near else None

    def pick(self, unavailable: Mapping[str, str]) -> str:
        """Return one of the aliases that answer reads, by weight, among those that there are."""
        if len(self.read) == 1:
            return self.read[0]
        chosen = random.choices(self.read, self._weights)[0]
        if chosen in unavailable:
            return next((alias for alias in self.read if alias not in unavailable), chosen)
        return chosen


def database_of(instance: Any) -> str | None:
    """Return the alias that an instance was loaded from or saved to; None for neither."""
    state = getattr(instance, "_state", None)
    return getattr(state, "db", None)
