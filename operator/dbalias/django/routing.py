"""Routing policies as the tables that the generated routers look things up in.

Sources: Django's "Multiple databases" (routers), and ``django/db/utils.py``: the first
router that has an opinion decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dbalias.api.alias import DatabaseAlias, Role
from dbalias.api.conditions import Reason
from dbalias.api.digest import digest
from dbalias.api.meta import DEFAULT_ALIAS, JSON, Kind
from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn, PinReads, Rule
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject, MigrateMode, Unmatched
from dbalias.django.engines import Family
from dbalias.django.entries import Resolution
from dbalias.django.families import find_families
from dbalias.django.resolve import declared_family

MODULE = "dbalias_routers"
GUARD = f"{MODULE}.Guard"
UNMATCHED = f"{MODULE}.Unmatched"
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """``document`` is "routing" of databases.json; ``routers`` are dotted paths in order.

    ``problems`` are about policies; each names its object. Such a policy is in the document
    all the same: its rules stay, so that its apps never fall to ``unmatched``. ``notes`` are
    sentences about policies that work and do something unexpected, by the object's name.
    """

    document: JSON
    routers: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


def build_routing(
    project: DjangoProject,
    resolution: Resolution,
    policies: Iterable[DatabaseRoutingPolicy],
    *,
    aliases: Iterable[DatabaseAlias],
    unreadable: Collection[str] = (),
) -> RoutingResult:
    """Return the routing of a project, from declarations alone.

    Whether an alias could be resolved does not matter here, so that a Secret that vanishes
    changes no route. ``aliases`` are all of the project's; those that own their alias count.
    ``unreadable`` are further aliases, declared by objects that cannot be understood.
    """
    owned = {alias.metadata.name for alias in resolution.owners.values()}
    owners = {alias.alias: alias for alias in aliases if alias.metadata.name in owned}
    ordered = sorted(policies, key=lambda policy: (policy.order, policy.metadata.name))
    never = dict(_never_migrated(owners))
    document = {
        "guard": {"never": never},
        "apps": {
            name: list(alias.migrate.apps)
            for name, alias in sorted(owners.items())
            if alias.migrate.apps
        },
        "managed": [name for name in sorted(owners) if _is_managed(project, owners, name)],
        "empty_default": DEFAULT_ALIAS in owners and owners[DEFAULT_ALIAS].empty,
        "families": find_families(owners, ordered),
        "policies": {_class_of(policy): _tables(policy) for policy in ordered},
        "unmatched": _unmatched(project, owners, ordered).value,
        "own": {"before": list(project.routing.before), "after": list(project.routing.after)},
    }
    return RoutingResult(
        document,
        _routers(project, never, ordered),
        tuple(fault for policy in ordered for fault in _problems(policy, owners, unreadable)),
        dict(_notes(ordered, _atomic(project, owners))),
    )


def router_class_name(policy_name: str) -> str:
    """Return the name of a policy's router class: a Python identifier, one per policy."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", policy_name)
    return f"Policy_{plain}" + (f"_{digest(policy_name, 4)}" if plain != policy_name else "")


def _class_of(policy: DatabaseRoutingPolicy) -> str:
    return router_class_name(policy.metadata.name)


def _never_migrated(owners: Mapping[str, DatabaseAlias]) -> Iterator[tuple[str, str]]:
    for name, alias in sorted(owners.items()):
        if alias.empty:
            yield name, "empty"
        elif alias.role is Role.REPLICA:
            yield name, "replica"
        elif alias.migrate.mode is MigrateMode.NEVER:
            yield name, "not managed"


def _is_managed(project: DjangoProject, owners: Mapping[str, DatabaseAlias], name: str) -> bool:
    alias = owners[name]
    return (
        not alias.empty
        and alias.role is Role.PRIMARY
        and (alias.migrate.mode or project.migrate.mode) is not MigrateMode.NEVER
        and declared_family(alias, owners) is not Family.SQLITE
    )


def _unmatched(
    project: DjangoProject,
    owners: Mapping[str, DatabaseAlias],
    policies: Sequence[DatabaseRoutingPolicy],
) -> Unmatched:
    if project.routing.unmatched:
        return project.routing.unmatched
    if DEFAULT_ALIAS in owners and owners[DEFAULT_ALIAS].empty:
        return Unmatched.REFUSE
    return Unmatched.DEFAULT_ONLY if policies else Unmatched.EVERYWHERE


def _routers(
    project: DjangoProject, never: Mapping[str, str], policies: Sequence[DatabaseRoutingPolicy]
) -> tuple[str, ...]:
    before, after = project.routing.before, project.routing.after
    if not (policies or never or project.routing.unmatched):
        return (*before, *after)  # any router would change what makemigrations checks
    generated = (f"{MODULE}.{_class_of(policy)}" for policy in policies)
    return (GUARD, *before, *generated, *after, UNMATCHED)


