"""Builders of declared values: each call names only what its test is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dbalias.api.alias import Credentials, DatabaseAlias, Preset, Role
from dbalias.api.meta import Metadata
from dbalias.api.policy import DatabaseRoutingPolicy, Match, Rule
from dbalias.api.project import DjangoProject
from dbalias.api.secrets import SecretBytes
from dbalias.django.sources import Found, SourceKind, SourceRef, SourceState

NAMESPACE = "shop"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def a_metadata(name: str, *, age: int = 0, **fields: Any) -> Metadata:
    """Return metadata of an object created ``age`` seconds before the others."""
    created = BEGINNING - timedelta(seconds=age)
    given: dict[str, Any] = {"uid": f"uid-{name}", "generation": 1}
    given |= {"created_at": created, "changed_at": created}
    return Metadata(namespace=NAMESPACE, name=name, **(given | fields))


def a_project(name: str = "shop", **fields: Any) -> DjangoProject:
    """Return a DjangoProject with an image and nothing else."""
    return DjangoProject(metadata=a_metadata(name), **({"image": "shop:1"} | fields))


def an_alias(alias: str = "users", **fields: Any) -> DatabaseAlias:
    """Return a DatabaseAlias: a PostgreSQL database with a declared login, no Secret.

    ``object``: the object's name, the alias itself unless given; ``age``: as in a_metadata.
    """
    metadata = a_metadata(fields.pop("object", alias), age=fields.pop("age", 0))
    given = {"engine": "postgresql", "name": f"{alias}_data", "user": f"{alias}_user"}
    return DatabaseAlias(metadata=metadata, project="shop", alias=alias, **(given | fields))


def a_child(alias: str, parent: str, **fields: Any) -> DatabaseAlias:
    """Return an alias that has nothing of its own but what is given."""
    return DatabaseAlias(
        metadata=a_metadata(alias), project="shop", alias=alias, inherit_from=parent, **fields
    )


def a_replica(alias: str, parent: str, **fields: Any) -> DatabaseAlias:
    """Return a replica of another alias."""
    return a_child(alias, parent, role=Role.REPLICA, **({"host": f"{alias}.db"} | fields))


def an_empty_default() -> DatabaseAlias:
    """Return the alias default, empty on purpose."""
    return DatabaseAlias(
        metadata=a_metadata("default"), project="shop", alias="default", empty=True
    )


def a_policy(name: str = "auth", *rules: Rule, **fields: Any) -> DatabaseRoutingPolicy:
    """Return a policy with these rules."""
    return DatabaseRoutingPolicy(metadata=a_metadata(name), project="shop", rules=rules, **fields)


def a_rule(write: str, *matched: str, **fields: Any) -> Rule:
    """Return a rule for apps and, where a name has a dot, models."""
    apps = tuple(name for name in matched if "." not in name)
    models = tuple(name for name in matched if "." in name)
    return Rule(match=Match(apps=apps, models=models), write=write, **fields)


def credentials(secret: str = "login", preset: str | None = None, **keys: str) -> Credentials:
    """Return a reference to a Secret, by preset or by keys."""
    return Credentials(secret, Preset(preset) if preset else None, keys)


def a_secret(name: str = "login", **data: str | bytes) -> dict[SourceRef, SourceState]:
    """Return the sources that hold one Secret; keys with a dot are spelled with ``__``."""
    return {SourceRef(SourceKind.SECRET, name): Found(_data(data))}


def a_config_map(name: str, **data: str | bytes) -> dict[SourceRef, SourceState]:
    """Return the sources that hold one ConfigMap, keys as in a_secret."""
    return {SourceRef(SourceKind.CONFIG_MAP, name): Found(_data(data))}


def _data(given: Mapping[str, str | bytes]) -> dict[str, SecretBytes]:
    return {
        key.replace("__", "."): SecretBytes(value.encode() if isinstance(value, str) else value)
        for key, value in given.items()
    }
