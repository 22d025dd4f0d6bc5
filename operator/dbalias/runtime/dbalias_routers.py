"""Database routers from databases.json: Guard, one class per policy, and Unmatched.

Django imports them by the dotted paths in DATABASE_ROUTERS, once a process; the classes of
policies come to life when asked for. A look-up is at most three dictionary hits: the model, its
app, everything. Rules see a model as Django stores it: a proxy is its concrete model, and the
automatic table of a many-to-many field is the model that declares the field.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.connection import ConnectionDoesNotExist

import dbalias_databases
from dbalias_rules import Families, Name, Rule, database_of, name_of

_written: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar(
    "dbalias_written", default=None
)


class PolicyRouter:
    """One DatabaseRoutingPolicy as a Django database router; subclasses carry its table."""

    table: Mapping[str, Any]
    routing: Mapping[str, Any]
    unavailable: Mapping[str, str]

    def __init__(self) -> None:
        self.families = Families(self.routing)
        self.rules = tuple(Rule(rule, self.families) for rule in self.table["rules"])
        self._models: Mapping[str, int] = self.table.get("models", {})
        self._apps: Mapping[str, int] = self.table.get("apps", {})
        self._any: int | None = self.table.get("any")
        self._pins: str = self.table.get("pinReads", "None")
        self._relations = tuple(
            frozenset(self.families.of(alias) for alias in aliases)
            for aliases in self.table.get("relations", ())
        )

    def rule(self, name: Name) -> Rule | None:
        """Return the first rule that matches a model, or None."""
        found = self._models.get(name.model)
        if found is None:
            found = self._apps.get(name.app, self._any)
        return None if found is None else self.rules[found]

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        """Return the write alias, or the instance's own within the same set; None if unclaimed."""
        rule = self.rule(name_of(model))
        if rule is None:
            return None
        home = self._present(rule.home(hints.get("instance")), model)
        if self._pins == "Request":
            _remember_write(home)
        return home

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return an alias to read from, the write alias while reads are pinned."""
        rule = self.rule(name_of(model))
        if rule is None:
            return None
        instance = hints.get("instance")
        home = rule.home(instance)
        if self._is_pinned(home):
            return self._present(home, model)
        return self._present(rule.nearest(instance) or rule.pick(self.unavailable), model)

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Return True within one set or one relation set; no opinion otherwise."""
        one, other = (self.families.of(database_of(obj)) for obj in (obj1, obj2))
        if one is None or other is None:
            return None
        together = one == other or any({one, other} <= related for related in self._relations)
        return True if together else None

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Return whether the rule of a model, or of an app without one, migrates on ``db``."""
        model = hints.get("model")
        if model is not None:
            rule = self.rule(name_of(model))
        elif model_name is not None:
            rule = self.rule(Name(app_label, f"{app_label}.{model_name}".lower()))
        else:
            return self._allow_operation(db, app_label)
        return None if rule is None else db in rule.migrate

    def readers(self, model: Any) -> tuple[str, ...] | None:
        """Return every alias that may answer a read of a model, for the routing audit."""
        rule = self.rule(name_of(model))
        return None if rule is None else rule.read

    def relates(self, one: str, other: str) -> bool:
        """Return whether relations between two aliases are declared, for the routing audit."""
        pair = {self.families.of(one), self.families.of(other)}
        return any(pair <= related for related in self._relations)

    def has_only_models_of(self, app_label: str) -> bool:
        """Return whether the policy names models of an app and not the app."""
        whole = self._any is not None or app_label in self._apps
        return not whole and any(name.split(".")[0] == app_label for name in self._models)

    def _allow_operation(self, db: str, app_label: str) -> bool | None:
        """Answer for RunPython and RunSQL, which concern an app and name no model.

        Where the policy claims only some models of the app, later routers may allow more.
        """
        aliases = self.table.get("app_migrate", {}).get(app_label)
        if aliases is None:
            aliases = self.table.get("any_migrate")
        if aliases is None:
            return None
        return True if db in aliases else None if self.has_only_models_of(app_label) else False

    def _is_pinned(self, home: str) -> bool:
        if self._pins == "Transaction":
            return home not in self.unavailable and connections[home].in_atomic_block
        return self._pins == "Request" and home in (_written.get() or ())

    def _present(self, alias: str, model: Any) -> str:
        if alias in self.unavailable:
            raise ConnectionDoesNotExist(
                f'{model._meta.label} is routed to the alias "{alias}", which is not published '
                f"yet ({self.unavailable[alias]})"
            )
        return alias


class Guard:
    """Keeps replicas, foreign databases and the empty default from ever being migrated."""

    def __init__(self) -> None:
        self._never = dbalias_databases.document()["routing"]["guard"]["never"]

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return False on an alias that is never migrated; no opinion otherwise."""
        return False if db in self._never else None


