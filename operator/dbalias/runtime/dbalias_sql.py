"""The SQL of migrations as Django would emit it, collected without running any of it.

What has no SQL before it runs (code of the project, and changes that must look at tables that
are not made yet) is told as a gap. Nothing can be written meanwhile: a statement that does not
read is refused before it reaches the server.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from dbalias_dangers import Dangers, dangers_of, is_code
from dbalias_errors import is_connection_error

_READING = frozenset(
    {"select", "show", "with", "explain", "describe", "pragma", "set"}
    | {"savepoint", "release", "rollback"}
)
_FIXED = frozenset({bool, bytes, dict, float, int, list, set, str, tuple})
"""Callables whose value as a default is the same each time."""


class Script(NamedTuple):
    """One migration: its statements in order, what could not be collected, its dangers."""

    migration: Any
    statements: list[str]
    gaps: list[str]
    dangers: Dangers


class _WritesError(Exception):
    """A statement that does not read was about to be sent."""


def scripts(connection: Any, executor: Any, migrations: Iterable[Any]) -> Iterator[Script]:
    """Yield what each of these pending migrations would do, in the order of the whole graph."""
    pending = set(migrations)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    state = executor._create_project_state(with_applied_migrations=True)
    _ = state.apps  # rendered once: each copy of the state then takes it over
    for migration, _ in plan:
        if migration in pending:
            with connection.execute_wrapper(_only_read):
                yield _script(connection, migration, state)


def _script(connection: Any, migration: Any, state: Any) -> Script:
    script = Script(migration, [], [], Dangers([], []))
    app = migration.app_label
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        _name_computed_defaults(editor)
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(app, state)
            found = dangers_of(operation, app=app, before=before, alias=connection.alias)
            script.dangers.destructive.extend(found.destructive)
            script.dangers.unjudged.extend(found.unjudged)
            why = _collect(editor, operation, app=app, states=(before, state))
            if why:
                script.gaps.append(f"{operation.describe()}: {why}")
    script.statements.extend(editor.collected_sql)
    return script


def _collect(editor: Any, operation: Any, *, app: str, states: tuple[Any, Any]) -> str:
    """Collect one operation's SQL; return why there is none before it runs, or nothing."""
    if is_code(operation):
        return "code, which has no SQL before it runs"
    known = len(editor.collected_sql)
    try:
        with _undone(editor):
            operation.database_forwards(app, editor, *states)
    except _WritesError:
        why = "it works on the database itself, without telling its SQL"
    except Exception as error:
        if is_connection_error(error):
            raise
        why = "it looks at what earlier migrations make first"
    else:
        return ""
    del editor.collected_sql[known:]
    return why


def _undone(editor: Any) -> contextlib.AbstractContextManager[Any]:
    """Return a savepoint where there is a transaction: an error would end all of that."""
    from django.db import transaction

    if not editor.atomic_migration:
        return contextlib.nullcontext()
    savepoint: contextlib.AbstractContextManager[Any] = transaction.atomic(editor.connection.alias)
    return savepoint


def _only_read(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Let a statement through that reads; Django calls this around each one."""
    words = str(sql).split(None, 1)
    if not words or words[0].strip("(").lower() not in _READING:
        raise _WritesError
    return execute(sql, params, many, context)


def _name_computed_defaults(editor: Any) -> None:
    """Put the name of what computes a default where its value would stand.

    The value is another one at each call: the time, or random.
    """
    usual = editor.effective_default

    @functools.wraps(usual)
    def effective_default(field: Any) -> Any:
        if field.has_default():
            return f"<{_dotted(field.default)}()>" if _is_computed(field) else usual(field)
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            return "<the time>"
        return usual(field)

    editor.effective_default = effective_default


def _is_computed(field: Any) -> bool:
    return callable(field.default) and field.default not in _FIXED


def _dotted(function: Any) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}.{name}"
