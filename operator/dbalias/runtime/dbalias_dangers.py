"""What in a migration destroys data, breaks the release that still runs, or cannot be judged.

The judgement is about one database: an operation on a model that routing keeps away from it
does nothing there, and is not mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_DESTROYS = re.compile(
    r"\b(DROP|TRUNCATE|DELETE|UPDATE|REPLACE)\b|\bALTER\b[^;]*\b(DROP|RENAME|MODIFY|CHANGE)\b",
    re.IGNORECASE,
)
_WIDER = {
    "AutoField": {"BigAutoField"},
    "SmallAutoField": {"AutoField", "BigAutoField"},
    "CharField": {"TextField"},
    "SlugField": {"CharField", "TextField"},
    "EmailField": {"CharField", "TextField"},
    "URLField": {"CharField", "TextField"},
    "IntegerField": {"BigIntegerField"},
    "SmallIntegerField": {"IntegerField", "BigIntegerField"},
    "PositiveIntegerField": {"PositiveBigIntegerField", "BigIntegerField"},
    "PositiveSmallIntegerField": {"PositiveIntegerField", "PositiveBigIntegerField"},
}
"""Types that hold all that another one can hold."""


class Dangers(NamedTuple):
    """Sentences: what is destroyed or broken, and what only a person can judge."""

    destructive: list[str]
    unjudged: list[str]


def dangers_of(operation: Any, *, app: str, before: Any, alias: str) -> Dangers:
    """Judge one operation on one alias; ``before`` is the project's state in front of it."""
    found = Dangers([], [])
    for leaf, state in _leaves(operation, app=app, before=before):
        found.destructive.extend(_destroyed(leaf, app=app, before=state, alias=alias))
        found.unjudged.extend(_unjudged(leaf, app=app, alias=alias))
    return found


def at_any_depth(operations: Iterable[Any]) -> Iterator[Any]:
    """Yield operations, and after one that holds others what it holds."""
    for operation in operations:
        yield operation
        yield from at_any_depth(getattr(operation, "database_operations", None) or [])


def is_own(thing: Any) -> bool:
    """Return whether a class or function is not one of Django."""
    return not str(thing.__module__).startswith("django.")


def is_code(operation: Any) -> bool:
    """Return whether to run an operation is to run code of the project, at any depth."""
    each = at_any_depth([operation])
    return any(not one.reduces_to_sql or is_own(type(one)) for one in each)


def _leaves(operation: Any, *, app: str, before: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what works on the database: of SeparateDatabaseAndState what it holds."""
    from django.db.migrations.operations import SeparateDatabaseAndState

    if not isinstance(operation, SeparateDatabaseAndState):
        yield operation, before
        return
    state = before.clone()
    for one in operation.database_operations:
        yield from _leaves(one, app=app, before=state)
        state = state.clone()
        one.state_forwards(app, state)


def _unjudged(operation: Any, *, app: str, alias: str) -> Iterator[str]:
    from django.db import router
    from django.db.migrations import operations

    runs = isinstance(operation, (operations.RunPython, operations.RunSQL))
    if not (runs or is_own(type(operation))):
        return
    if runs and not router.allow_migrate(alias, app, **operation.hints):
        return
    name = getattr(getattr(operation, "code", None), "__name__", "")
    what = f"{type(operation).__name__} {name}".strip()
    yield f"{what}: code of the project, which only a person can judge"


def _destroyed(operation: Any, *, app: str, before: Any, alias: str) -> Iterator[str]:
    from django.db import router
    from django.db.migrations import operations

    if isinstance(operation, operations.RunSQL):
        if router.allow_migrate(alias, app, **operation.hints) and _DESTROYS.search(
            text_of(operation.sql)
        ):
            yield f"RunSQL destroys or renames: {_first_match(text_of(operation.sql))}"
        return
    name = _model_name(operation)
    if name is None or (app, name.lower()) not in before.models:
        return
    model = before.apps.get_model(app, name)
    if model._meta.managed and router.allow_migrate_model(alias, model):
        yield from _on_model(operation, model)


def _model_name(operation: Any) -> str | None:
    """Return the model that an operation of Django works on, as it is called before it."""
    for attribute in ("model_name", "old_name", "name"):
        name = getattr(operation, attribute, None)
        if isinstance(name, str):
            return name
    return None


def _on_model(operation: Any, model: Any) -> Iterator[str]:
    from django.db.migrations import operations

    label = model._meta.label
    if isinstance(operation, operations.DeleteModel):
        yield f"deletes the model {label} with its table {model._meta.db_table}"
    elif isinstance(operation, operations.RemoveField):
        yield f"removes the field {label}.{operation.name} with its data"
    elif isinstance(operation, operations.RenameModel):
        yield f"renames the model {label} to {operation.new_name}: older releases miss its table"
    elif isinstance(operation, operations.RenameField):
        yield (
            f"renames the field {label}.{operation.old_name} to {operation.new_name}: older "
            "releases miss its column"
        )
    elif isinstance(operation, operations.AlterModelTable):
        if operation.table != model._meta.db_table:
            yield f"renames the table of {label}: older releases miss it"
    elif isinstance(operation, operations.AlterField):
        yield from _on_field(label, model._meta.get_field(operation.name), operation)


def _on_field(label: str, old: Any, operation: Any) -> Iterator[str]:
    new, name = operation.field, f"{label}.{operation.name}"
    was, becomes = old.get_internal_type(), new.get_internal_type()
    if was != becomes and becomes not in _WIDER.get(was, ()):
        yield f"changes the type of {name} from {was} to {becomes}"
    elif any(_is_narrower(old, new, size) for size in ("max_length", "max_digits")):
        yield f"narrows {name}: longer values do not fit"
    elif _is_narrower(old, new, "decimal_places"):
        yield f"narrows {name}: digits after the point are cut"
    if old.null and not new.null:
        yield f"makes {name} NOT NULL: rows without a value are filled in, or make it fail"
    if getattr(old, "db_column", None) != getattr(new, "db_column", None):
        yield f"renames the column of {name}: older releases miss it"


def _is_narrower(old: Any, new: Any, size: str) -> bool:
    before, after = getattr(old, size, None), getattr(new, size, None)
    if after is None:
        return False
    return before is None or after < before


def text_of(sql: Any) -> str:
    """Return the text of what RunSQL takes: one script, or statements with their parameters."""
    if isinstance(sql, (list, tuple)):
        parts = [one[0] if isinstance(one, (list, tuple)) else one for one in sql]
        return ";\n".join(map(str, parts))
    return str(sql)


def _first_match(text: str) -> str:
    """Return the line in which something is destroyed."""
    found = _DESTROYS.search(text)
    start = found.start() if found else 0
    return " ".join(text[start : start + 80].split())
