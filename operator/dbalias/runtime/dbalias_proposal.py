"""The plan that a person approves: what is pending, its SQL, and a digest that binds to it.

The digest is over each pending migration (source, SQL, what has no SQL), the arguments, what
routing allows on the alias, and the physical database. It is the same in every process: the
words of a statement are taken without their order, because Django puts what it holds as a set
in any order, and comments of the source are left out. The project's own SQL is taken as it is.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import json
import re
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dbalias_dangers import at_any_depth, is_own, text_of
from dbalias_plan import full_name, pending_migrations
from dbalias_sql import Script, scripts

DIGEST_LENGTH = 32
_SHORT = 12
_WORD = re.compile(r"\w+|[^\w\s]")
_UNREAD = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER})
_BYTECODE_HEADER = 16
_SHOWN_STATEMENT = 300
_SHOWN_STATEMENTS = 5


class Proposal(NamedTuple):
    """A plan with its digest; ``database`` names the physical database in the same way."""

    digest: str
    database: str
    scripts: list[Script]

    def render(self) -> dict[str, Any]:
        """Return the report's ``plan``: the counts are over all, however much is cut."""
        destructive = list(_sentences(self.scripts, lambda one: one.dangers.destructive))
        unjudged = list(_sentences(self.scripts, lambda one: one.dangers.unjudged))
        return {
            "digest": self.digest,
            "database": self.database,
            "count": len(self.scripts),
            "destructive": destructive,
            "destructiveCount": len(destructive),
            "unjudged": unjudged,
            "unjudgedCount": len(unjudged),
            "migrations": [_shown(script) for script in self.scripts],
        }

    def lines(self) -> Iterator[str]:
        """Yield all of it for people: every statement, and what has none."""
        yield f"plan {self.digest}: {len(self.scripts)} migrations"
        for script in self.scripts:
            atomic = "" if script.migration.atomic else " (not atomic)"
            yield f"plan of {_name(script)}{atomic}:"
            yield from (f"plan DESTRUCTIVE: {what}" for what in script.dangers.destructive)
            yield from (f"plan UNJUDGED: {what}" for what in script.dangers.unjudged)
            yield from (f"plan SQL: {statement}" for statement in script.statements)
            yield from (f"plan without SQL: {gap}" for gap in script.gaps)


def propose(
    connection: Any, apps: Sequence[str] | None, *, command: Sequence[str], args: Sequence[str]
) -> Proposal:
    """Return what a run would do now; reads only, and needs no lock.

    ``apps`` None means all; ``command`` replaces migrate, ``args`` are its arguments.
    """
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    pending = pending_migrations(executor, apps)
    found = list(scripts(connection, executor, pending))
    database = _digest(_identity(connection))
    bound = {
        "migrations": [_digest(_substance(script)) for script in found],
        "command": list(command),
        "args": list(args),
        "apps": None if apps is None else list(apps),
        "routing": _routing(connection.alias),
        "database": database,
    }
    return Proposal(_digest(bound), database[:_SHORT], found)


def _sentences(found: Sequence[Script], kind: Callable[[Script], list[str]]) -> Iterator[str]:
    for script in found:
        for what in kind(script):
            yield f"{_name(script)} {what}"


def _shown(script: Script) -> dict[str, Any]:
    """Return one migration for the report; ``sql`` holds the beginning of its statements."""
    shown: dict[str, Any] = {
        "name": _name(script),
        "digest": _digest(_substance(script))[:_SHORT],
        "statements": len(script.statements),
    }
    if not script.migration.atomic:
        shown["atomic"] = False
    if script.gaps:
        shown["gaps"] = len(script.gaps)
    if script.statements:
        first = script.statements[:_SHOWN_STATEMENTS]
        shown["sql"] = [" ".join(one.split())[:_SHOWN_STATEMENT] for one in first]
    return shown


def _substance(script: Script) -> list[Any]:
    """Return all of a migration that an approval is bound to."""
    return [
        _name(script),
        bool(script.migration.atomic),
        list(_sources(script.migration)),
        sorted(sorted(_WORD.findall(statement)) for statement in script.statements),
        script.gaps,
        script.dangers.unjudged,  # the router says which code runs here at all
    ]


def _sources(migration: Any) -> Iterator[Any]:
    """Yield the migration's own source, its SQL, and the code that it has from elsewhere."""
    from django.db.migrations import RunSQL

    yield _source(sys.modules.get(migration.__module__), migration)
    for operation in at_any_depth(migration.operations):
        if isinstance(operation, RunSQL):  # it may have been read from a file
            yield text_of(operation.sql)
        for thing in _code_of(operation):
            if is_own(thing) and thing.__module__ != migration.__module__:
                yield _source(thing, migration)


def _code_of(operation: Any) -> Iterator[Any]:
    """Yield the classes of an operation, and the function or class that it calls."""
    yield from (cls for cls in type(operation).__mro__ if cls is not object)
    code = getattr(operation, "code", None)
    while isinstance(code, functools.partial):
        code = code.func
    if code is not None:
        yield code if inspect.isroutine(code) or inspect.isclass(code) else type(code)


def _source(thing: Any, migration: Any) -> Any:
    """Return the words of a source without its comments; compiled code where there is no source."""
    try:
        text = inspect.getsource(thing)
        read = tokenize.generate_tokens(io.StringIO(text).readline)
        return [token.string for token in read if token.type not in _UNREAD]
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):
        pass
    module = sys.modules.get(getattr(thing, "__module__", ""), thing)
    file = getattr(module, "__file__", None)
    if file and Path(file).is_file():
        return hashlib.sha256(Path(file).read_bytes()[_BYTECODE_HEADER:]).hexdigest()
    return [operation.describe() for operation in migration.operations]


def _routing(alias: str) -> list[str]:
    """Return the models that may be migrated on an alias, as this image's routers say."""
    from django.apps import apps
    from django.db import router

    models = apps.get_models(include_auto_created=True)
    return sorted(m._meta.label for m in models if router.allow_migrate_model(alias, m))


def _identity(connection: Any) -> list[str]:
    """Return what tells this physical database from any other, the same on its replicas."""
    settings = connection.settings_dict
    said = [connection.vendor, *(str(settings.get(key) or "") for key in ("HOST", "PORT", "NAME"))]
    if connection.vendor == "postgresql":
        said += _asked(connection, "SELECT system_identifier FROM pg_control_system()")
        said += _asked(connection, "SELECT oid FROM pg_database WHERE datname = current_database()")
    return said


def _asked(connection: Any, question: str) -> list[str]:
    """Return a server's answer; nothing where this login may not ask."""
    from django.db.utils import DatabaseError

    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return [str(value) for value in cursor.fetchone() or ()]
    except DatabaseError:
        return []


def _name(script: Script) -> str:
    return full_name((script.migration.app_label, script.migration.name))


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
