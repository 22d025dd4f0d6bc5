"""The routing audit: where every installed model is read, written and migrated, and what is wrong.

Errors would break something that nothing undoes: a model that reaches the empty default or
writes to a replica, a table made with a constraint to a table that its database does not have.
Warnings are worth knowing. Routers of the project are asked like Django asks them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import dbalias_databases
from dbalias_policies import PolicyRouter, RuleRouter
from dbalias_rules import REPLICA, Families, name_of
from dbalias_setup import is_empty

ADD_RULE = "add `apps: [{app}]` or `models: [{model}]` to a rule of a DatabaseRoutingPolicy"


class Place(NamedTuple):
    """Where one model goes; ``refusal`` is why it goes nowhere."""

    model: Any
    read: tuple[str, ...] = ()
    write: str | None = None
    migrate: frozenset[str] = frozenset()
    claimed: bool = False
    refusal: str = ""

    @property
    def label(self) -> str:
        """``app.Model``, as people write it."""
        return str(self.model._meta.label)


class Findings(NamedTuple):
    """What the audit found: sentences, sorted, without repetition."""

    errors: list[str]
    warnings: list[str]

    def render(self) -> dict[str, Any]:
        """Return the report's ``audit`` field."""
        return {
            "errors": self.errors,
            "errorCount": len(self.errors),
            "warnings": self.warnings,
            "warningCount": len(self.warnings),
        }


