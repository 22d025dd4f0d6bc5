"""Builders of objects as Kubernetes returns them or files hold them."""

from __future__ import annotations

from typing import Any

from dbalias.api.meta import API_VERSION, Kind


def a_body(kind: Kind, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return an object of ours with this spec; metadata.name is users."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind.value,
        "metadata": {"name": "users", **metadata},
        "spec": spec,
    }


def an_alias(**fields: Any) -> dict[str, Any]:
    """Return a DatabaseAlias on MySQL with ``fields`` set."""
    spec = {"projectRef": {"name": "shop"}, "engine": "mysql", **fields}
    return a_body(Kind.ALIAS, spec)


def a_policy(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a DatabaseRoutingPolicy with these rules and ``fields`` set."""
    return a_body(Kind.POLICY, {"projectRef": {"name": "shop"}, "rules": [*rules], **fields})


def a_project(**fields: Any) -> dict[str, Any]:
    """Return a DjangoProject with ``fields`` set."""
    return a_body(Kind.PROJECT, fields)


def a_server(**fields: Any) -> dict[str, Any]:
    """Return a DatabaseServer with ``fields`` set."""
    admin = {"secretRef": {"name": "admin"}}
    return a_body(
        Kind.SERVER, {"engine": "postgresql", "host": "db", "adminCredentials": admin, **fields}
    )
