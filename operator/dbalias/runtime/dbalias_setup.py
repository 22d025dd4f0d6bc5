"""Settings and ``django.setup()``, with one clear line when the image and they do not fit."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import dbalias_databases
from dbalias_errors import Exit, RunError
from dbalias_report import log, write_any_text

_SAFE_MESSAGES = (ImportError, KeyError, NameError, AttributeError, FileNotFoundError)
"""Their messages hold names; those of others may hold values."""


def seconds(text: str) -> float:
    """Return a time that an option gives; for argparse."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number of seconds, 0 or more")


def prepare(alias: str | None) -> None:
    """Give this process what settings, drivers and its output go by, before any is loaded."""
    if alias is not None:
        os.environ["DBALIAS_MIGRATE_ALIAS"] = alias
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbalias_settings")
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    write_any_text()


def set_up(alias: str | None) -> None:
    """Load settings and apps; with ``alias``, demand that it can be migrated.

    Raises RunError CONFIGURATION.
    """
    import django

    try:
        django.setup()
        from django.db import router

        _ = router.routers  # imports them now, and not at the first query
    except (Exception, SystemExit) as error:  # settings may leave by sys.exit
        raise RunError(Exit.CONFIGURATION, _describe(error)) from None
    if alias is not None:
        find_migrated(alias)
    _tell_what_is_replaced()


def is_empty(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of DATABASES is empty: Django fills it in with a dummy backend."""
    return entry.get("ENGINE") in {None, "", "django.db.backends.dummy"}


def find_migrated(alias: str) -> Any:
    """Return Django's wrapper of an alias that is ours to migrate; raise RunError CONFIGURATION."""
    never = dbalias_databases.document()["routing"]["guard"]["never"].get(alias)
    if never:
        raise RunError(Exit.CONFIGURATION, f'alias "{alias}" is never migrated ({never})')
    return find_published(alias)


def find_published(alias: str) -> Any:
    """Return Django's wrapper of a published alias; raise RunError CONFIGURATION."""
    why_not = dbalias_databases.document().get("unavailable", {}).get(alias)
    if why_not:
        raise RunError(Exit.CONFIGURATION, f'alias "{alias}" is not published yet ({why_not})')
    return find_connection(alias)


def find_connection(alias: str) -> Any:
    """Return Django's wrapper of an alias; raise RunError CONFIGURATION where there is none."""
    from django.conf import settings
    from django.db import connections

    if alias not in settings.DATABASES:
        known = ", ".join(sorted(settings.DATABASES))
        raise RunError(Exit.CONFIGURATION, f'there is no alias "{alias}"; there are {known}')
    if is_empty(settings.DATABASES[alias]):
        raise RunError(Exit.CONFIGURATION, f'alias "{alias}" is empty: name another one')
    try:
        return connections[alias]
    except Exception as error:  # the backend's module or its driver
        raise RunError(
            Exit.CONFIGURATION, f'alias "{alias}": its backend does not load: {_said(error)}'
        ) from None


def _tell_what_is_replaced() -> None:
    overlay = sys.modules.get("dbalias_settings")
    if overlay is not None and overlay.replaced:
        names = ", ".join(sorted(overlay.replaced))
        log(f"settings of {overlay.base} that the published ones replace: {names}")


def _describe(error: BaseException) -> str:
    from django.core.exceptions import ImproperlyConfigured

    if isinstance(error, dbalias_databases.ConfigurationError):
        return str(error)
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if module == "dbalias_settings":
        module = dbalias_databases.document()["settings"]["module"] or module
    frames = traceback.extract_tb(error.__traceback__)
    for line in traceback.format_list(frames):
        log(line)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, (ImproperlyConfigured, *_SAFE_MESSAGES)):
        place = ""
    return f"the settings module {module} or an installed app does not load: {_said(error)}{place}"


def _said(error: BaseException) -> str:
    from django.core.exceptions import ImproperlyConfigured

    name = type(error).__name__
    if isinstance(error, (ImproperlyConfigured, *_SAFE_MESSAGES)):
        return f"{name}: {error}"
    return name
