"""The routing audit: what is wrong with where the installed models go, and what to change.

Errors would break something that nothing undoes: a model that reaches the empty default or
writes to a replica, a table made with a constraint to a table that its database does not have.
Warnings are worth knowing. Sentences name what is wrong, where, and the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import dbalias_databases
from dbalias_places import Place, Places, destinations, is_stored, lines, some
from dbalias_rules import REPLICA, Families, name_of
from dbalias_setup import is_empty
from dbalias_surroundings import broken_settings, odd_settings, unknown_names, unruled_operations


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


class Relation(NamedTuple):
    """A model that refers to another; ``constrained``: by a foreign key of the database."""

    place: Place
    target: Place
    constrained: bool


class Audit:
    """One audit of all installed models for the run on one alias."""

    def __init__(self, alias: str) -> None:
        from django.conf import settings

        self._alias = alias
        self._databases: Mapping[str, Any] = settings.DATABASES
        routing = dbalias_databases.document()["routing"]
        self._never: Mapping[str, str] = routing["guard"]["never"]
        self._families = Families(routing)
        self.places = Places()

    def routes(self) -> dict[str, Any]:
        """Return the report's fields that say where the models go."""
        found = destinations(self.places)
        models = sum(group["modelsCount"] for group in found)
        return {"routes": found, "routesCount": len(found), "modelsCount": models}

    def table(self) -> Iterator[str]:
        """Yield all of it in lines for people."""
        return lines(self.places)

    def findings(self, tables: Iterable[str] | None) -> Findings:
        """Return errors and warnings.

        ``tables``: those that the alias' database has, in lower case; None if unknown, then
        every constraint counts as not made yet.
        """
        errors = {*self._astray(), *self.places.faults(), *broken_settings()}
        warnings = {*self._unmade(), *odd_settings(self.places.policies)}
        warnings.update(unknown_names(self.places), unruled_operations(self.places))
        for sentence, made in self._constraints(None if tables is None else frozenset(tables)):
            (warnings if made else errors).add(sentence)
        warnings.update(self._crossings())
        if self.places.policies:
            warnings.update(self._unmatched())
        return Findings(sorted(errors), sorted(warnings))

    def has_doubtful_constraints(self) -> bool:
        """Return whether ``findings`` needs to know the tables that exist."""
        return any(True for _ in self._constraints(None))

    def _astray(self) -> Iterator[str]:
        """What would reach the empty default, write to a replica or be made where none may be."""
        refused = [place for place in self.places if place.refusal]
        yield from self._by_app(refused, "claimed by no routing rule")
        for alias in self._databases:
            if is_empty(self._databases[alias]):
                reached = [p for p in self.places if alias == p.write or alias in p.read]
                yield from self._by_app(
                    reached, f'claimed by no rule and would reach the empty default "{alias}"'
                )
            if self._never.get(alias) == REPLICA:
                written = [p.label for p in self.places if p.write == alias]
                if written:
                    yield (
                        f'{some(written)} would be written to the replica "{alias}": name its '
                        "primary in the rule's `write`"
                    )
            made = [p.label for p in self.places if alias in self._never and alias in p.migrate]
            if made:
                yield (
                    f'{some(made)} would be migrated on "{alias}", which never is '
                    f"({self._never[alias]}): let DATABASE_ROUTERS begin with the published ones"
                )

    def _by_app(self, places: Iterable[Place], what: str) -> Iterator[str]:
        """Yield a sentence for each app, with the rule that is to be added."""
        unruled = list(places)
        for app in sorted({place.app for place in unruled}):
            found = [place for place in unruled if place.app == app]
            everything = len(found) == sum(1 for place in self.places if place.app == app)
            names = sorted({name_of(place.model).model for place in found})
            rule = f"apps: [{app}]" if everything else f"models: [{some(names)}]"
            yield (
                f"{some(place.label for place in found)}: {what}; add `{rule}` to a rule of a "
                "DatabaseRoutingPolicy"
            )

    def _unmade(self) -> Iterator[str]:
        """Models without a table where they are written."""
        for app, places in self._grouped(lambda p: is_stored(p.model) and self._is_unmade(p)):
            nowhere = [place.label for place in places if not place.migrate]
            if nowhere:
                yield (
                    f"{some(nowhere)} of {app} are migrated nowhere: no database gets their "
                    "tables; see `migrate` of the rule"
                )
            for place in places:
                if place.migrate:
                    yield (
                        f"{place.label} is written to {place.write} and migrated on "
                        f"{some(place.migrate)}: its table is not made where it is written; see "
                        "`migrate` of the rule"
                    )

    def _is_unmade(self, place: Place) -> bool:
        if place.refusal or place.write is None or self._never.get(place.write):
            return False
        return not any(self._families.are_one(place.write, alias) for alias in place.migrate)

    def _constraints(self, tables: frozenset[str] | None) -> Iterator[tuple[str, bool]]:
        """Yield relations whose constraint has no table to lead to, and if it is made already.

        Permissions are made after each migrate, so auth fails without contenttypes even then.
        """
        for place, target, constrained in self._relations():
            here = self._alias in place.migrate and self._alias not in target.migrate
            if not (constrained and here) or (tables is not None and target.table in tables):
                continue
            made = tables is not None and place.table in tables
            permission = place.label == "auth.Permission"
            what = f'{place.label} is migrated on "{self._alias}" with a foreign key to '
            if not is_stored(target.model) and self._families.are_one(self._alias, target.write):
                # A migration may make it by SQL: that is known only when it has run.
                yield (
                    f"{what}{target.label}, whose table is not there and is none that Django "
                    "makes: see that it is made first",
                    True,
                )
                continue
            elsewhere = some(target.migrate) or "nowhere"
            yield (
                f"{what}{target.label}, which is migrated on {elsewhere}: route both to one "
                + (
                    "database, since Django makes permissions after each migrate"
                    if permission
                    else "database, or set db_constraint=False"
                ),
                made and not permission,
            )

    def _crossings(self) -> Iterator[str]:
        """Relations to another database, but those that a constraint's sentence is about."""
        for place, target, constrained in self._relations():
            told = constrained and place.migrate - target.migrate
            if not told and not self._belong_together(place.write, target.write):
                yield (
                    f"{place.label} (in {place.write}) refers to {target.label} (in "
                    f"{target.write}): no database can check or join across the two; if that is "
                    "meant, name both in `relations` of a policy"
                )

    def _relations(self) -> Iterator[Relation]:
        """Yield foreign keys, one-to-one keys (also to parents) and generic relations.

        Many-to-many fields are the foreign keys of their join tables.
        """
        for place in self.places:
            meta = place.model._meta
            fields = (*getattr(meta, "local_fields", ()), *getattr(meta, "private_fields", ()))
            for field in fields:
                related = getattr(getattr(field, "remote_field", None), "model", None)
                target = self.places.of(related) if hasattr(related, "_meta") else None
                if target is not None:
                    makes = is_stored(place.model) and getattr(field, "db_constraint", False)
                    yield Relation(place, target, bool(makes))

    def _belong_together(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None or self._families.are_one(one, other):
            return True
        return any(policy.relates(one, other) for policy in self.places.policies)

    def _unmatched(self) -> Iterator[str]:
        def is_unclaimed(place: Place) -> bool:
            return not (place.claimed or place.refusal or is_empty(self._entry(place.write)))

        for app, places in self._grouped(is_unclaimed):
            homes = some({str(place.write) for place in places})
            yield (
                f"no rule claims {some(p.label for p in places)}: these models of {app} go to "
                f"{homes}; add `apps: [{app}]` to a rule, or leave it to `routing.unmatched`"
            )

    def _entry(self, alias: str | None) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = self._databases.get(alias or "", {})
        return entry

    def _grouped(self, condition: Callable[[Place], bool]) -> Iterator[tuple[str, list[Place]]]:
        groups: dict[str, list[Place]] = {}
        for place in self.places:
            if condition(place):
                groups.setdefault(place.app, []).append(place)
        yield from sorted(groups.items())
