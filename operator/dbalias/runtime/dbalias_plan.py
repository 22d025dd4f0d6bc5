"""What is to be migrated on one alias, followed step by step, and what is missing afterwards."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from dbalias_places import is_stored
from dbalias_report import Report


class Plan(NamedTuple):
    """What is pending, and what the database has that this image does not know."""

    pending: list[str]
    ahead: list[str]
    last: str | None


def full_name(key: Sequence[str]) -> str:
    """Return ``app.migration`` for Django's pair."""
    return f"{key[0]}.{key[1]}"


def read_plan(connection: Any, apps: Sequence[str] | None) -> Plan:
    """Compute the plan; ``apps`` None means all. Raises what Django does on broken histories."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    loader = executor.loader
    loader.check_consistent_history(connection)
    pending = [full_name((m.app_label, m.name)) for m in pending_migrations(executor, apps)]
    known = {key for m in loader.disk_migrations.values() for key in m.replaces}
    known.update(loader.disk_migrations)
    applied = executor.recorder.applied_migrations()
    ahead = [key for key in applied if key not in known and key[0] in loader.migrated_apps]
    newest = max(applied.values(), key=lambda record: record.id, default=None)
    last = full_name((newest.app, newest.name)) if newest else None
    return Plan(pending, sorted(map(full_name, ahead)), last)


def pending_migrations(executor: Any, apps: Sequence[str] | None) -> list[Any]:
    """Return what Django would apply, in its order; ``apps`` None means all."""
    leaves = executor.loader.graph.leaf_nodes()
    targets = [key for key in leaves if apps is None or key[0] in apps]
    return [migration for migration, _ in executor.migration_plan(targets)]


def applied_migrations(connection: Any) -> list[str]:
    """Return what is recorded in the database, oldest first."""
    from django.db.migrations.recorder import MigrationRecorder

    applied = MigrationRecorder(connection).applied_migrations()
    return [full_name(key) for key, _ in sorted(applied.items(), key=lambda item: item[1].id)]


def unmigrated(apps: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return those of some app labels that are not installed, and those without migrations."""
    from django.apps import apps as registry
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    installed = {config.label for config in registry.get_app_configs()}
    absent = [app for app in apps if app not in installed]
    bare = [app for app in apps if app in installed and app not in loader.migrated_apps]
    return absent, bare


@contextlib.contextmanager
def followed(alias: str, report: Report, before_each: Callable[[], None]) -> Iterator[None]:
    """Report each migration that Django applies to an alias, whoever calls the executor.

    What ``before_each`` raises stops the run there. The method is wrapped on the class, because
    commands that replace ``migrate`` bring executors of their own.
    """
    from django.db.migrations.executor import MigrationExecutor

    original = MigrationExecutor.apply_migration

    def apply_migration(self: Any, state: Any, migration: Any, *args: Any, **kwargs: Any) -> Any:
        if self.connection.alias != alias:
            return original(self, state, migration, *args, **kwargs)
        before_each()
        name = full_name((migration.app_label, migration.name))
        report.began(name, atomic=bool(migration.atomic))
        migration.apply = functools.partial(_apply_whole, migration.apply)
        state = original(self, state, migration, *args, **kwargs)
        report.finished(name)
        return state

    MigrationExecutor.apply_migration = apply_migration
    try:
        yield
    finally:
        MigrationExecutor.apply_migration = original


def _apply_whole(apply: Callable[..., Any], state: Any, editor: Any, *args: Any) -> Any:
    """Apply a migration, and in its transaction the statements that Django puts off to its end.

    While some are left Django records the migration only after the transaction: a run that is
    killed there would leave tables that no retry can make.
    """
    state = apply(state, editor, *args)
    if editor.atomic_migration:
        for statement in editor.deferred_sql:
            editor.execute(statement, None)
        editor.deferred_sql.clear()
    return state


def missing_tables(connection: Any, apps: Sequence[str] | None) -> dict[str, str]:
    """Return table → ``app.Model`` for what routing allows here, is migrated, and is not there.

    Django records a migration even where a router forbids its tables; when a policy allows
    them later, there is nothing left to apply.
    """
    from django.apps import apps as registry
    from django.db import router
    from django.db.migrations.loader import MigrationLoader

    exist = existing_tables(connection)
    absent = {
        model._meta.db_table: model._meta.label
        for model in registry.get_models(include_auto_created=True)
        if is_stored(model)
        and (apps is None or model._meta.app_label in apps)
        and model._meta.db_table.lower() not in exist
        and '"' not in model._meta.db_table  # a schema smuggled into the name: not listable
        and router.allow_migrate_model(connection.alias, model)
    }
    if not absent:
        return {}
    made = _tables_that_applied_migrations_make(MigrationLoader(connection))
    return {table: label for table, label in absent.items() if table.lower() in made}


def existing_tables(connection: Any) -> frozenset[str]:
    """Return the names of the database's tables and views, in lower case."""
    names = connection.introspection.table_names(include_views=True)
    return frozenset(name.lower() for name in names)


def _tables_that_applied_migrations_make(loader: Any) -> frozenset[str]:
    """Return the tables as the last applied migrations leave them; those pending make the rest.

    Apps without migrations are part of Django's state, and no migration of theirs is recorded.
    """
    nodes = loader.graph.node_map
    applied = {key for key in loader.applied_migrations if key in nodes}
    last = [key for key in applied if not any(c.key in applied for c in nodes[key].children)]
    models = loader.project_state(sorted(last)).apps.get_models(include_auto_created=True)
    return frozenset(
        model._meta.db_table.lower()
        for model in models
        if model._meta.app_label in loader.migrated_apps
    )
