"""The published settings as a settings module: ``DJANGO_SETTINGS_MODULE=dbalias_settings``.

With a base module (``settings.module`` of databases.json) its settings come first, then the
published ones; without, these stand alone. ``base`` names the base module or is None, and
``replaced`` maps every setting that the base module had and that is not in force any more to
its old value.
"""

from __future__ import annotations

import importlib
from typing import Any

import dbalias_databases

base: str | None = dbalias_databases.document()["settings"].get("module")
replaced: dict[str, Any] = {}

if base:
    try:
        _module = importlib.import_module(base)
    except ModuleNotFoundError as _error:
        if not f"{base}.".startswith(f"{_error.name}."):
            raise
        raise dbalias_databases.refuse(
            f"the settings module {base} is not in this image: correct settings.module of the "
            "DjangoProject, or PYTHONPATH"
        ) from None
    globals().update({name: getattr(_module, name) for name in dir(_module) if name.isupper()})

for _name, _value in dbalias_databases.settings().items():
    if _name in globals() and globals()[_name] != _value:
        replaced[_name] = globals()[_name]
    globals()[_name] = _value
