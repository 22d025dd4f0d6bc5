"""Asks a project's own routers and the generated ones the same questions: ``dbalias import``.

Run as ``python -c SOURCE FOLDER MODULE FD`` in the project's interpreter, never published.
FOLDER holds what would be published for the settings module MODULE. The answer is one line of
JSON on the file descriptor FD: the first difference between the two chains of routers, or none,
over all installed models, all aliases, and instances of every database.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

DRAWS = 40
"""How often a random choice among n is asked, divided by n: one is missed once in 10^15 times."""

MOST_PAIRS = 100
"""Models up to which each is related with each; of more, one of each app and place."""


class Chains:
    """The project's chain of routers, the generated one, and what both are asked about."""

    def __init__(self) -> None:
        from django.apps import apps
        from django.core.cache.backends.db import BaseDatabaseCache
        from django.db import connections
        from django.db.utils import ConnectionRouter

        import dbalias_databases

        never = dbalias_databases.document()["routing"]["guard"]["never"]
        self.own = ConnectionRouter()
        self.generated = ConnectionRouter(dbalias_databases.settings()["DATABASE_ROUTERS"])
        self.aliases = [alias for alias in connections if never.get(alias) != "empty"]
        self.migrated = [alias for alias in connections if alias not in never]
        self.models = [*apps.get_models(include_auto_created=True)]
        self.cache = BaseDatabaseCache("cache", {}).cache_model_class
        self.labels = sorted({config.label for config in apps.get_app_configs()})
        self.homes: dict[Any, frozenset[str]] = {}

    def differences(self) -> Iterator[str]:
        """Yield where the two chains differ, in words; no values but names."""
        for model in [*self.models, self.cache]:
            yield from self._places(model)
        yield from self._migrations()
        yield from self._relations()

    def _places(self, model: Any) -> Iterator[str]:
        own, generated = self._reads(self.own, model), self._reads(self.generated, model)
        write = self.own.db_for_write(model)
        self.homes[model] = own | {write}
        yield from _compared(f"reads of {_label(model)}", own, generated)
        yield from _compared(
            f"writes of {_label(model)}", {write}, {self.generated.db_for_write(model)}
        )
        for alias in self.aliases:
            yield from self._beside(model, alias)

    def _beside(self, model: Any, alias: str) -> Iterator[str]:
        """Compare with an instance of some database in the hints, as related managers give it.

        A policy may read from the instance's own database where the router chooses at random.
        """
        hints = {"instance": _instance(model, alias)}
        where = f"of {_label(model)} beside an object of {alias}"
        own = self._reads(self.own, model, **hints)
        generated = self._reads(self.generated, model, **hints)
        if generated != {alias} or alias not in self.homes[model]:
            yield from _compared(f"reads {where}", own, generated)
        written = {self.own.db_for_write(model, **hints)}
        yield from _compared(
            f"writes {where}", written, {self.generated.db_for_write(model, **hints)}
        )

    def _reads(self, router: Any, model: Any, **hints: Any) -> frozenset[str]:
        draws = DRAWS * len(self.aliases) if len(self.aliases) > 1 else 1
        return frozenset(router.db_for_read(model, **hints) for _ in range(draws))

    def _migrations(self) -> Iterator[str]:
        for alias in self.migrated:
            for label in [*self.labels, "django_cache"]:
                words = [one.allow_migrate(alias, label) for one in (self.own, self.generated)]
                yield from _compared(f"operations of {label} on {alias}", *words)
            for model in self.models:
                meta = model._meta
                names = (meta.app_label, meta.model_name)
                words = [
                    one.allow_migrate(alias, names[0], model_name=names[1], model=model)
                    for one in (self.own, self.generated)
                ]
                yield from _compared(f"migrating {_label(model)} on {alias}", *words)
            words = [
                one.allow_migrate(alias, "django_cache", model_name="cacheentry")
                for one in (self.own, self.generated)
            ]
            yield from _compared(f"migrating the cache table on {alias}", *words)

    def _relations(self) -> Iterator[str]:
        """Compare for objects on databases where routing puts them."""
        objects = [
            _instance(model, alias)
            for model in self._representatives()
            for alias in sorted(self.homes[model])
        ]
        for one, other in product(objects, objects):
            words = [bool(c.allow_relation(one, other)) for c in (self.own, self.generated)]
            pair = f"{_label(one)} on {one._state.db} and {_label(other)} on {other._state.db}"
            yield from _compared(f"a relation between {pair}", *words)

    def _representatives(self) -> Sequence[Any]:
        if len(self.models) <= MOST_PAIRS:
            return self.models
        places = {(model._meta.app_label, self.homes[model]): model for model in self.models}
        return [*places.values()]


def _instance(model: Any, alias: str) -> Any:
    """Return an object that knows its database and nothing else: none of its code runs."""
    from django.db.models.base import ModelState

    found = model.__new__(model)
    found._state = ModelState()
    found._state.db = alias
    return found


def _label(model: Any) -> str:
    meta = model._meta
    return f"{meta.app_label}.{getattr(meta, 'object_name', meta.model_name)}"


def _compared(what: str, own: Any, generated: Any) -> Iterator[str]:
    if own != generated:
        yield f"{what}: the routers say {_said(own)}, policies would say {_said(generated)}"


def _said(answer: Any) -> str:
    return " or ".join(sorted(answer)) if isinstance(answer, (set, frozenset)) else str(answer)


def compare(folder: str, module: str) -> dict[str, Any]:
    """Set the project up, load what would be published beside it, and ask both."""
    for name in [name for name in os.environ if name.startswith("DBALIAS_")]:
        del os.environ[name]
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    sys.path.insert(0, str(Path.cwd()))
    import django

    django.setup()
    sys.path.insert(0, folder)
    return {"difference": next(Chains().differences(), None)}


def main(folder: str, module: str, number: str) -> None:
    """Write the answer and end at once, whatever threads the project has started."""
    try:
        answer = compare(folder, module)
    except BaseException as error:
        answer = {"error": f"{type(error).__name__} while the routers were asked"}
    with os.fdopen(int(number), "wb") as pipe:
        pipe.write(json.dumps(answer).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