def _tables(policy: DatabaseRoutingPolicy) -> JSON:
    """Return a policy's look-up tables: for each key the index of the first rule claiming it."""
    rules = policy.rules
    named = sorted({app for rule in rules for app in rule.match.apps} - {EVERYTHING})
    labels = sorted({label for rule in rules for label in rule.match.models})
    models = {label: _first_claim(rules, app=_app_of(label), label=label) for label in labels}
    apps = {app: _first_claim(rules, app=app) for app in named}
    everything = _first_claim(rules)
    return {
        "name": policy.metadata.name,
        "pinReads": policy.pin_reads.value,
        "rules": [_rule(rule) for rule in rules],
        "models": models,
        "apps": apps,
        "any": everything,
        "app_migrate": {
            app: _migrated_on(rules, app)
            for app in sorted({*named, *(_app_of(label) for label in labels)})
        },
        "any_migrate": None if everything is None else list(rules[everything].migrated_on),
        "relations": [list(names) for names in policy.relations],
    }


def _rule(rule: Rule) -> JSON:
    return {
        "read": list(rule.readers),
        "weights": [rule.weights.get(alias, 1) for alias in rule.readers],
        "write": rule.write,
        "migrate": list(rule.migrated_on),
    }


def _app_of(label: str) -> str:
    return label.partition(".")[0]


def _first_claim(
    rules: Sequence[Rule], *, app: str | None = None, label: str | None = None
) -> int | None:
    """Return the index of the first rule that claims all of an app, or one model of it."""
    for index, rule in enumerate(rules):
        if {EVERYTHING, app} & set(rule.match.apps) or label in rule.match.models:
            return index
    return None


def _migrated_on(rules: Sequence[Rule], app: str) -> list[str]:
    """Return where migrations without a model (RunPython, RunSQL) of an app run.

    That is wherever one of its models has its tables: rules behind the one that claims the
    whole app concern it no more.
    """
    whole = _first_claim(rules, app=app)
    last = len(rules) if whole is None else whole
    reached = [
        rule
        for index, rule in enumerate(rules[: last + 1])
        if index == whole or any(_app_of(label) == app for label in rule.match.models)
    ]
    return sorted({alias for rule in reached for alias in rule.migrated_on})


def _problems(
    policy: DatabaseRoutingPolicy,
    owners: Mapping[str, DatabaseAlias],
    unreadable: Collection[str],
) -> Iterator[Problem]:
    where = f"{Kind.POLICY.value}/{policy.metadata.name}"
    for place, name, written in _mentions(policy):
        owner = owners.get(name)
        if owner is None and name in unreadable:
            continue
        if owner is None:
            yield Problem(
                where,
                place,
                f"there is no alias {name}",
                "Declare a DatabaseAlias for it, or correct the name",
                Reason.ALIAS_NOT_FOUND,
            )
        elif owner.empty:
            yield Problem(where, place, f"{name} is empty on purpose", "Name another alias")
        elif written and owner.role is Role.REPLICA:
            message = f"{name} is a replica, which takes neither writes nor migrations"
            yield Problem(where, place, message, "Name the primary")


def _atomic(project: DjangoProject, owners: Mapping[str, DatabaseAlias]) -> frozenset[str]:
    """Return the aliases with a transaction around each request, at least in some profile."""
    changed = {
        entry.alias
        for profile in project.profiles
        for entry in profile.aliases
        if entry.changes.get("ATOMIC_REQUESTS")
    }
    everywhere = EVERYTHING in changed
    return frozenset(
        n for n, a in owners.items() if everywhere or n in changed or a.atomic_requests
    )


def _notes(
    policies: Iterable[DatabaseRoutingPolicy], atomic: frozenset[str]
) -> Iterator[tuple[str, str]]:
    for policy in policies:
        pools = (rule.write for rule in policy.rules if set(rule.readers) != {rule.write})
        pinned = sorted(atomic & set(pools)) if policy.pin_reads is PinReads.TRANSACTION else []
        if pinned:
            yield (
                policy.metadata.name,
                f"requests read no replica: with atomicRequests on {', '.join(pinned)}, "
                "pinReads Transaction keeps every read of a view there",
            )


def _mentions(policy: DatabaseRoutingPolicy) -> Iterator[tuple[str, str, bool]]:
    """Yield (field, alias, whether it is written to) for each alias that a policy names."""
    for index, rule in enumerate(policy.rules):
        where = f"spec.rules[{index}]"
        yield f"{where}.write", rule.write, True
        for name in rule.read:
            yield f"{where}.read", name, False
        if rule.migrate_on is MigrateOn.ALIASES:
            for name in rule.migrate_aliases:
                yield f"{where}.migrate.aliases", name, True
    for index, names in enumerate(policy.relations):
        for name in names:
            yield f"spec.relations[{index}].aliases", name, False
