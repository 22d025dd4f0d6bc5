"""Builders of the objects that a user applies."""

from __future__ import annotations

import base64
from typing import Any

Body = dict[str, Any]


def project(name: str = "shop", **spec: Any) -> Body:
    """Return a DjangoProject; without an image nothing runs."""
    return _object("DjangoProject", name, spec)


def alias(name: str, *, of: str = "shop", secret: str | None = None, **spec: Any) -> Body:
    """Return a DatabaseAlias on PostgreSQL; its object is named ``<project>-<alias>``."""
    fields: Body = {"projectRef": {"name": of}, "alias": name}
    if not (spec.get("empty") or "inheritFrom" in spec):
        fields |= {"engine": "postgresql", "name": name, "host": "db.example", "user": "django"}
        fields |= {"credentials": {"secretRef": {"name": secret or "login"}}}
    return _object("DatabaseAlias", f"{of}-{name}", fields | spec)


def server(name: str, engine: str, *, port: int, **spec: Any) -> Body:
    """Return a DatabaseServer of this machine, whose administrator's Secret is ``admin``."""
    admin = {"secretRef": {"name": "admin"}, "preset": "BasicAuth"}
    fields = {"engine": engine, "host": "127.0.0.1", "port": port, "adminCredentials": admin}
    return _object("DatabaseServer", name, fields | spec)


def made_alias(name: str, *, on: str, of: str = "made", **provision: Any) -> Body:
    """Return a DatabaseAlias whose database is made on a server."""
    fields = {"projectRef": {"name": of}, "alias": name, "serverRef": {"name": on}}
    return _object("DatabaseAlias", f"{of}-{name}", fields | {"provision": provision})


def policy(name: str, *rules: Body, of: str = "shop", **spec: Any) -> Body:
    """Return a DatabaseRoutingPolicy."""
    return _object(
        "DatabaseRoutingPolicy", name, {"projectRef": {"name": of}, "rules": list(rules)} | spec
    )


def everything_to(write: str) -> Body:
    """Return the rule that sends every model to one alias."""
    return {"match": {"apps": ["*"]}, "write": write}


def secret(name: str = "login", **data: str) -> Body:
    """Return a Secret; by default one with a password."""
    values = data or {"password": "s3krit"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def _object(kind: str, name: str, spec: Body) -> Body:
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
