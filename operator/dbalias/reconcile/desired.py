"""What should be, as far as the declared objects and their sources can say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dbalias.api.conditions import STALLING, Reason
from dbalias.api.meta import DEFAULT_ALIAS, JSON, Kind
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject
from dbalias.api.secrets import SecretBytes
from dbalias.django.artefact import (
    Artefact,
    build_artefact,
    check_size,
    migrate_secret_data,
    needed_files,
    with_revision,
)
from dbalias.django.entries import Resolution
from dbalias.django.resolve import resolve
from dbalias.django.routing import RoutingResult, build_routing
from dbalias.reconcile.names import SALT, migrate_secret_name, stable_name
from dbalias.reconcile.provisioned import unbound
from dbalias.reconcile.snapshot import PublishedConfigMap, PublishedSecret, Snapshot

DOCUMENT = "databases.json"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing more is published or started for the whole project."""

    reason: Reason
    message: str
    stalled: bool


@dataclass(frozen=True, slots=True)
class Desired:
    """The artefact that the declared objects come to, and what stands in its way.

    ``published`` is the document that applications mount now, None when there is none;
    ``last_good`` is what of it can still be kept: an entry whose files are lost with the
    published Secret would keep every process from starting. ``tried`` are the objects whose
    logins the pass over their server tries.
    """

    project: DjangoProject
    resolution: Resolution
    routing: RoutingResult
    artefact: Artefact
    published: JSON | None
    last_good: JSON | None
    salt: str
    migrate_secret: Mapping[str, SecretBytes]
    hold: Hold | None
    tried: frozenset[str]
    kept: frozenset[str]
    """The aliases that cannot be resolved and keep their last published entry."""


def build_desired(snapshot: Snapshot) -> Desired:
    """Compute what a snapshot's objects ask for; the project is there and understood."""
    project = snapshot.project
    assert isinstance(project, DjangoProject)
    published = published_document(snapshot.config_map)
    hindered = {**unbound(snapshot.aliases, snapshot.sources), **snapshot.hindered}
    resolution = resolve(project, snapshot.aliases, snapshot.sources, hindered=hindered)
    resolution = _with_broken(resolution, snapshot)
    owners = resolution.owners.values()
    routing = build_routing(
        project,
        resolution,
        snapshot.policies,
        aliases=owners,
        unreadable=[one.alias for one in snapshot.broken if one.alias],
    )
    last_good = _readable(published, resolution, own_data(snapshot.secret))
    artefact = build_artefact(project, resolution, routing, published=last_good)
    migrate_secret = migrate_secret_data(resolution, published=own_data(snapshot.migrate_secret))
    return Desired(
        project=project,
        resolution=resolution,
        routing=routing,
        artefact=artefact,
        published=published,
        last_good=last_good,
        salt=_salt(snapshot),
        migrate_secret=migrate_secret,
        hold=_find_hold(snapshot, routing.problems, artefact)
        or _taken(snapshot, needs_migrate_secret=bool(migrate_secret)),
        tried=snapshot.tried,
        kept=frozenset(resolution.problems.keys() & (published or {}).get("databases", {}).keys()),
    )


def published_document(config_map: PublishedConfigMap | None) -> JSON | None:
    """Return the document of our own ConfigMap; None when it is absent, foreign or damaged."""
    if config_map is None or not config_map.ours:
        return None
    try:
        document = json.loads(config_map.data.get(DOCUMENT, ""))
    except ValueError:
        return None
    # An edited document is no memory of what was published: its revision gives it away.
    genuine = isinstance(document, dict) and with_revision(document) == document
    return document if genuine else None


def _readable(
    published: JSON | None, resolution: Resolution, stored: Mapping[str, SecretBytes]
) -> JSON | None:
    if published is None:
        return None
    names = {name for entry in resolution.entries.values() for name in entry.secret_data}
    kept = {
        alias: entry
        for alias, entry in published["databases"].items()
        if needed_files({"databases": {alias: entry}}) <= names | stored.keys()
    }
    return {**published, "databases": kept}


def own_data(secret: PublishedSecret | None) -> Mapping[str, SecretBytes]:
    """Return the data of a Secret of ours; nothing of a foreign one."""
    return secret.data if secret is not None and secret.ours else {}


def _salt(snapshot: Snapshot) -> str:
    kept = snapshot.secret.annotations.get(SALT) if snapshot.secret else None
    return kept or snapshot.memory.salt


def _with_broken(resolution: Resolution, snapshot: Snapshot) -> Resolution:
    """Count an alias whose object cannot be understood among the unresolved ones."""
    broken = {
        one.alias: one.problems
        for one in snapshot.broken
        if one.alias and one.alias not in resolution.owners
    }
    return replace(resolution, problems={**resolution.problems, **broken})


def _find_hold(snapshot: Snapshot, routing: Iterable[Problem], artefact: Artefact) -> Hold | None:
    """Return the first reason why the set as a whole cannot be acted on."""
    broken = [p for one in snapshot.broken if one.kind is Kind.POLICY for p in one.problems]
    problems = [*broken, *routing, *_missing_default(snapshot, artefact)]
    size = check_size(artefact.document)
    if size is not None:
        problems.append(size)
    if problems:
        worst = next((p for p in problems if p.reason in STALLING), problems[0])
        return Hold(worst.reason, str(worst), worst.reason in STALLING)
    return None


def _missing_default(snapshot: Snapshot, artefact: Artefact) -> list[Problem]:
    if DEFAULT_ALIAS in artefact.document["databases"]:
        return []
    name = snapshot.key.name
    if DEFAULT_ALIAS in artefact.document.get("unavailable", {}):
        why = Reason(artefact.document["unavailable"][DEFAULT_ALIAS])
        return [
            Problem(
                object=f"DjangoProject/{name}",
                field="",
                message=f"the alias default cannot be resolved ({why.value})",
                remedy="Nothing is published without it: see the DatabaseAlias that declares it",
                reason=why if why in STALLING else Reason.DEFAULT_MISSING,
            )
        ]
    return [no_default(name)]


def no_default(project: str) -> Problem:
    """Return the problem of a project without any alias ``default``."""
    return Problem(
        object=f"{Kind.PROJECT.value}/{project}",
        field="",
        message="no DatabaseAlias declares the alias default",
        remedy="Django demands one: add it, with `empty: true` if nothing shall use it",
        reason=Reason.DEFAULT_MISSING,
    )


def _taken(snapshot: Snapshot, *, needs_migrate_secret: bool) -> Hold | None:
    key = snapshot.key.name
    places: list[tuple[str, str, PublishedConfigMap | PublishedSecret | None]] = [
        ("ConfigMap", stable_name(key), snapshot.config_map),
        ("Secret", stable_name(key), snapshot.secret),
    ]
    if needs_migrate_secret:
        places.append(("Secret", migrate_secret_name(key), snapshot.migrate_secret))
    for kind, name, found in places:
        if found is not None and not found.ours:
            if found.predecessors:
                message = f"{kind}/{name} of a deleted project of this name is being removed"
                return Hold(Reason.WAITING_FOR_OBJECTS, message, stalled=False)
            message = (
                f"{kind}/{name} exists and is not controlled by DjangoProject/{key}. "
                f"Delete or rename it: names are taken, never seized"
            )
            return Hold(Reason.NAME_TAKEN, message, stalled=True)
    return None
