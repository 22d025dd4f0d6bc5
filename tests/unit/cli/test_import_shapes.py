"""Which routers are understood, and what they say; everything else is left to a reference."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test.utils import override_settings

import read_settings
from dbalias.cli.importing.policies import build_spec, find_rules
from dbalias.cli.importing.router_source import NotUnderstoodError, read_router

ALIASES = ("default", "other", "replica")
HEADER = """
import random
import threading
from collections import defaultdict
from random import choice
from django.conf import settings

STATE = {"busy": set()}
BUSY = set()
APPS = ("shop", "office")
MAP = {"shop": "other"}
LOCAL = threading.local()

def busy(app):
    BUSY.add(app)

class Router:
"""
APP_ROUTER = '''
    apps = {"shop"}
    def db_for_read(self, model, **hints):
        """Reads."""
        if model._meta.app_label in self.apps:
            return "other"
        return None
    def db_for_write(self, model, **hints):
        return self.db_for_read(model, **hints)
    def allow_relation(self, obj1, obj2, **hints):
        if obj1._meta.app_label in self.apps or obj2._meta.app_label in self.apps:
            return True
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db == "other" if app_label in self.apps else None
'''
POOL_ROUTER = """
    def db_for_read(self, model, **hints):
        return random.choice(["default", "replica", "replica"])
    def db_for_write(self, model, **hints):
        return "default"
    def allow_relation(self, obj1, obj2, **hints):
        pool = {"default", "replica"}
        return True if obj1._state.db in pool and obj2._state.db in pool else None
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db == "default"
"""
MAP_ROUTER = """
    def __init__(self):
        self.places = defaultdict(lambda: "default", {"shop": "other", "office": "other"})
    def _place(self, app):
        return self.places[app]
    def db_for_read(self, model, **hints):
        return self._place(model._meta.app_label)
    db_for_write_of = None
    def db_for_write(self, model, **hints):
        return self._place(model._meta.app_label)
    def allow_relation(self, obj1, obj2, **hints):
        return self._place(obj1._meta.app_label) == self._place(obj2._meta.app_label)
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return self._place(app_label) == db
"""
GLOBAL_ROUTER = """
    def db_for_read(self, model, **hints):
        found = MAP.get(model._meta.app_label)
        if not found:
            return None
        return found
    def db_for_write(self, model, **hints):
        return MAP.get(model._meta.app_label, None)
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if app_label in MAP:
            return False
"""
MODEL_ROUTER = """
    def _is_history(self, app_label, model_name):
        return app_label == "shop" and model_name == "history"
    def db_for_read(self, model, **hints):
        if self._is_history(model._meta.app_label, model._meta.model_name):
            return "other"
    def db_for_write(self, model, **hints):
        if model._meta.label_lower == "shop.history":
            return "other"
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if model_name is not None and self._is_history(app_label, model_name.lower()):
            return db == "other"
"""
FUNCTION_ROUTER = """
    def db_for_read(self, model, **hints):
        return place(model._meta.app_label)
    db_for_write = db_for_read
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return place(app_label) == db

def place(app, otherwise="default"):
    return MAP.get(app, otherwise)
