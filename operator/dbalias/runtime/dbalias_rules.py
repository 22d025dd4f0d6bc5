"""The rules of a policy: how a model is named, which aliases are one set, where a model lives."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from random import random
from typing import Any, NamedTuple, Optional

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

REPLICA = "replica"
"""The word in ``guard.never`` for an alias that takes no writes."""

EMPTY = "empty"
"""The word there for the alias that is intentionally empty."""

_MOST_MODELS = 10_000

Pinned = Optional[Callable[[str], bool]]
"""Whether reads of an alias stay on it for now; None where they never do."""


class Name(NamedTuple):
    """What a rule is looked up by, in lower case: app label and ``app.model``."""

    app: str
    model: str


def name_of(model: Any) -> Name:
    """Return the name that rules know a model by (also historical models and cache tables).

    A proxy is its concrete model, and the automatic table of a many-to-many field is the model
    that declares the field. A child of multi-table inheritance has a table and a name of its own.
    """
    declaring = getattr(model._meta, "auto_created", None) or model
    concrete = getattr(declaring._meta, "concrete_model", None) or declaring
    meta = concrete._meta
    return _name(meta.app_label, meta.model_name)


def label_of(model: Any) -> str:
    """Return ``app.Model``; the models of caches have no label of their own."""
    return f"{model._meta.app_label}.{model._meta.object_name}"


def find_name(app_label: str, model_name: str) -> Name:
    """Return the name for a model that is only told by name, in any case.

    ``makemigrations`` asks in this way, also about proxies.
    """
    try:
        return name_of(apps.get_registered_model(app_label, model_name))
    except LookupError:
        return _name(app_label, model_name)


def _name(app_label: str, model_name: str) -> Name:
    app = app_label.lower()
    return Name(app, f"{app}.{model_name.lower()}")


class Families:
    """Which aliases are one set: an alias, those that inherit from it or are read for it."""

    def __init__(self, routing: Mapping[str, Any]) -> None:
        self._representatives: Mapping[str, str] = routing.get("families", {})
        sets: dict[str, set[str]] = {}
        for alias, of in self._representatives.items():
            sets.setdefault(of, {of}).add(alias)
        self._sets = {of: frozenset(members) for of, members in sets.items()}
        never: Mapping[str, str] = routing.get("guard", {}).get("never", {})
        self._replicas = frozenset(alias for alias, why in never.items() if why == REPLICA)

    def of(self, alias: str | None) -> str | None:
        """Return the alias that stands for the set of this one."""
        return None if alias is None else self._representatives.get(alias, alias)

    def members(self, alias: str) -> frozenset[str]:
        """Return the whole set that an alias belongs to."""
        return self._sets.get(self._representatives.get(alias, alias), frozenset({alias}))

    def writable(self, aliases: frozenset[str]) -> frozenset[str]:
        """Return those of some aliases that take writes."""
        return aliases - self._replicas

    def are_one(self, one: str | None, other: str | None) -> bool:
        """Return whether two aliases belong to one set."""
        return one is not None and self.of(one) == self.of(other)

    def relatives(self, declared: Iterable[Iterable[str]]) -> dict[str | None, frozenset[str]]:
        """Return for each alias those that its objects may be related to.

        That is its own set, and every set that a member of ``declared`` names beside it.
        """
        together = [frozenset[str]().union(*map(self.members, aliases)) for aliases in declared]
        related: dict[str | None, frozenset[str]] = {}
        for group in (*self._sets.values(), *together):
            for alias in group:
                related[alias] = related[alias] | group if alias in related else group
        return related


class Rule:
    """Where the models of one rule are read, written and migrated.

    ``read`` are all aliases that may answer a read, ``only`` the one that does where there is
    no choice. ``unavailable`` are aliases that are not published yet, and why.
    """

    __slots__ = (
        *("write", "read", "migrate", "only", "is_pinned", "unavailable"),
        *("_pool", "_bounds", "_total", "_homes", "_near"),
    )

    def __init__(
        self,
        table: Mapping[str, Any],
        families: Families,
        *,
        is_pinned: Pinned = None,
        unavailable: Mapping[str, str] | None = None,
    ) -> None:
        self.write: str = table["write"]
        self.read: tuple[str, ...] = tuple(table.get("read") or (self.write,))
        self.migrate: frozenset[str] = frozenset(table["migrate"])
        self.is_pinned = is_pinned
        self.unavailable: Mapping[str, str] = unavailable or {}
        self._fill_pool(table.get("weights") or [1] * len(self.read))
        family = families.members(self.write)
        self._homes = families.writable(family | self.migrate) | {self.write}
        self._near = family | self.migrate | frozenset(self.read)

    def home(self, instance: Any) -> str:
        """Return where an instance is written: its own database if it is of the set."""
        own = database_of(instance)
        return own if own in self._homes and own is not None else self.write

    def nearest(self, instance: Any) -> str:
        """Return the database that an instance came from if its set can answer, else any reader."""
        own = database_of(instance)
        return own if own in self._near and own is not None else self.only or self.pick()

    def pick(self) -> str:
        """Return one of the aliases that answer reads, by weight, among those that there are."""
        return self._pool[bisect(self._bounds, random() * self._total)]

    def _fill_pool(self, weights: Iterable[int]) -> None:
        pairs = list(zip(self.read, weights))
        pairs = [pair for pair in pairs if pair[0] not in self.unavailable] or pairs
        self._pool = tuple(alias for alias, _ in pairs)
        *self._bounds, self._total = accumulate(weight for _, weight in pairs)
        self.only = self._pool[0] if len(self._pool) == 1 else None


class AsDjango(Rule):
    """What Django does where no router has an opinion: the instance's database, or ``default``."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__({"write": DEFAULT_DB_ALIAS, "migrate": ()}, Families({}))

    def home(self, instance: Any) -> str:
        """Return the database of an instance, whatever set it is of."""
        return database_of(instance) or self.write

    nearest = home


class Memo(dict[Any, Optional[Rule]]):
    """The rule of each model class, found once.

    Classes of the running application are kept; historical models and those of cache tables
    are made in numbers and must not outlive their use.
    """

    def __init__(self, find: Callable[[Any], Rule | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, model: Any) -> Rule | None:
        rule = self._find(model)
        if getattr(model._meta, "apps", None) is apps and isinstance(model, type):
            if len(self) >= _MOST_MODELS:  # somebody makes models without end
                self.clear()
            self[model] = rule
        return rule


def database_of(instance: Any) -> str | None:
    """Return the alias that an instance was loaded from or saved to; None for neither."""
    state = getattr(instance, "_state", None)
    return getattr(state, "db", None)
