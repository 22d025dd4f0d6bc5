"""Where every installed model goes, asked of the routers in the way Django asks them.

A router of the project may raise or answer nonsense: that is a fault with the router's path, and
the next router is asked, so that one fault does not hide the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import dbalias_databases
from dbalias_policies import PolicyRouter, RuleRouter
from dbalias_rules import EMPTY, label_of, name_of

MOST_NAMES = 30
"""Names of one destination that a report carries; the log has all."""
_NAMES_IN_A_SENTENCE = 5
"""Two such lists of long names, and what to change, fit what a report keeps of a sentence."""


class Place(NamedTuple):
    """Where one model goes; ``refusal`` is why it goes nowhere.

    ``claimed``: a policy or a router of the project answered for it.
    """

    model: Any
    read: tuple[str, ...] = ()
    write: str | None = None
    migrate: frozenset[str] = frozenset()
    claimed: bool = False
    refusal: str = ""

    @property
    def label(self) -> str:
        """``app.Model``, as people write it."""
        return label_of(self.model)

    @property
    def app(self) -> str:
        """The label of the app whose rules apply to it."""
        return name_of(self.model).app

    @property
    def table(self) -> str:
        """Its table's name, compared in lower case."""
        return str(self.model._meta.db_table).lower()


class Places:
    """The place of each installed model, by ``app.model``, and the faults met on the way."""

    def __init__(self) -> None:
        from django.db import DEFAULT_DB_ALIAS, connections, router

        never: Mapping[str, str] = dbalias_databases.document()["routing"]["guard"]["never"]
        self._routers: tuple[Any, ...] = tuple(router.routers)
        self._default = DEFAULT_DB_ALIAS
        self._aliases = frozenset(connections)
        # The guard warns whoever asks about an empty alias; Django migrates none anyway.
        self._asked = sorted(alias for alias in connections if never.get(alias) != EMPTY)
        self._faults: dict[tuple[str, str], list[str]] = {}
        self.policies = [r for r in self._routers if isinstance(r, PolicyRouter)]
        self.by_name = {label_of(m).lower(): self._place(m) for m in installed_models()}

    def __iter__(self) -> Iterator[Place]:
        return iter(self.by_name.values())

    def of(self, model: Any) -> Place | None:
        """Return the place of a model, or of a proxy's concrete model."""
        return self.by_name.get(label_of(model._meta.concrete_model).lower())

    def faults(self) -> Iterator[str]:
        """Yield a sentence for each way in which a router misbehaves."""
        for (router, what), labels in self._faults.items():
            yield (
                f"the router {router} {what} for {some(dict.fromkeys(labels))}: mend it, or take "
                "it out of `routing.before` or `routing.after` of the DjangoProject"
            )

    def _place(self, model: Any) -> Place:
        from django.core.exceptions import ImproperlyConfigured
        from django.utils.connection import ConnectionDoesNotExist

        stored = is_stored(model)
        migrate = frozenset(a for a in self._asked if stored and self._allows(a, model))
        try:
            write, claimed = self._writer(model)
            return Place(model, self._readers(model), write, migrate, claimed)
        except ConnectionDoesNotExist:  # an alias of a rule that is not published yet
            return Place(model, migrate=migrate, claimed=True)
        except ImproperlyConfigured as error:
            return Place(model, migrate=migrate, refusal=str(error))

    def _writer(self, model: Any) -> tuple[str, bool]:
        for router in self._routers:
            if isinstance(router, RuleRouter):
                alias = router.db_for_write(model)
            else:
                alias = self._ask(router, "db_for_write", model)
            if alias:
                own = not isinstance(router, RuleRouter)
                return alias, own or any(policy.readers(model) for policy in self.policies)
        return self._default, False

    def _readers(self, model: Any) -> tuple[str, ...]:
        for router in self._routers:
            if isinstance(router, RuleRouter):
                pool = router.readers(model)
            else:
                answer = self._ask(router, "db_for_read", model)
                pool = (answer,) if answer else None
            if pool:
                return tuple(pool)
        return (self._default,)

    def _ask(self, router: Any, method: str, model: Any) -> str | None:
        """Ask a router of the project; an alias that does not exist counts as no answer."""
        answer = self._call(router, method, model)
        if not answer or (isinstance(answer, str) and answer in self._aliases):
            return answer or None
        what = (
            f'the alias "{answer}", which does not exist,'
            if isinstance(answer, str)
            else (f"no alias but a {type(answer).__name__}")
        )
        self._fault(router, f"answers {what} when asked {method}", model)
        return None

    def _allows(self, alias: str, model: Any) -> bool:
        """Answer as ``allow_migrate_model`` does."""
        meta = model._meta
        for router in self._routers:
            hints = {"model_name": meta.model_name, "model": model}
            answer = self._call(router, "allow_migrate", model, alias, meta.app_label, **hints)
            if answer is not None:
                return bool(answer)
        return True

    def _call(self, router: Any, method: str, model: Any, /, *args: Any, **hints: Any) -> Any:
        ask = getattr(router, method, None)
        if ask is None:
            return None
        try:
            return ask(*(args or (model,)), **hints)
        except Exception as error:  # its message is not repeated: it may hold values
            self._fault(router, f"raises {type(error).__name__} when asked {method}", model)
            return None

    def _fault(self, router: Any, what: str, model: Any) -> None:
        path = f"{type(router).__module__}.{type(router).__qualname__}"
        self._faults.setdefault((path, what), []).append(label_of(model))