class Audit:
    """One audit of all installed models for the run on one alias."""

    def __init__(self, alias: str) -> None:
        from django.apps import apps
        from django.conf import settings
        from django.db import router

        self._alias = alias
        self._router = router
        self._databases: Mapping[str, Any] = settings.DATABASES
        self._routing = dbalias_databases.document()["routing"]
        self._families = Families(self._routing)
        self._policies = [r for r in router.routers if isinstance(r, PolicyRouter)]
        stored = (m for m in apps.get_models(include_auto_created=True) if is_stored(m))
        self.places = {model._meta.label_lower: self._place(model) for model in stored}

    def findings(self, tables: Iterable[str] | None) -> Findings:
        """Return errors and warnings.

        ``tables``: those that the alias' database has, in lower case; None if unknown, then
        every constraint counts as not made yet.
        """
        errors: set[str] = set()
        warnings: set[str] = {*self._unknown_names(), *replaced_settings()}
        for place in self.places.values():
            errors.update(self._errors(place))
            warnings.update(self._warnings(place))
        for sentence, made in self._constraints(None if tables is None else frozenset(tables)):
            (warnings if made else errors).add(sentence)
        if self._policies:
            warnings.update(self._unmatched())
        warnings.update(self._operations())
        return Findings(sorted(errors), sorted(warnings))

    def has_doubtful_constraints(self) -> bool:
        """Return whether ``findings`` needs to know the tables that exist."""
        return any(True for _ in self._constraints(None))

    def _place(self, model: Any) -> Place:
        from django.core.exceptions import ImproperlyConfigured
        from django.db import connections
        from django.utils.connection import ConnectionDoesNotExist

        aliases = (alias for alias in connections if not self._is_empty(alias))
        migrate = frozenset(a for a in aliases if self._router.allow_migrate_model(a, model))
        claimed = any(policy.readers(model) for policy in self._policies)
        try:
            write = self._router.db_for_write(model)
            return Place(model, self._readers(model), write, migrate, claimed)
        except ConnectionDoesNotExist:
            return Place(model, migrate=migrate, claimed=True)
        except ImproperlyConfigured as error:
            return Place(model, migrate=migrate, refusal=str(error))

    def _readers(self, model: Any) -> tuple[str, ...]:
        for candidate in self._router.routers:
            if isinstance(candidate, RuleRouter):
                pool = candidate.readers(model)
            else:
                ask = getattr(candidate, "db_for_read", None)
                answer = ask(model) if ask else None
                pool = (answer,) if answer else None
            if pool:
                return pool
        return (self._router.db_for_read(model),)

    def _errors(self, place: Place) -> Iterator[str]:
        if place.refusal:
            yield place.refusal
            return
        name = name_of(place.model)
        empty = [a for a in (place.write, *place.read) if a and self._is_empty(a)]
        if empty:
            yield (
                f"{place.label} (app {name.app}) is claimed by no rule and would reach the empty "
                f'default "{empty[0]}": ' + ADD_RULE.format(app=name.app, model=name.model)
            )
        if self._never(place.write) == REPLICA:
            yield (
                f'{place.label} (app {name.app}) would be written to the replica "{place.write}": '
                "name its primary in the rule's `write`"
            )

    def _warnings(self, place: Place) -> Iterator[str]:
        if place.refusal or place.write is None:
            return
        if not place.migrate and not self._never(place.write):
            yield f"{place.label} is migrated nowhere: no database gets its table"
        for target in self._targets(place):
            if not self._belong_together(place.write, target.write):
                yield (
                    f"{place.label} (in {place.write}) refers to {target.label} (in "
                    f"{target.write}): no database can check or join across the two"
                )

    def _constraints(self, tables: frozenset[str] | None) -> Iterator[tuple[str, bool]]:
        """Yield what is wrong with a constraint on this alias, and if its table is there yet."""
        for place in self.places.values():
            if self._alias not in place.migrate:
                continue
            for target in self._targets(place, constrained=True):
                table = target.model._meta.db_table.lower()
                if self._alias in target.migrate or (tables is not None and table in tables):
                    continue
                made = tables is not None and place.model._meta.db_table.lower() in tables
                elsewhere = ", ".join(sorted(target.migrate)) or "nowhere"
                yield (
                    f'{place.label} is migrated on "{self._alias}" with a foreign key to '
                    f"{target.label}, which is migrated on {elsewhere}: route both to one "
                    "database, or set db_constraint=False",
                    made,
                )

    def _targets(self, place: Place, *, constrained: bool = False) -> Iterator[Place]:
        for field in place.model._meta.local_fields:
            related = getattr(field, "remote_field", None)
            if related is None or not hasattr(related.model, "_meta"):
                continue
            if constrained and not getattr(field, "db_constraint", False):
                continue
            target = self.places.get(related.model._meta.concrete_model._meta.label_lower)
            if target is not None:
                yield target

    def _belong_together(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None or self._families.are_one(one, other):
            return True
        return any(policy.relates(one, other) for policy in self._policies)

    def _unmatched(self) -> Iterator[str]:
        by_app: dict[str, list[str]] = {}
        for place in self.places.values():
            if (
                not place.claimed
                and not place.refusal
                and self._databases.get(place.write or "") != {}
            ):
                key = f"{place.model._meta.app_label} go to {place.write}"
                by_app.setdefault(key, []).append(place.model._meta.object_name)
        for key, models in by_app.items():
            yield f"no rule claims {', '.join(sorted(models))}: these models of {key}"

    def _unknown_names(self) -> Iterator[str]:
        from django.apps import apps

        labels = {c.label for c in apps.get_app_configs()} | {"django_cache"}
        known = {name_of(p.model).model for p in self.places.values()} | {"django_cache.cacheentry"}
        for policy in self._policies:
            called = policy.table.get("name", "")
            for app in policy.table.get("apps", {}):
                if app not in labels:
                    yield f'policy {called} names the app "{app}", which is not installed'
            for model in policy.table.get("models", {}):
                if model not in known:
                    yield f'policy {called} names the model "{model}", which has no table here'

    def _operations(self) -> Iterator[str]:
        from django.db.migrations.loader import MigrationLoader
        from django.db.migrations.operations import RunPython, RunSQL

        apps = {p.model._meta.app_label for p in self.places.values()}
        partly = {a for a in apps if any(p.has_only_models_of(a) for p in self._policies)}
        if not partly:
            return
        loader = MigrationLoader(None, load=False)
        loader.load_disk()
        for (app, name), migration in loader.disk_migrations.items():
            if app in partly and any(
                isinstance(operation, (RunPython, RunSQL)) for operation in migration.operations
            ):
                yield (
                    f"{app}.{name} runs code or SQL, and only models of {app} have rules: it "
                    "runs wherever one of these rules migrates; see that it expects that"
                )

    def _is_empty(self, alias: str) -> bool:
        return alias in self._databases and is_empty(self._databases[alias])

    def _never(self, alias: str | None) -> str | None:
        why: str | None = self._routing["guard"]["never"].get(alias)
        return why


def replaced_settings() -> Iterator[str]:
    """Yield a warning for each alias and router of the base module that is no longer in force."""
    overlay = sys.modules.get("dbalias_settings")
    if overlay is None:
        return
    published = dbalias_databases.settings()
    replaced: Mapping[str, Any] = overlay.replaced
    for alias in replaced.get("DATABASES", {}):
        if alias not in published["DATABASES"]:
            yield f'{overlay.base} has a database "{alias}" that is not published: it is gone'
    for router in replaced.get("DATABASE_ROUTERS", ()):
        if router not in published["DATABASE_ROUTERS"]:
            yield (
                f"{overlay.base} has the router {router}, which is replaced: name it in "
                "`routing.before` or `routing.after` of the DjangoProject to keep it"
            )


def is_stored(model: Any) -> bool:
    """Return whether a model has a table of its own that Django would make."""
    meta = model._meta
    return bool(meta.managed and not meta.proxy and not meta.swapped and not meta.abstract)