"""
EVERYTHING = {"match": {"apps": ["*"]}}
UNDERSTOOD = {
    "apps in a set": (
        APP_ROUTER,
        {
            "rules": [{"match": {"apps": ["shop"]}, "write": "other"}],
            "relations": [{"aliases": ["default", "other"]}, {"aliases": ["other", "replica"]}],
        },
    ),
    "a random choice, twice as often one": (
        POOL_ROUTER,
        {
            "rules": [
                {
                    **EVERYTHING,
                    "read": ["default", "replica"],
                    "weights": {"replica": 2},
                    "write": "default",
                }
            ]
        },
    ),
    "a choice imported by name from a setting": (
        POOL_ROUTER.replace("random.choice", "choice").replace(
            '["default", "replica", "replica"]', "settings.REPLICAS"
        ),
        {
            "rules": [
                {
                    **EVERYTHING,
                    "read": ["default", "replica"],
                    "weights": {"replica": 2},
                    "write": "default",
                }
            ]
        },
    ),
    "a dictionary with a default": (
        MAP_ROUTER,
        {
            "rules": [
                {"match": {"apps": ["office", "shop"]}, "write": "other"},
                {**EVERYTHING, "write": "default"},
            ]
        },
    ),
    "a constant of the module, migrated nowhere": (
        GLOBAL_ROUTER,
        {"rules": [{"match": {"apps": ["shop"]}, "write": "other", "migrate": {"to": "Nowhere"}}]},
    ),
    "a function of the module": (
        FUNCTION_ROUTER,
        {
            "rules": [
                {"match": {"apps": ["shop"]}, "write": "other"},
                {**EVERYTHING, "write": "default"},
            ]
        },
    ),
    "one model": (
        MODEL_ROUTER,
        {"rules": [{"match": {"models": ["shop.history"]}, "write": "other"}]},
    ),
}
SIMPLE = """
    def db_for_read(self, model, **hints):
        {}
    def db_for_write(self, model, **hints):
        return "other"
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db == "other"
"""
BEYOND = {
    "hints": (SIMPLE.format('return "other" if hints.get("instance") else None'), "attribute get"),
    "a hint by name": (
        SIMPLE.format('return "other" if instance else None').replace(
            "model, **hints", "model, instance=None, **hints", 1
        ),
        "a condition",
    ),
    "a thread's state": (SIMPLE.format('return getattr(LOCAL, "db", "other")'), "name LOCAL"),
    "a set that functions change": (
        SIMPLE.format('return "other" if model._meta.app_label in BUSY else "default"'),
        "name BUSY",
    ),
    "an attribute that methods change": (
        SIMPLE.format("return self.last")
        + '    last = "other"\n    def remember(self):\n        self.last = "default"\n',
        "look-up",
    ),
    "a part of a name": (
        SIMPLE.format('return "other" if model._meta.app_label.startswith("s") else None'),
        "startswith",
    ),
    "the app itself as alias": (SIMPLE.format("return model._meta.app_label"), "what is no alias"),
    "a loop": (SIMPLE.format("for alias in APPS: return alias"), "a statement"),
    "a database": (SIMPLE.format('return "nowhere"'), "what is no alias"),
    "reads alone": (
        SIMPLE.format('return "other"').replace('return "other"', "pass", 1),
        "without",
    ),
    "a decorator": (
        SIMPLE.format('return "other"').replace("    def", "    @staticmethod\n    def", 1),
        "a signature",
    ),
    "migrations of what it does not route": (
        "    def allow_migrate(self, db, app_label, model_name=None, **hints):\n"
        '        return False if app_label == "shop" else None\n',
        "what it does not route",
    ),
    "all but one app": (
        APP_ROUTER.replace("in self.apps", "not in self.apps"),
        "leaves out some of what it claims",
    ),
    "a model of any app": (
        MODEL_ROUTER.replace('app_label == "shop" and ', "").replace(
            'model._meta.label_lower == "shop.history"', 'model._meta.model_name == "history"'
        ),
        "in whatever app",
    ),
    "a choice of nothing": (SIMPLE.format("return random.choice([])"), "a choice"),
    "another function of random": (SIMPLE.format("return random.shuffle([])"), "shuffle"),
    "a method made elsewhere": (
        SIMPLE.format('return "other"') + "    db_for_write = busy(0)\n",
        "makes db_for_write from a value",
    ),
    "itself": (SIMPLE.format("return self.db_for_read(model)"), "calls without end"),
    "nothing": ("    pass\n", "claims nothing"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for modules, which are forgotten afterwards; settings have the replicas."""
    if not settings.configured:
        settings.configure()
    monkeypatch.setitem(sys.modules, "routers_under_test", types.ModuleType("routers_under_test"))
    with override_settings(REPLICAS=["default", "replica", "replica"]):
        yield tmp_path


def described(folder: Path, body: str) -> Any:
    """Return what the reading script says of an instance of a router class."""
    path = folder / "routers_under_test.py"
    path.write_text(HEADER + body)
    spec = importlib.util.spec_from_file_location("routers_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["routers_under_test"] = module
    spec.loader.exec_module(module)
    return json.loads(json.dumps(read_settings._describe_router(module.Router())))


@pytest.mark.parametrize(("body", "expected"), UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_a_small_router_becomes_rules(body: str, expected: Any, folder: Path) -> None:
    """Its constants are named; everything else is treated alike, by ``*`` or not at all."""
    found = find_rules(read_router(described(folder, body)), ALIASES)
    assert build_spec(found, never=["replica"]) == expected


@pytest.mark.parametrize(("body", "why"), BEYOND.values(), ids=BEYOND.keys())
def test_what_is_not_understood_is_said_with_its_place(body: str, why: str, folder: Path) -> None:
    """Nothing is guessed from a part of the source."""
    with pytest.raises(NotUnderstoodError, match=why):
        find_rules(read_router(described(folder, body)), ALIASES)
