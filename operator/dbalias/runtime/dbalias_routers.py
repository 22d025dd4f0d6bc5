"""Database routers from databases.json: Guard, one class per policy, and Unmatched.

Django imports them by the dotted paths in DATABASE_ROUTERS, once a process; the classes of
policies come to life when asked for. The rule of a model is found once; from then on a look-up
is one dictionary hit, however many rules and policies there are.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.connection import ConnectionDoesNotExist
from django.utils.module_loading import import_string

import dbalias_databases
from dbalias_pins import remember_write, was_written
from dbalias_rules import (
    EMPTY,
    AsDjango,
    Families,
    Memo,
    Name,
    Pinned,
    Rule,
    find_name,
    name_of,
)


class RuleRouter:
    """Answers reads and writes by the one rule of a model; subclasses know how to find it."""

    related: Mapping[str | None, frozenset[str]] = {}
    """For each alias those that its objects may be related to."""

    def __init__(self) -> None:
        self._rule_of = Memo(self.find)

    def find(self, model: Any) -> Rule | None:
        """Return the rule of a model class, None where there is none."""
        raise NotImplementedError

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
        if model is None and model_name is None:
            return self._allow_operation(db, app_label)
        rule = self._claim(
            find_name(app_label, str(model_name)) if model is None else name_of(model)
        )
        return None if rule is None else db in rule.migrate

    def has_only_models_of(self, app_label: str) -> bool:
        """Return whether the policy names models of an app and not the app."""
        whole = self._any is not None or app_label in self._apps
        return not whole and any(name.split(".")[0] == app_label for name in self._models)

    def _claim(self, name: Name) -> Rule | None:
        found = self._models.get(name.model)
        if found is None:
            found = self._apps.get(name.app, self._any)
        return None if found is None else self.rules[found]

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


class Guard(RuleRouter):
    """Keeps replicas, foreign databases and the empty default from ever being migrated.

    It answers reads, writes and relations as well, for the generated routers that stand
    directly behind it: Django asks every router in turn, which would cost more with each policy.
    """

    def __init__(self) -> None:
        super().__init__()
        self._never: Mapping[str, str] = dbalias_databases.document()["routing"]["guard"]["never"]
        _demand_importable()
        self._behind = tuple(_generated_behind(f"{__name__}.Guard"))
        self.related = _united(router.related for router in self._behind)

    def find(self, model: Any) -> Rule | None:
        """Return the rule of the first router behind it that has one."""
        return next((rule for router in self._behind if (rule := router.find(model))), None)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return False on an alias that is never migrated; no opinion otherwise.

        Who asks about the empty default was given no --database: that is said aloud, because
        ``dumpdata`` would write an empty list and succeed.
        """
        why = self._never.get(db)
        if why == EMPTY:
            _speak_up(db, app_label)
        return None if why is None else False


class Unmatched(RuleRouter):
    """Answers what no router before it claimed, as ``unmatched`` says.

    DefaultOnly: a rule for everything, on ``default``. Everywhere: Django's own behaviour.
    Refuse: reading and writing raise ImproperlyConfigured, nothing is migrated.
    """

    def __init__(self) -> None:
        super().__init__()
        routing = dbalias_databases.document()["routing"]
        self._unmatched: str = routing["unmatched"]
        self._empty_default: bool = routing["empty_default"]
        self._as_django = AsDjango() if _is_last(f"{__name__}.Unmatched") else None
        self._policy: PolicyRouter | None = None
        if self._unmatched != "Refuse":
            table = _default_table(claim=self._unmatched == "DefaultOnly")
            self._policy = _policy_class("Default", table)()
            self.related = self._policy.related

    def find(self, model: Any) -> Rule | None:
        """Return the rule for what is unclaimed; raise ImproperlyConfigured under Refuse.

        Under Everywhere there is none as long as a router of the project stands behind.
        """
        if self._policy is None:
            raise self._refusal(model)
        return self._policy.find(model) or self._as_django

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return True on ``default`` alone, no opinion, or False under Refuse."""
        return self._policy.allow_migrate(db, app_label, **hints) if self._policy else False

    def _refusal(self, model: Any) -> ImproperlyConfigured:
        name = name_of(model)
        empty = ', and "default" is intentionally empty' if self._empty_default else ""
        return ImproperlyConfigured(
            f"{model._meta.label} is claimed by no routing rule{empty}: add `apps: "
            f"[{name.app}]` or `models: [{name.model}]` to a rule of a DatabaseRoutingPolicy"
        )


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


def _speak_up(alias: str, app_label: str) -> None:
    """Warn that a command found an alias empty on purpose; raise where it made nothing of it.

    Only createcachetable asks for the cache's table, and takes a no for success.
    """
    message = f'the alias "{alias}" is intentionally empty: name another one with --database'
    if app_label == "django_cache":
        raise ImproperlyConfigured(message)
    warnings.warn(message, RuntimeWarning, stacklevel=3)


def _absence(rule: Rule, alias: str, model: Any) -> ConnectionDoesNotExist:
    return ConnectionDoesNotExist(
        f'{model._meta.label} is routed to the alias "{alias}", which is not published yet '
        f"({rule.unavailable[alias]})"
    )


def _united(
    relatives: Iterable[Mapping[str | None, frozenset[str]]],
) -> dict[str | None, frozenset[str]]:
    united: dict[str | None, frozenset[str]] = {}
    for related in relatives:
        for alias, others in related.items():
            united[alias] = united[alias] | others if alias in united else others
    return united


def _generated_behind(path: str) -> Iterator[RuleRouter]:
    """Yield the routers from here between one of them and the project's next own."""
    paths = list(settings.DATABASE_ROUTERS)
    behind = paths[paths.index(path) + 1 :] if path in paths else []
    for following in takewhile(lambda p: str(p).startswith(f"{__name__}."), behind):
        yield import_string(following)()


def _is_last(path: str) -> bool:
    return list(settings.DATABASE_ROUTERS)[-1:] == [path]


def _demand_importable() -> None:
    """Name a router of the project that does not import, before Django stumbles over it."""
    for path in dbalias_databases.document()["routers"]:
        try:
            import_string(path)
        except ImportError as error:
            raise dbalias_databases.refuse(
                f"the router {path} of the project does not import ({error}): correct "
                "routing.before or routing.after of the DjangoProject, or the image"
            ) from None
