"""The runner's report, as its pod's termination message carries it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dbalias.api.meta import JSON
from dbalias.migrations.plan import Plan

FORMAT = 1
TEXT_LIMIT = 1000
"""Characters kept of a text: the runner's own bound, and below those of the CRD."""
LARGEST = 2**31 - 1
"""What a count of the CRD holds."""


@dataclass(frozen=True, slots=True)
class Route:
    """Models that go the same way: whole apps, and models of apps that are split.

    ``models_count`` has all of them, however many names are left. ``write`` None: they go
    nowhere, as one of the audit's errors says.
    """

    apps: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    write: str | None = None
    migrate: tuple[str, ...] = ()
    models_count: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What a run said about itself before it ended; a killed one said it before it was killed.

    ``state`` is one of starting, auditing, locking, planning, migrating, running (a command), done,
    failed, stopped. ``command_exit`` is the command's own exit code (128 + n: signal n).
    ``revision`` is that of the settings it ran with. ``current`` is the migration in progress
    (``app.name``), ``ahead`` those that the database has and the image does not know. Lists
    may be shorter than their counts; ``models_count`` is over all routes.
    """

    state: str
    exit: int | None = None
    reason: str = ""
    message: str = ""
    revision: str = ""
    applied: tuple[str, ...] = ()
    applied_count: int = 0
    pending: tuple[str, ...] = ()
    pending_count: int = 0
    plan: Plan | None = None
    current: str | None = None
    current_atomic: bool | None = None
    command_exit: int | None = None
    transactional_ddl: bool | None = None
    last: str | None = None
    ahead_count: int = 0
    ahead: tuple[str, ...] = ()
    missing_tables: tuple[str, ...] = ()
    missing_count: int = 0
    audit_errors: tuple[str, ...] = ()
    audit_error_count: int = 0
    audit_warnings: tuple[str, ...] = ()
    audit_warning_count: int = 0
    routes: tuple[Route, ...] = ()
    routes_count: int = 0
    models_count: int = 0
    holder: str | None = None


def parse_report(text: str | None) -> Report | None:
    """Return the report in a termination message; None for none, a cut one or another format.

    A field that is missing or of another type counts as not said. Any program may have written
    it: nothing that it says raises, or makes a status that the API server would not take.
    """
    try:
        data = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None
    audit = data.get("audit") if isinstance(data.get("audit"), dict) else {}
    return Report(
        state=_text(data, "state"),
        exit=_number(data, "exit"),
        reason=_text(data, "reason"),
        message=_text(data, "message"),
        revision=_text(data, "revision"),
        applied=_texts(data, "applied"),
        applied_count=_number(data, "appliedCount") or 0,
        pending=_texts(data, "pending"),
        pending_count=_number(data, "pendingCount") or 0,
        plan=Plan.parse(data.get("plan")),
        current=_text(data, "current") or None,
        current_atomic=_flag(data, "currentAtomic"),
        command_exit=_number(data, "commandExit"),
        transactional_ddl=_flag(data, "transactionalDDL"),
        last=_text(data, "last") or None,
        ahead_count=_number(data, "aheadCount") or 0,
        ahead=_texts(data, "ahead"),
        missing_tables=_texts(data, "missingTables"),
        missing_count=_number(data, "missingCount") or 0,
        audit_errors=_texts(audit, "errors"),
        audit_error_count=_number(audit, "errorCount") or 0,
        audit_warnings=_texts(audit, "warnings"),
        audit_warning_count=_number(audit, "warningCount") or 0,
        routes=_routes(data),
        routes_count=_number(data, "routesCount") or 0,
        models_count=_number(data, "modelsCount") or 0,
        holder=_text(data, "holder") or None,
    )


def _routes(data: JSON) -> tuple[Route, ...]:
    listed = data.get("routes")
    return tuple(
        Route(
            apps=_texts(one, "apps"),
            models=_texts(one, "models"),
            read=_texts(one, "read"),
            write=_text(one, "write") or None,
            migrate=_texts(one, "migrate"),
            models_count=_number(one, "modelsCount") or 0,
        )
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping)
    )


def _text(data: JSON, key: str) -> str:
    value = data.get(key)
    return _bounded(value) if isinstance(value, str) else ""


def _texts(data: JSON, key: str) -> tuple[str, ...]:
    value = data.get(key)
    listed = value if isinstance(value, list) else []
    return tuple(_bounded(text) for text in listed if isinstance(text, str))


def _bounded(text: str) -> str:
    """Cut a text, and replace halves of characters: JSON can hold them, UTF-8 cannot."""
    return text[:TEXT_LIMIT].encode("utf-8", "replace").decode()


def _number(data: JSON, key: str) -> int | None:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return min(max(0, value), LARGEST)


def _flag(data: JSON, key: str) -> bool | None:
    value = data.get(key)
    return value if isinstance(value, bool) else None
