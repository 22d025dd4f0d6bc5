"""Reads a settings module, or its routers, in the project's own interpreter: ``dbalias import``.

Run as ``python -c SOURCE settings|routers MODULE FD``, never published. The answer is one line of
JSON on the file descriptor FD: whatever the module prints goes elsewhere. Values keep their type
(`encode`); what has no plain value is told by the name of its type, and of an exception whose
text may hold a value the type and the place alone. Reading settings needs the standard library
only; routers are read after ``django.setup()``, because many of them import models.
"""

from __future__ import annotations

import base64
import importlib
import inspect
import json
import math
import os
import random
import re
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

DEEPEST = 40
"""Levels of nesting after which a value is taken for one that contains itself."""

SPEAKING = (ImportError, KeyError, NameError, AttributeError, FileNotFoundError)
"""Exceptions whose texts are names, and values by mistake only."""

SECRET_NAME = re.compile("passw|_pass|_pwd|secret|token|key|url|dsn", re.IGNORECASE)
SECRET_TEXT = re.compile(r"://|@|(pass|pwd|secret|token|key)\w*\W{0,3}[=:]", re.IGNORECASE)

SCALARS: Sequence[tuple[type, Callable[[Any], Any]]] = (
    (str, str.__str__),  # the text itself, whatever a subclass makes of it
    (int, int),
    (float, float),
    (bytes, lambda value: {"bytes": base64.b64encode(value).decode()}),
    (PurePath, lambda value: {"path": str(value)}),
)


def encode(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON: scalars as they are, all else as an object that names its type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return {"other": "a float that is no number"}
    for kind, plain in SCALARS:
        if isinstance(value, kind):
            return plain(value)
    if _is_lazy(value):
        return str(value)
    return {"other": name_type(value)} if depth > DEEPEST else _encode_collection(value, depth + 1)


def _encode_collection(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        pairs = [[encode(key, depth), encode(one, depth)] for key, one in value.items()]
        if isinstance(value, defaultdict) and value.default_factory is not None:
            return {"dict": pairs, "default": encode(value.default_factory(), depth)}
        return {"dict": pairs}
    for word, kinds in (("list", list), ("tuple", tuple), ("set", (set, frozenset))):
        if isinstance(value, kinds):
            items = sorted(value, key=repr) if word == "set" else value
            return {word: [encode(one, depth) for one in items]}
    return {"other": name_type(value)}


def _is_lazy(value: Any) -> bool:
    """Return whether a value is one of Django's lazy strings, without importing Django."""
    names = {f"{one.__module__}.{one.__qualname__}" for one in type(value).__mro__}
    return "django.utils.functional.Promise" in names


def name_type(value: Any) -> str:
    """Return what a value is, for people; never the value itself."""
    if inspect.isclass(value) or inspect.isroutine(value):
        kind = "the class" if inspect.isclass(value) else "the function"
        return f"{kind} {value.__module__}.{value.__qualname__}"
    return f"an instance of {type(value).__module__}.{type(value).__qualname__}"


def read_settings(name: str) -> dict[str, Any]:
    """Return DATABASES and the routers' names of a settings module."""
    module = importlib.import_module(name)
    routers = getattr(module, "DATABASE_ROUTERS", None) or ()
    return {
        "databases": encode(getattr(module, "DATABASES", {})),
        "routers": [_name_router(router) for router in routers],
    }


def _name_router(router: Any) -> dict[str, Any]:
    if isinstance(router, str):
        return {"path": str.__str__(router), "instance": False}
    kind = type(router)
    return {"path": f"{kind.__module__}.{kind.__qualname__}", "instance": True}


def read_routers(name: str) -> dict[str, Any]:
    """Return what the routers are made of, and where they send the installed models."""
    import django

    django.setup()
    from django.apps import apps
    from django.db import connections, router

    models = apps.get_models(include_auto_created=True)
    return {
        "routers": [_describe_router(one) for one in router.routers],
        "written": sorted({router.db_for_write(model) for model in models}),
        "migrated": [
            alias
            for alias in connections
            if any(router.allow_migrate_model(alias, model) for model in models)
        ],
    }


def _describe_router(router: Any) -> dict[str, Any]:
    classes = [kind for kind in type(router).__mro__ if kind is not object]
    try:
        described = [_describe_class(kind) for kind in classes]
    except (OSError, TypeError, SyntaxError, KeyError):
        return {"why": "its source cannot be read"}
    return {"classes": described, "attributes": _plain(_attributes(router, classes))}


def _describe_class(kind: type) -> dict[str, Any]:
    module = sys.modules[kind.__module__]
    source = inspect.getsource(module)
    return {
        "name": kind.__qualname__,
        "source": source,
        "names": _plain(vars(module)),
        "settings": _plain(_settings_named_in(source)),
    }


def _attributes(router: Any, classes: Sequence[type]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in reversed(classes):
        found.update(vars(kind))
    found.update(getattr(router, "__dict__", {}))
    return found


def _settings_named_in(source: str) -> dict[str, Any]:
    from django.conf import settings

    words = {word.strip("\"'") for word in source.replace(".", " ").replace("(", " ").split()}
    names = {word.rstrip(",:)]}\"'") for word in words}
    return {name: getattr(settings, name) for name in names if _is_set(settings, name)}


def _is_set(settings: Any, name: str) -> bool:
    return name.isidentifier() and name.isupper() and hasattr(settings, name)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a router may compute with: texts, collections, and a few names."""
    found = {}
    for name, value in values.items():
        if name.startswith("__"):
            continue
        if value is random:
            found[name] = {"known": "random"}
        elif inspect.ismethod(value) and value == random.choice:
            found[name] = {"known": "random.choice"}
        elif type(value).__name__ == "LazySettings":
            found[name] = {"known": "settings"}
        elif isinstance(value, (str, list, tuple, set, frozenset, Mapping)):
            found[name] = encode(value)
    return found


def describe(error: BaseException, module: str) -> str:
    """Return one line about what ended the reading, without any value."""
    kind = type(error).__name__
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        return f"there is no module {error.name}: start in the project's folder, or set PYTHONPATH"
    if isinstance(error, ModuleNotFoundError) and error.name:
        there = f"no module {error.name} in {sys.executable}"
        return f"there is {there}: install it, or name the project's interpreter with --python"
    if isinstance(error, SyntaxError):
        return f"{kind} at {error.filename}:{error.lineno}"
    if isinstance(error, SPEAKING) or kind == "ImproperlyConfigured":
        text = " ".join(str(error).split())
        if not _may_be_secret(text):
            return f"{kind}: {text}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{kind} at {frames[-1].filename}:{frames[-1].lineno}" if frames else kind


def _may_be_secret(text: str) -> bool:
    """Return whether a text looks like a login, or holds a secret of the environment."""
    secrets = [value for name, value in os.environ.items() if SECRET_NAME.search(name)]
    return bool(SECRET_TEXT.search(text)) or any(one in text for one in secrets if len(one) > 3)


def main(what: str, module: str, number: str) -> None:
    """Write the answer and end at once, whatever threads the module has started."""
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    sys.path.insert(0, str(Path.cwd()))
    reading: Mapping[str, Callable[[str], Any]] = {
        "settings": read_settings,
        "routers": read_routers,
    }
    try:
        answer = reading[what](module)
    except BaseException as error:
        answer = {"error": describe(error, module)}
    with os.fdopen(int(number), "wb") as pipe:
        pipe.write(json.dumps(answer).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
