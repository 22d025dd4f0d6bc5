"""What answers by rules: one DatabaseRoutingPolicy as a Django database router."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from dbalias_pins import remember_write, was_written
from dbalias_rules import Families, Memo, Name, Pinned, Rule, find_name, label_of, name_of


class RuleRouter(ABC):
    """Answers reads and writes by the one rule of a model; subclasses know how to find it."""

    related: Mapping[str | None, frozenset[str]] = {}
    """For each alias those that its objects may be related to."""

    def __init__(self) -> None:
        self._rule_of = Memo(self.find)

    @abstractmethod
    def find(self, model: Any) -> Rule | None:
        """Return the rule of a model class, None where there is none."""

    def db_for_write(self, model: Any, instance: Any = None, **hints: Any) -> str | None:
        """Return the write alias, or the instance's own within the same set; None if unclaimed."""
        rule = self._rule_of[model]
        if rule is None:
            return None
        home = rule.write if instance is None else rule.home(instance)
        if home in rule.unavailable:
            raise _absence(rule, home, model)
        if rule.is_pinned is was_written:
            remember_write(home)
        return home

    def db_for_read(self, model: Any, instance: Any = None, **hints: Any) -> str | None:
        """Return an alias to read from, the write alias while reads are pinned."""
        rule = self._rule_of[model]
        if rule is None:
            return None
        if rule.is_pinned is not None and rule.is_pinned(home := rule.home(instance)):
            alias = home
        elif instance is None:
            alias = rule.only or rule.pick()
        else:
            alias = rule.nearest(instance)
        if alias in rule.unavailable:
            raise _absence(rule, alias, model)
        return alias

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Return True within one set or one relation set; no opinion otherwise."""
        return True if obj2._state.db in self.related.get(obj1._state.db, ()) else None

    def relates(self, one: str, other: str) -> bool:
        """Return whether objects of two aliases may be related, for the routing audit."""
        return other in self.related.get(one, ())

    def readers(self, model: Any) -> tuple[str, ...] | None:
        """Return every alias that may answer a read of a model, for the routing audit."""
        rule = self._rule_of[model]
        return None if rule is None else rule.read


class PolicyRouter(RuleRouter):
    """One DatabaseRoutingPolicy as a Django database router; subclasses carry its table."""

    table: Mapping[str, Any]
    routing: Mapping[str, Any]
    unavailable: Mapping[str, str]

    def __init__(self) -> None:
        super().__init__()
        families = Families(self.routing)
        pinned = _PINNED[self.table.get("pinReads", "None")]
        self.related = families.relatives(self.table.get("relations", ()))
        self.rules = tuple(
            Rule(rule, families, is_pinned=pinned, unavailable=self.unavailable)
            for rule in self.table["rules"]
        )
        self._models: Mapping[str, int] = self.table.get("models", {})
        self._apps: Mapping[str, int] = self.table.get("apps", {})
        self._any: int | None = self.table.get("any")

    def find(self, model: Any) -> Rule | None:
        """Return the first rule of the policy that claims a model."""
        return self._claim(name_of(model))

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Return whether the rule of a model, or of an app without one, migrates on ``db``."""
        model = hints.get("model")
        if not hasattr(model, "_meta"):  # RunPython(hints=…) of a project may say anything
            model = None
        if model is None and model_name is None:
            return self._allow_operation(db, app_label.lower())
        rule = self._claim(
            find_name(app_label, str(model_name)) if model is None else name_of(model)
        )
        return None if rule is None else db in rule.migrate

    def has_only_models_of(self, app: str) -> bool:
        """Return whether the policy names models of an app, in lower case, and not the app."""
        whole = self._any is not None or app in self._apps
        return not whole and any(name.split(".")[0] == app for name in self._models)

    def _claim(self, name: Name) -> Rule | None:
        found = self._models.get(name.model)
        if found is None:
            found = self._apps.get(name.app, self._any)
        return None if found is None else self.rules[found]

    def _allow_operation(self, db: str, app: str) -> bool | None:
        """Answer for RunPython and RunSQL, which concern an app and name no model.

        Where the policy claims only some models of the app, later routers may allow more.
        """
        aliases = self.table.get("app_migrate", {}).get(app)
        if aliases is None:
            aliases = self.table.get("any_migrate")
        if aliases is None:
            return None
        return True if db in aliases else None if self.has_only_models_of(app) else False


def _in_transaction(alias: str) -> bool:
    try:
        return bool(connections[alias].in_atomic_block)  # makes a wrapper at most, connects never
    except ConnectionDoesNotExist:  # what this alias answers must not depend on pinning
        return False


_PINNED: Mapping[str, Pinned] = {
    "None": None,
    "Transaction": _in_transaction,
    "Request": was_written,
}


def _absence(rule: Rule, alias: str, model: Any) -> ConnectionDoesNotExist:
    return ConnectionDoesNotExist(
        f'{label_of(model)} is routed to the alias "{alias}", which is not published yet '
        f"({rule.unavailable[alias]})"
    )
