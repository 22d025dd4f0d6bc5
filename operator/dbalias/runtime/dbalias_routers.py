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

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, router
from django.utils.module_loading import import_string

import dbalias_databases
from dbalias_policies import PolicyRouter, RuleRouter
from dbalias_rules import EMPTY, AsDjango, Rule, label_of, name_of

_UNKNOWN: Any = object()


class ChainRouter(RuleRouter):
    """A router that knows its place where Django asks it."""

    _behind: Any = _UNKNOWN

    @property
    def behind(self) -> tuple[Any, ...] | None:
        """The routers behind this one in Django's own chain; None for one that is not in it.

        Asked at the first question, when the chain is complete. A ``ConnectionRouter`` that
        somebody else makes may hold routers that are not in the settings.
        """
        if self._behind is _UNKNOWN:  # a cached_property would slow down every attribute
            chain = list(router.routers)
            places = [place for place, one in enumerate(chain) if one is self]
            self._behind = tuple(chain[places[0] + 1 :]) if places else None
        found: tuple[Any, ...] | None = self._behind
        return found


class Guard(ChainRouter):
    """Keeps replicas, foreign databases and the empty default from ever being migrated.

    It answers reads, writes and relations as well, for the generated routers that stand
    directly behind it: Django asks every router in turn, which would cost more with each policy.
    """

    def __init__(self) -> None:
        super().__init__()
        self._never: Mapping[str, str] = dbalias_databases.document()["routing"]["guard"]["never"]
        _demand_importable()

    def find(self, model: Any) -> Rule | None:
        """Return the rule of the first router behind it that has one."""
        return next((rule for one in self._generated() if (rule := one.find(model))), None)

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Return True where a router behind it does; no opinion otherwise."""
        if not self.related:
            self.related = _united(one.related for one in self._generated())
        return True if obj2._state.db in self.related.get(obj1._state.db, ()) else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return False on an alias that is never migrated; no opinion otherwise.

        Who asks about the empty default was given no --database: that is said aloud, because
        ``dumpdata`` would write an empty list and succeed.
        """
        why = self._never.get(db)
        if why == EMPTY:
            _speak_up(db, app_label)
        return None if why is None else False

    def _generated(self) -> Iterator[RuleRouter]:
        return takewhile(_is_generated, self.behind or ())


class Unmatched(ChainRouter):
    """Answers what no router before it claimed, as ``unmatched`` says.

    DefaultOnly: a rule for everything, on ``default``. Everywhere: Django's own behaviour.
    Refuse: reading and writing raise ImproperlyConfigured, nothing is migrated.
    """

    def __init__(self) -> None:
        super().__init__()
        routing = dbalias_databases.document()["routing"]
        self._unmatched: str = routing["unmatched"]
        self._empty_default: bool = routing["empty_default"]
        self._as_django = AsDjango()
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
        return self._policy.find(model) or (self._as_django if self.behind == () else None)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return True on ``default`` alone, no opinion, or False under Refuse."""
        return self._policy.allow_migrate(db, app_label, **hints) if self._policy else False

    def _refusal(self, model: Any) -> ImproperlyConfigured:
        name = name_of(model)
        empty = ', and "default" is intentionally empty' if self._empty_default else ""
        return ImproperlyConfigured(
            f"{label_of(model)} is claimed by no routing rule{empty}: add `apps: "
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


def _speak_up(alias: str, app_label: str) -> None:
    """Warn that a command found an alias empty on purpose; raise where it made nothing of it.

    Only createcachetable asks for the cache's table, and takes a no for success.
    """
    message = f'the alias "{alias}" is intentionally empty: name another one with --database'
    if app_label == "django_cache":
        raise ImproperlyConfigured(message)
    warnings.warn(message, RuntimeWarning, stacklevel=3)


def _united(
    relatives: Iterable[Mapping[str | None, frozenset[str]]],
) -> dict[str | None, frozenset[str]]:
    united: dict[str | None, frozenset[str]] = {}
    for related in relatives:
        for alias, others in related.items():
            united[alias] = united[alias] | others if alias in united else others
    return united


def _is_generated(one: Any) -> bool:
    """Return whether a router is from here, and no subclass that a project has changed."""
    return isinstance(one, RuleRouter) and type(one).__module__ == __name__


def _demand_importable() -> None:
    """Name a router of the project that does not import, before Django stumbles over it."""
    document = dbalias_databases.stable_folder() / dbalias_databases.document_name
    for path in dbalias_databases.document()["routers"]:
        try:
            import_string(path)
        except ImportError as error:
            raise dbalias_databases.refuse(
                f"{document} names the router {path}, which does not import ({error}): correct "
                "routing.before or routing.after of the DjangoProject, or the image"
            ) from None
