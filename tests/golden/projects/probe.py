"""Run inside a project's image: what Django makes of the published files, and where models go.

Standard input has the question as JSON: ``models`` by app, those of them that are ``unmanaged``,
``databases`` that the project uses, ``router`` (the project's own, dotted paths), ``settings`` by
name, ``derived`` aliases, and the aliases whose backend is to be loaded (``vendors``). Standard
output has the answers.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import django
from django.apps import AppConfig
from django.conf import settings
from django.db import connections, models, router
from django.db.utils import ConnectionHandler, ConnectionRouter

ENOUGH = 40
"""Reads after which a pool of two has shown both: it fails once in 2 to the 39th."""


def main() -> None:
    """Answer one question."""
    asked = json.load(sys.stdin)
    settings.INSTALLED_APPS = [app_called(label) for label in asked["models"]]
    django.setup()
    made = [
        model_called(app, name, managed=f"{app}.{name}" not in asked["unmanaged"])
        for app, names in asked["models"].items()
        for name in names
    ]
    published = dict(connections.settings)
    published |= {alias: settings.DATABASES[alias] for alias in asked["derived"]}
    answers = {
        "published": without_paths(published),
        "used": ConnectionHandler(asked["databases"]).settings,
        "routers": settings.DATABASE_ROUTERS,
        "settings": {name: getattr(settings, name) for name in asked["settings"]},
        "vendors": {alias: connections[alias].vendor for alias in asked["vendors"]},
        "ours": dict(routes(router, made)),
        "theirs": dict(routes(ConnectionRouter(asked["router"]), made)),
    }
    json.dump(answers, sys.stdout, default=lambda one: f"{one.__module__}.{one.__qualname__}")


def app_called(label: str) -> AppConfig:
    """Return an installed app without any file."""
    kind = type(label, (AppConfig,), {"path": os.curdir, "label": label, "name": label})
    config: AppConfig = kind(label, ModuleType(label))
    return config


def model_called(app: str, name: str, *, managed: bool) -> Any:
    """Return a model of an app; it has a key and nothing else.

    It says what its table is called, or Django would load the backend of default to find out.
    """
    table = f"{app}_{name}".lower()
    meta = type("Meta", (), {"app_label": app, "managed": managed, "db_table": table})
    fields = {"__module__": app, "Meta": meta, "id": models.BigAutoField(primary_key=True)}
    return type(name, (models.Model,), fields)


def routes(asked: Any, made: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield every answer of a chain of routers, by its question."""
    for model in made:
        yield f"read {model._meta.label}", reads(asked, model)
    homes = {model: asked.db_for_write(model) for model in made}
    for model, home in homes.items():
        yield f"write {model._meta.label}", home
        yield f"read after write {model._meta.label}", reads(asked, model)
        yield f"table {model._meta.label}", tables(asked, model)
    for app in dict.fromkeys(model._meta.app_label for model in made):
        yield f"data {app}", [alias for alias in connections if asked.allow_migrate(alias, app)]
    for one, other in itertools.product(made, repeat=2):
        pair = [stored(model, homes[model]) for model in (one, other)]
        names = f"{one._meta.label} {other._meta.label}"
        yield f"relation {names}", bool(asked.allow_relation(*pair))


def reads(asked: Any, model: Any) -> list[str]:
    """Return every alias that a model is read from."""
    return sorted({asked.db_for_read(model) for _ in range(ENOUGH)})


def tables(asked: Any, model: Any) -> list[str]:
    """Return the aliases on which a migration makes the model's table."""
    if not model._meta.managed:
        return []
    return [alias for alias in connections if asked.allow_migrate_model(alias, model)]


def stored(model: Any, alias: str) -> Any:
    """Return an instance that lies in a database."""
    instance = model()
    instance._state.db = alias
    return instance


def without_paths(value: Any) -> Any:
    """Return a value with each published file as what it holds."""
    if isinstance(value, dict):
        return {key: without_paths(one) for key, one in value.items()}
    if isinstance(value, str) and value.startswith(os.environ["MOUNT"]):
        return {"file": Path(value).read_text(encoding="utf-8")}
    return value


if __name__ == "__main__":
    main()