class Unmatched:
    """Answers what no router before it claimed, as ``unmatched`` says.

    DefaultOnly: a rule for everything, on ``default``. Everywhere: Django's own behaviour.
    Refuse: reading and writing raise ImproperlyConfigured, nothing is migrated.
    """

    def __init__(self) -> None:
        routing = dbalias_databases.document()["routing"]
        self._refuses = routing["unmatched"] == "Refuse"
        self._empty_default: bool = routing["empty_default"]
        self._policy: PolicyRouter | None = None
        if not self._refuses:
            only_default = routing["unmatched"] == "DefaultOnly"
            self._policy = _policy_class("Default", _default_table(claim=only_default))()

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        """Return ``default`` or no opinion; raise ImproperlyConfigured under Refuse."""
        return self._answer(model).db_for_write(model, **hints)

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return ``default`` or no opinion; raise ImproperlyConfigured under Refuse."""
        return self._answer(model).db_for_read(model, **hints)

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Return True within one set; no opinion otherwise, and none under Refuse."""
        return self._policy.allow_relation(obj1, obj2, **hints) if self._policy else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return True on ``default`` alone, no opinion, or False under Refuse."""
        return self._policy.allow_migrate(db, app_label, **hints) if self._policy else False

    def _answer(self, model: Any) -> PolicyRouter:
        if self._policy is None:
            name = name_of(model)
            empty = ', and "default" is intentionally empty' if self._empty_default else ""
            raise ImproperlyConfigured(
                f"{model._meta.label} is claimed by no routing rule{empty}: add `apps: "
                f"[{name.app}]` or `models: [{name.model}]` to a rule of a DatabaseRoutingPolicy"
            )
        return self._policy


def _default_table(*, claim: bool) -> dict[str, Any]:
    home = [DEFAULT_DB_ALIAS]
    return {
        "rules": [{"read": home, "write": DEFAULT_DB_ALIAS, "migrate": home}],
        "any": 0 if claim else None,
        "any_migrate": home if claim else None,
    }


def _policy_class(name: str, table: Mapping[str, Any]) -> type[PolicyRouter]:
    document = dbalias_databases.document()
    attributes = {
        "table": table,
        "routing": document["routing"],
        "unavailable": document.get("unavailable", {}),
        "__module__": __name__,
        "__doc__": f"The DatabaseRoutingPolicy {table.get('name', name)}.",
    }
    return type(name, (PolicyRouter,), attributes)


@functools.cache
def _published_class(name: str) -> type[PolicyRouter]:
    return _policy_class(name, dbalias_databases.document()["routing"]["policies"][name])


def __getattr__(name: str) -> Any:
    if not name.startswith("Policy_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return _published_class(name)
    except KeyError:
        raise AttributeError(f"no published policy is called {name!r}") from None


def _remember_write(alias: str) -> None:
    aliases = _written.get()
    if aliases is None:
        aliases = set()
        _written.set(aliases)
    aliases.add(alias)


def _forget_writes(**kwargs: Any) -> None:
    """Unpin reads: for whatever shares this request's set, and for this context's next one."""
    aliases = _written.get()
    if aliases is not None:
        aliases.clear()
        _written.set(None)


request_started.connect(_forget_writes, dispatch_uid="dbalias_request_started")
request_finished.connect(_forget_writes, dispatch_uid="dbalias_request_finished")