def installed_models() -> Iterator[Any]:
    """Yield every model class with a table of its own, made by Django or not, and cache tables."""
    from django.apps import apps

    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if not (meta.proxy or meta.swapped or meta.abstract):
            yield model
    yield from _cache_models()


def is_stored(model: Any) -> bool:
    """Return whether a model has a table of its own that ``migrate`` would make."""
    meta = model._meta
    ours = meta.managed and meta.app_label != "django_cache"
    return bool(ours and not meta.proxy and not meta.swapped and not meta.abstract)


def destinations(places: Iterable[Place]) -> list[dict[str, Any]]:
    """Return the models by where they go: whole apps, and models of apps that are split."""
    together: dict[tuple[Any, ...], list[Place]] = {}
    ways: dict[str, set[tuple[Any, ...]]] = {}
    for place in places:
        way = (place.write or "", place.read, tuple(sorted(place.migrate)))
        together.setdefault(way, []).append(place)
        ways.setdefault(place.model._meta.app_label, set()).add(way)
    return [
        _destination(way, found, {app for app, taken in ways.items() if len(taken) == 1})
        for way, found in sorted(together.items())
    ]


def lines(places: Iterable[Place]) -> Iterator[str]:
    """Yield the whole table for people: an app and a destination a line, more if it is long."""
    groups: dict[tuple[str, str], list[str]] = {}
    for place in places:
        where = f"write {place.write or 'nowhere'}"
        where = f"read {', '.join(place.read) or 'nowhere'}, {where}"
        where += f", migrate {', '.join(sorted(place.migrate)) or 'nowhere'}"
        key = (place.model._meta.app_label, where)
        groups.setdefault(key, []).append(place.model._meta.object_name)
    for (app, where), names in sorted(groups.items()):
        ordered = sorted(names)
        for first in range(0, len(ordered), MOST_NAMES):
            yield f"route: {app} ({', '.join(ordered[first : first + MOST_NAMES])}): {where}"


def some(names: Iterable[str]) -> str:
    """Return the first of some names in a sentence, and how many more there are."""
    ordered = sorted(names)
    more = len(ordered) - _NAMES_IN_A_SENTENCE
    return ", ".join(ordered[:_NAMES_IN_A_SENTENCE]) + (f" and {more} more" if more > 0 else "")


def _destination(way: tuple[Any, ...], found: Iterable[Place], whole: set[str]) -> dict[str, Any]:
    write, read, migrate = way
    models = [place.model for place in found]
    apps = sorted({model._meta.app_label for model in models} & whole)
    split = sorted(label_of(model) for model in models if model._meta.app_label not in whole)
    return {
        "apps": apps[:MOST_NAMES],
        "models": split[:MOST_NAMES],
        "read": list(read),
        "write": write,
        "migrate": list(migrate),
        "modelsCount": len(models),
    }


def _cache_models() -> Iterator[Any]:
    """Yield the model of each cache that lies in a database: routers are asked about it, too."""
    from django.conf import settings
    from django.core.cache import caches
    from django.core.cache.backends.db import BaseDatabaseCache

    for name in settings.CACHES:
        try:
            cache = caches[name]
        except Exception:  # its backend does not load: that is told when it is used
            continue
        if isinstance(cache, BaseDatabaseCache):
            yield cache.cache_model_class
