"""Reading an object of any of our kinds."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import API_VERSION, GROUP, JSON, Kind
from dbalias.api.parse_alias import parse_alias
from dbalias.api.parse_policy import parse_policy
from dbalias.api.parse_project import parse_project
from dbalias.api.parse_server import parse_server
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.problems import Parsed, Problem
from dbalias.api.project import DjangoProject
from dbalias.api.server import DatabaseServer

__all__ = [
    "is_ours",
    "parse_alias",
    "parse_object",
    "parse_policy",
    "parse_project",
    "parse_server",
]


def is_ours(body: JSON) -> bool:
    """Tell whether ``body`` claims to be of our API group, in whatever version."""
    version = body.get("apiVersion") if isinstance(body, Mapping) else None
    return isinstance(version, str) and version.split("/")[0] == GROUP


def parse_object(
    body: JSON,
) -> (
    Parsed[DjangoProject]
    | Parsed[DatabaseAlias]
    | Parsed[DatabaseRoutingPolicy]
    | Parsed[DatabaseServer]
):
    """Return what ``body`` declares by its kind, or every problem that it has."""
    kind = body.get("kind") if isinstance(body, Mapping) else None
    match kind:
        case Kind.PROJECT.value:
            return parse_project(body)
        case Kind.ALIAS.value:
            return parse_alias(body)
        case Kind.POLICY.value:
            return parse_policy(body)
        case Kind.SERVER.value:
            return parse_server(body)
    problem = Problem(
        str(kind or "object"),
        "kind",
        "this kind is not known",
        f"Write {', '.join(Kind)} of {API_VERSION}",
    )
    return Parsed(None, (problem,))
