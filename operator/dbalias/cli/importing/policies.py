"""An understood router as the rules and relations of a DatabaseRoutingPolicy."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from dbalias.api.limits import IDENTIFIER
from dbalias.api.meta import JSON
from dbalias.cli.importing.router_source import ModelName, NotUnderstoodError, Pool, Router, Subject
from dbalias.cli.importing.shapes import ask

ANY = "\0any"
"""Stands for every name that a router does not mention."""

MOST_NAMES = 400
MOST_QUESTIONS = 50_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a router puts a model. ``migrate`` has its word for each alias, None for none."""

    read: tuple[str, ...] = ()
    write: str | None = None
    migrate: tuple[bool | None, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether the router has no opinion at all."""
        return not self.read and self.write is None and set(self.migrate) <= {None}


@dataclass(frozen=True, slots=True)
class Found:
    """What a router answers: app or ``app.model`` → answer, with ``*`` for all else."""

    aliases: tuple[str, ...]
    answers: Mapping[str, Answer]
    relations: tuple[tuple[str, ...], ...]

    @property
    def written(self) -> frozenset[str]:
        """The aliases that take writes."""
        return frozenset(one.write for one in self.answers.values() if one.write is not None)

    @property
    def only_read(self) -> frozenset[str]:
        """The aliases of pools that take no writes."""
        return (
            frozenset(alias for one in self.answers.values() for alias in one.read) - self.written
        )


def find_rules(router: Router, aliases: Sequence[str]) -> Found:
    """Return what a router answers about every name it mentions, or raise NotUnderstoodError."""
    names = _mentioned(router, aliases)
    asker = _Asker(router, tuple(aliases))
    answers: dict[str, Answer] = {}
    otherwise = asker.answer(ANY, ANY)
    for app in sorted(name for name in names if re.fullmatch(IDENTIFIER, name)):
        found = asker.answer(app, ANY)
        if found != otherwise:
            answers[app] = found
    models = dict(_models(asker, names, answers, otherwise))
    opinions = [one for one in (*answers.values(), *models.values()) if one.is_none]
    if opinions:
        raise NotUnderstoodError("it leaves out some of what it claims otherwise")
    if not otherwise.is_none:
        answers["*"] = otherwise
    if not answers and not models:
        raise NotUnderstoodError("it claims nothing")
    found_all = {**models, **answers}
    return Found(tuple(aliases), found_all, tuple(_relations(asker, found_all)))


def build_spec(found: Found, never: Iterable[str]) -> dict[str, JSON]:
    """Return the rules and relations of a policy; ``never``: aliases that are not migrated."""
    grouped: dict[tuple[int, Answer], list[str]] = {}
    for name, answer in sorted(found.answers.items(), key=lambda item: _rank(item[0])):
        grouped.setdefault((_rank(name), answer), []).append(name)
    spec: dict[str, JSON] = {
        "rules": [
            _rule(names, answer, found.aliases, frozenset(never))
            for (_, answer), names in grouped.items()
        ]
    }
    if found.relations:
        spec["relations"] = [{"aliases": list(group)} for group in found.relations]
    return spec


def _rank(name: str) -> int:
    """Return the place of a rule: the first that matches decides, so the narrower come first."""
    return 2 if name == "*" else 0 if "." in name else 1


def _rule(
    names: Sequence[str], answer: Answer, aliases: Sequence[str], never: frozenset[str]
) -> dict[str, JSON]:
    match = {
        "apps": [name for name in names if "." not in name],
        "models": [name for name in names if "." in name],
    }
    rule: dict[str, JSON] = {"match": {key: value for key, value in match.items() if value}}
    counts = Counter(answer.read)
    if list(counts) != [answer.write]:
        rule["read"] = list(counts)
    if max(counts.values()) > 1:
        rule["weights"] = {alias: count for alias, count in counts.items() if count > 1}
    rule["write"] = answer.write
    # None leaves it to Django, which allows.
    allowed = [a for a, word in zip(aliases, answer.migrate, strict=True) if word is not False]
    migrated = [alias for alias in allowed if alias not in never]
    if not migrated:
        rule["migrate"] = {"to": "Nowhere"}
    elif migrated != [answer.write]:
        rule["migrate"] = {"to": "Aliases", "aliases": migrated}
    return rule


class _Asker:
    """Asks a router, and demands answers that a rule can hold."""

    def __init__(self, router: Router, aliases: tuple[str, ...]) -> None:
        self.router = router
        self.aliases = aliases
        self._left = MOST_QUESTIONS

    def answer(self, app: str, model: str) -> Answer:
        """Return where a model goes."""
        subject = Subject(app, model)
        read = self._pool(self._ask("db_for_read", subject))
        write = self._ask("db_for_write", subject)
        if write is not None and write not in self.aliases:
            raise NotUnderstoodError("it writes to what is no alias, or to one of several")
        name = ModelName(model)
        words = tuple(self._truth("allow_migrate", alias, app, name) for alias in self.aliases)
        answer = Answer(read, write, words)
        if bool(read) is not (write is not None):
            raise NotUnderstoodError("it routes reads without writes, or writes without reads")
        if write is None and not answer.is_none:
            raise NotUnderstoodError("it allows or forbids migrations of what it does not route")
        return answer

    def relates(self, one: Subject, other: Subject) -> bool:
        """Return whether a relation is allowed in so many words."""
        return self._truth("allow_relation", one, other) is True

    def _pool(self, answer: Any) -> tuple[str, ...]:
        if answer is None:
            return ()
        pool = answer.aliases if isinstance(answer, Pool) else (answer,)
        if not set(pool) <= set(self.aliases):
            raise NotUnderstoodError("it reads from what is no alias")
        return tuple(pool)

    def _truth(self, method: str, *arguments: Any) -> bool | None:
        answer = self._ask(method, *arguments)
        if answer is not None and not isinstance(answer, bool):
            raise NotUnderstoodError(f"{method} answers neither True, False nor None")
        return answer

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise NotUnderstoodError("it mentions more names than can be asked about")
        return ask(self.router, method, *arguments)


def _models(
    asker: _Asker, names: Iterable[str], apps: Mapping[str, Answer], otherwise: Answer
) -> Iterator[tuple[str, Answer]]:
    """Yield ``app.model`` → answer for models that go elsewhere than their app."""
    if not _looks_at_models(asker.router):
        return
    plain = [name for name in names if "." not in name]
    pairs = {*product((*plain, ANY), (name.lower() for name in plain))}
    pairs |= {(name.partition(".")[0], name.partition(".")[2]) for name in names if "." in name}
    for app, model in sorted(pairs):
        found = asker.answer(app, model)
        if found != apps.get(app, otherwise):
            if app == ANY:
                raise NotUnderstoodError("it knows a model by its name in whatever app")
            yield f"{app}.{model}", found


def _looks_at_models(router: Router) -> bool:
    read = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for kind in router.classes
        for node in kind.nodes()
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return bool(read & {"model_name", "label_lower"})


def _relations(asker: _Asker, answers: Mapping[str, Answer]) -> Iterator[tuple[str, ...]]:
    """Yield the sets of aliases between which relations are allowed, beyond those of one pool."""
    homes = {name: {*one.read, str(one.write)} for name, one in answers.items()}
    homes.setdefault("*", set(asker.aliases))
    subjects = [
        Subject(*_named(name), alias) for name, places in homes.items() for alias in sorted(places)
    ]
    pools = [home for name, home in homes.items() if name in answers]
    related = {
        frozenset((str(one.database), str(other.database)))
        for one, other in product(subjects, subjects)
        if one.database != other.database and asker.relates(one, other)
    }
    apart = [pair for pair in related if not any(pair <= pool for pool in pools)]
    groups: list[set[str]] = []
    for pair in sorted(sorted(pair) for pair in apart):
        for group in groups:
            if all(frozenset(two) in related for two in combinations({*group, *pair}, 2)):
                group.update(pair)
                break
        else:
            groups.append(set(pair))
    yield from (tuple(sorted(group)) for group in groups)


def _named(name: str) -> tuple[str, str]:
    app, _, model = name.partition(".")
    return (ANY, ANY) if name == "*" else (app, model or ANY)


def _mentioned(router: Router, aliases: Iterable[str]) -> frozenset[str]:
    """Return every text that a router could compare a name with."""
    names = set(aliases)
    for kind in router.classes:
        words = {node.id for node in kind.nodes() if isinstance(node, ast.Name)}
        names |= {
            node.value
            for node in kind.nodes()
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        constants = [value for name, value in kind.names.items() if name in words]
        names |= set(_texts([*constants, *kind.settings.values()]))
    names |= set(_texts([*router.attributes.values()]))
    short = {name for name in names if re.fullmatch(rf"{IDENTIFIER}(\.{IDENTIFIER})?", name)}
    if len(short) > MOST_NAMES:
        raise NotUnderstoodError("it mentions more names than can be asked about")
    return frozenset(short)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from _texts([*value.keys(), *value.values()])
        case list() | tuple() | frozenset():
            for item in value:
                yield from _texts(item)
