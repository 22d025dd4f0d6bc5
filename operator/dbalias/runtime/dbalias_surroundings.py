"""What the audit finds around the models: settings, names in policies, code in migrations."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dbalias_databases
from dbalias_places import Places, some
from dbalias_policies import PolicyRouter
from dbalias_rules import label_of, name_of

_GENERATED = "dbalias_routers."


def broken_settings() -> Iterator[str]:
    """Yield an error where the settings in force leave published routers out.

    A module that imports only ``DATABASES`` (settings.mode Imported) routes as if there were no
    policies.
    """
    from django.conf import settings

    published = dbalias_databases.settings()["DATABASE_ROUTERS"]
    missing = [
        path
        for path in published
        if path.startswith(_GENERATED) and path not in settings.DATABASE_ROUTERS
    ]
    if missing:
        yield (
            f"DATABASE_ROUTERS of {settings.SETTINGS_MODULE} lacks {some(missing)}: import "
            "DATABASE_ROUTERS from dbalias_databases, too"
        )


def odd_settings(policies: Iterable[PolicyRouter]) -> Iterator[str]:
    """Yield warnings about settings that do something else than they seem to."""
    yield from replaced_settings()
    yield from _dropped_settings()
    for place, entries in _variants():
        atomic = _atomic(entries)
        if len(atomic) > 1:
            yield (
                f"ATOMIC_REQUESTS is set on {', '.join(atomic)}{place}: each request opens a "
                "transaction on every one of them, and fails when one is down; set "
                "`atomicRequests` on the one that needs it"
            )
        for policy in policies:
            idle = _never_read(policy, atomic)
            if idle:
                yield (
                    f"policy {policy.table.get('name', '')} pins reads in transactions, and on "
                    f"{', '.join(idle)} each request is one (ATOMIC_REQUESTS){place}: replicas "
                    "are never read in requests; set `pinReads: Request`, or no "
                    "`atomicRequests`"
                )


def replaced_settings() -> Iterator[str]:
    """Yield a warning for each alias and router of the base module that is no longer in force."""
    overlay = sys.modules.get("dbalias_settings")
    if overlay is None:
        return
    published = dbalias_databases.settings()
    replaced: Mapping[str, Any] = overlay.replaced
    for alias in replaced.get("DATABASES", {}):
        if alias not in published["DATABASES"]:
            yield (
                f'{overlay.base} has a database "{alias}" that is not published: it is gone; '
                "declare a DatabaseAlias to keep it"
            )
    for router in replaced.get("DATABASE_ROUTERS", ()):
        if router not in published["DATABASE_ROUTERS"]:
            yield (
                f"{overlay.base} has the router {_path(router)}, which is replaced: name it in "
                "`routing.before` or `routing.after` of the DjangoProject to keep it"
            )


def unknown_names(places: Places) -> Iterator[str]:
    """Yield a warning for each name in a policy that nothing installed bears."""
    from django.apps import apps

    labels = {c.label.lower() for c in apps.get_app_configs()} | {"django_cache"}
    known = {name_of(p.model).model for p in places} | {"django_cache.cacheentry"}
    known |= {label_of(model).lower() for model in apps.get_models()}
    for policy in places.policies:
        called = policy.table.get("name", "")
        for app in policy.table.get("apps", {}):
            if app not in labels:
                yield f'policy {called} names the app "{app}", which is not installed: correct it'
        for model in policy.table.get("models", {}):
            if model not in known:
                yield f'policy {called} names the model "{model}", which has no table: correct it'


def unruled_operations(places: Places) -> Iterator[str]:
    """Yield a warning for code and SQL of apps of which only models have rules."""
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.operations import RunPython, RunSQL

    apps = {place.app for place in places}
    partly = {app for app in apps if any(p.has_only_models_of(app) for p in places.policies)}
    if not partly:
        return
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    for (app, name), migration in loader.disk_migrations.items():
        if app.lower() in partly and any(
            isinstance(operation, (RunPython, RunSQL)) for operation in migration.operations
        ):
            yield (
                f"{app}.{name} runs code or SQL, and only models of {app} have rules: it runs "
                "wherever one of these rules migrates; see that it expects that"
            )


def _dropped_settings() -> Iterator[str]:
    """What a module that imports the published settings itself has left out of them."""
    from django.conf import settings

    for alias in dbalias_databases.settings()["DATABASES"]:
        if alias not in settings.DATABASES:
            yield (
                f'DATABASES of {settings.SETTINGS_MODULE} lacks the published alias "{alias}": '
                "take all of DATABASES from dbalias_databases"
            )


def _variants() -> Iterator[tuple[str, Mapping[str, Mapping[str, Any]]]]:
    """Yield DATABASES as they are, and as each profile makes them that changes transactions."""
    from django.conf import settings

    entries: dict[str, dict[str, Any]] = settings.DATABASES
    yield "", entries
    profiles: Mapping[str, Mapping[str, Any]] = dbalias_databases.document().get("profiles") or {}
    for name, changes in sorted(profiles.items()):
        wide = changes.get("*", {})
        changed = {a: {**entry, **wide, **changes.get(a, {})} for a, entry in entries.items()}
        if _atomic(changed) != _atomic(entries):
            yield f' in the profile "{name}"', changed


def _atomic(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(alias for alias, entry in entries.items() if entry.get("ATOMIC_REQUESTS"))


def _never_read(policy: PolicyRouter, atomic: Iterable[str]) -> list[str]:
    """Return the write aliases of a policy whose replicas no request ever reads."""
    if policy.table.get("pinReads") != "Transaction":
        return []
    pooled = {rule.write for rule in policy.rules if set(rule.read) - {rule.write}}
    return sorted(pooled & set(atomic))


def _path(router: Any) -> str:
    return router if isinstance(router, str) else type(router).__qualname__
