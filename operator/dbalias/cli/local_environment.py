"""Credentials and addresses from the environment: what is said there replaces what is declared.

``DBALIAS_<ALIAS>_<FIELD>`` with the alias in capitals, every character that no variable can have
as an underscore, and FIELD one of USER, PASSWORD, HOST, PORT, NAME, URL. An alias with any of them
is migrated over the same connection; a URL replaces its TLS settings as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dbalias.api.alias import Credentials, DatabaseAlias, Preset
from dbalias.api.secrets import SecretBytes
from dbalias.api.urls import parse_url, render_url
from dbalias.cli.offline import STAND_IN, Reference, Scene, references_of
from dbalias.django.credentials import PRESET_KEYS
from dbalias.django.sources import Found, SourceRef, Sources, secret_ref

FIELDS = ("user", "password", "host", "port", "name", "url")
_VARIABLE = re.compile(rf"DBALIAS_(.+)_({'|'.join(FIELDS).upper()})")

Values = Mapping[str, SecretBytes]


@dataclass(frozen=True, slots=True)
class Environment:
    """What the variables give: alias → field → value, and what is wrong with them."""

    values: Mapping[str, Values]
    problems: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    """Variables of this form that fit no alias."""


def variable(alias: str, field: str) -> str:
    """Return the name of the variable for a field of an alias."""
    return f"DBALIAS_{re.sub(r'[^A-Z0-9_]', '_', alias.upper())}_{field.upper()}"


def is_credential(name: str) -> bool:
    """Return whether a variable has the form that may carry a credential."""
    return _VARIABLE.fullmatch(name) is not None


def read_environment(env: Mapping[str, str], aliases: Iterable[DatabaseAlias]) -> Environment:
    """Return what an environment says about these aliases."""
    declared = {alias.alias: alias for alias in aliases}
    owners: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(declared):
        for field in FIELDS:
            owners.setdefault(variable(name, field), []).append((name, field))
    values: dict[str, dict[str, SecretBytes]] = {}
    problems = []
    for name in sorted(owners.keys() & env.keys()):
        for alias, field in owners[name]:
            values.setdefault(alias, {})[field] = SecretBytes(os.fsencode(env[name]))
        if len(owners[name]) > 1:
            both = " and ".join(alias for alias, _ in owners[name])
            problems.append(f"{name} stands for {both}: use Secret manifests for these")
    for alias, given in values.items():
        problems += _contradictions(declared[alias], given)
    strangers = tuple(sorted(n for n in env if is_credential(n) and n not in owners))
    return Environment(values, tuple(problems), strangers)


def overlay(scene: Scene, values: Mapping[str, Values]) -> Scene:
    """Return a scene in which the environment's values are declared."""
    sources: dict[SourceRef, Found] = {}
    aliases = []
    for declared in scene.snapshot.aliases:
        given = values.get(declared.alias)
        if not given:
            aliases.append(declared)
            continue
        alias, secret = _overlaid(declared, given, scene.snapshot.sources)
        aliases.append(alias)
        if alias.credentials:
            sources[secret_ref(alias.credentials.secret)] = secret
    known: Sources = {**scene.snapshot.sources, **sources}
    served = {alias.metadata.name: alias.server for alias in aliases if alias.server}
    hindered = {name: why for name, why in scene.snapshot.hindered.items() if name in served}
    snapshot = replace(scene.snapshot, aliases=tuple(aliases), hindered=hindered, sources=known)
    needed = {reference.source for alias in aliases for reference in references_of(alias)}
    return replace(
        scene,
        snapshot=snapshot,
        missing=scene.missing & needed,
        servers=scene.servers & set(served.values()),
    )


def missing_fields(
    scene: Scene,
) -> Iterator[tuple[DatabaseAlias, Reference, tuple[str, ...]]]:
    """Yield each reference that nothing fills, with its alias and the fields that it lacks."""
    for alias in scene.snapshot.aliases:
        for reference in references_of(alias):
            state = scene.snapshot.sources.get(reference.source)
            data = state.data if isinstance(state, Found) else {}
            lost = {key for key, value in data.items() if value.reveal() == STAND_IN}
            if reference.source in scene.missing or lost:
                keys = _keys(alias.credentials, data, user=alias.user) if alias.credentials else {}
                yield alias, reference, tuple(name for name, key in keys.items() if key in lost)


def _contradictions(alias: DatabaseAlias, given: Values) -> Iterator[str]:
    names = [variable(alias.alias, field) for field in FIELDS if field in given]
    if alias.empty:
        yield f"{names[0]} is set, and the alias {alias.alias} is intentionally empty: unset it"
    elif "url" in given and len(given) > 1:
        yield f"{' and '.join(names)} are set: the URL says everything, unset the others"


def _overlaid(
    declared: DatabaseAlias, given: Values, sources: Sources
) -> tuple[DatabaseAlias, Found]:
    """Return an alias with the values in it, and the Secret that it then refers to."""
    own = f"environment of {declared.alias}"  # no name of an object: it cannot meet one
    alias = replace(declared, migrate=replace(declared.migrate, connection=None))
    if "host" in given or "url" in given:
        alias = replace(alias, server=None)
    if "url" in given:
        key = variable(alias.alias, "url")
        credentials = Credentials(own, keys={"url": key})
        alias = replace(alias, host=None, port=None, user=None, name=None, tls=None)
        return replace(alias, credentials=credentials), Found({key: given["url"]})
    state = sources.get(secret_ref(alias.credentials.secret)) if alias.credentials else None
    if alias.credentials and isinstance(state, Found):
        credentials = replace(alias.credentials, secret=own)
        data, rest = _with_values(alias, state.data, given)
    else:
        credentials, data, rest = Credentials(own), {}, dict(given)
    if password := rest.pop("password", None):
        key = variable(alias.alias, "password")
        credentials = replace(credentials, keys={**credentials.keys, "password": key})
        data = {**data, key: password}
    plain: dict[str, Any] = {field: _text(value) for field, value in rest.items()}
    return replace(alias, **plain, credentials=credentials if data else None), Found(data)


def _with_values(
    alias: DatabaseAlias, data: Values, given: Values
) -> tuple[Values, dict[str, SecretBytes]]:
    """Return a Secret's data with the values where it holds them, and the values left over."""
    assert alias.credentials is not None
    keys = _keys(alias.credentials, data, user=alias.user)
    if "url" in keys:
        return {**data, keys["url"]: _changed_url(data[keys["url"]], given)}, {}
    placed = {keys[field]: value for field, value in given.items() if field in keys}
    rest = {field: value for field, value in given.items() if field not in keys}
    return {**data, **placed}, rest


def _keys(credentials: Credentials, data: Values, *, user: str | None) -> Mapping[str, str]:
    """Return which key of its Secret each field is read from; ``user`` is the alias' own."""
    match credentials.preset:
        case Preset.URL:
            return {"url": "url" if "url" in data else "uri"}
        case None if credentials.keys:
            return credentials.keys
        case None:
            named = {"user": "username"} if user is None and "username" in data else {}
            return {**named, "password": "password"}
        case preset:
            return PRESET_KEYS[preset]


def _changed_url(url: SecretBytes, given: Values) -> SecretBytes:
    parsed = parse_url(url.reveal().decode(errors="replace").strip())
    if parsed is None:
        return url
    texts = {field: _text(value) for field, value in given.items()}
    fields = {**parsed.fields, **texts}
    return SecretBytes(render_url(parsed.scheme, fields, query=parsed.query).encode())


def _text(value: SecretBytes) -> str:
    return os.fsdecode(value.reveal())
