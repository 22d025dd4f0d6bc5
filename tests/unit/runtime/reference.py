"""What routing means, word for word as it is documented: no tables, no short cuts, no memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbalias.api.alias import DatabaseAlias, Role
from dbalias.api.policy import DatabaseRoutingPolicy, PinReads, Rule
from dbalias.api.project import MigrateMode, Unmatched

REFUSED = "raises"
"""The answer where a look-up raises an error that names the model."""


@dataclass
class Reference:
    """A project's routing, with what is so at the moment of a question.

    ``before`` and ``after`` are routers of the project; ``written`` and ``in_transaction`` are
    aliases; ``label`` says by which name rules know a model.
    """

    policies: Sequence[DatabaseRoutingPolicy]
    aliases: Sequence[DatabaseAlias]
    unmatched: Unmatched
    label: Callable[[Any], str]
    before: Sequence[Any] = ()
    after: Sequence[Any] = ()
    unavailable: frozenset[str] = frozenset()
    written: set[str] = field(default_factory=set)
    in_transaction: frozenset[str] = frozenset()

    def reads(self, model: Any, instance: Any) -> set[str]:
        """Return every alias that may answer: one, unless a pool has several."""
        return self._first("db_for_read", model, instance, self._read)

    def writes(self, model: Any, instance: Any) -> set[str]:
        """Return the one alias that is written to."""
        return self._first("db_for_write", model, instance, self._write)

    def relates(self, one: Any, other: Any) -> bool:
        """Return whether two objects may be related."""
        pair = {one._state.db, other._state.db}
        is_one_set = any(pair <= self.set_of(alias.alias) for alias in self.aliases)
        declared = [
            {member for name in names for member in self.set_of(name)}
            for policy in self.policies
            for names in policy.relations
        ]
        if (answer := _opinion(self.before, "allow_relation", one, other)) is not None:
            return bool(answer)
        if self.policies and (is_one_set or any(pair <= names for names in declared)):
            return True
        if (answer := _opinion(self.after, "allow_relation", one, other)) is not None:
            return bool(answer)
        if self.unmatched is not Unmatched.REFUSE and is_one_set:
            return True
        return len(pair) == 1

    def migrates(self, alias: str, app: str, label: str | None) -> bool:
        """Return whether a model, or an operation of an app without one, is migrated there."""
        if self._is_never_migrated(alias):
            return False
        if (answer := _opinion(self.before, "allow_migrate", alias, app)) is not None:
            return bool(answer)
        for policy in self.policies:
            if (answer := self._allows(policy, alias, app, label)) is not None:
                return answer
        if (answer := _opinion(self.after, "allow_migrate", alias, app)) is not None:
            return bool(answer)
        if self.unmatched is Unmatched.DEFAULT_ONLY:
            return alias == "default"
        return self.unmatched is Unmatched.EVERYWHERE

    def set_of(self, alias: str) -> set[str]:
        """Return an alias with all that inherit from it or are read for it."""
        bonds = [(a.alias, a.inherit_from) for a in self.aliases if a.inherit_from]
        bonds += [(r, rule.write) for p in self.policies for rule in p.rules for r in rule.readers]
        found = {alias}
        for _ in self.aliases:
            found |= {x for bond in bonds if found & set(bond) for x in bond if x}
        return found

    def _first(self, action: str, model: Any, instance: Any, ours: Any) -> set[str]:
        if answer := _opinion(self.before, action, model):
            return {answer}
        for policy in self.policies:
            rule = _first_claim(policy, self.label(model))
            if rule is not None:
                return self._known(ours(policy, rule, instance))
        if answer := _opinion(self.after, action, model):
            return {answer}
        if self.unmatched is Unmatched.REFUSE:
            return {REFUSED}
        if self.unmatched is Unmatched.EVERYWHERE:
            return {(instance and instance._state.db) or "default"}
        own = instance and instance._state.db
        ours = self.set_of("default")
        inside = self._writable(ours) if action == "db_for_write" else ours
        return self._known({own} if own in inside else {"default"})

    def _write(self, policy: DatabaseRoutingPolicy, rule: Rule, instance: Any) -> set[str]:
        home = self._home(rule, instance)
        if policy.pin_reads is PinReads.REQUEST and home not in self.unavailable:
            self.written.add(home)
        return {home}

    def _read(self, policy: DatabaseRoutingPolicy, rule: Rule, instance: Any) -> set[str]:
        home = self._home(rule, instance)
        if policy.pin_reads is PinReads.REQUEST and home in self.written:
            return {home}
        if policy.pin_reads is PinReads.TRANSACTION and home in self.in_transaction:
            return {home}
        own = instance and instance._state.db
        if own in {*self.set_of(rule.write), *rule.migrated_on, *rule.readers}:
            return {own}
        return set(rule.readers) - self.unavailable or set(rule.readers)

    def _home(self, rule: Rule, instance: Any) -> str:
        own = instance and instance._state.db
        inside = self._writable({*self.set_of(rule.write), *rule.migrated_on})
        return str(own) if own in inside else rule.write

    def _known(self, answer: set[str]) -> set[str]:
        return {REFUSED} if answer & self.unavailable else answer

    def _writable(self, aliases: set[str]) -> set[str]:
        return aliases - {a.alias for a in self.aliases if a.role is Role.REPLICA}

    def _allows(
        self, policy: DatabaseRoutingPolicy, alias: str, app: str, label: str | None
    ) -> bool | None:
        if label is not None:
            rule = _first_claim(policy, label)
            return None if rule is None else alias in rule.migrated_on
        reached: list[Rule] = []
        for rule in policy.rules:
            if {"*", app} & set(rule.match.apps):
                return any(alias in r.migrated_on for r in (*reached, rule))
            if any(name.split(".")[0] == app for name in rule.match.models):
                reached.append(rule)
        return True if any(alias in rule.migrated_on for rule in reached) else None

    def _is_never_migrated(self, name: str) -> bool:
        (alias,) = (alias for alias in self.aliases if alias.alias == name)
        return alias.role is Role.REPLICA or alias.migrate.mode is MigrateMode.NEVER


def _first_claim(policy: DatabaseRoutingPolicy, label: str) -> Rule | None:
    """Return the first rule that names everything, the app of a model, or the model."""
    app = label.split(".", maxsplit=1)[0]
    for rule in policy.rules:
        if {"*", app} & set(rule.match.apps) or label in rule.match.models:
            return rule
    return None


def _opinion(routers: Sequence[Any], action: str, *asked: Any) -> Any:
    """Return the first opinion of routers that may lack an action, as Django asks them."""
    for router in routers:
        if (answer := getattr(router, action, lambda *_: None)(*asked)) is not None:
            return answer
    return None
