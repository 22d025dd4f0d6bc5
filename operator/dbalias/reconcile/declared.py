"""Objects as they are written, in a cluster or in files, as the values that a plan reads."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON, Kind
from dbalias.api.parse_alias import parse_alias
from dbalias.api.parse_metadata import parse_metadata
from dbalias.api.parse_policy import parse_policy
from dbalias.api.parse_project import parse_project
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.problems import Problem
from dbalias.api.project import DjangoProject
from dbalias.api.secrets import SecretBytes
from dbalias.django.sources import Found
from dbalias.reconcile.snapshot import Broken, Snapshot


def with_declared(
    snapshot: Snapshot,
    project: JSON | None,
    aliases: Iterable[JSON],
    policies: Iterable[JSON],
) -> Snapshot:
    """Return the snapshot with these bodies in it, those that nobody can read as Broken.

    What is being deleted is left out: it is declared no more.
    """
    broken: list[Broken] = []
    parsed_aliases: list[DatabaseAlias] = []
    parsed_policies: list[DatabaseRoutingPolicy] = []
    for body in aliases:
        alias = parse_alias(body)
        if alias.value is None:
            broken.append(_broken(Kind.ALIAS, body, alias.problems))
        elif not alias.value.metadata.deleting:
            parsed_aliases.append(alias.value)
    for body in policies:
        policy = parse_policy(body)
        if policy.value is None:
            broken.append(_broken(Kind.POLICY, body, policy.problems))
        elif not policy.value.metadata.deleting:
            parsed_policies.append(policy.value)
    declared: DjangoProject | Broken | None = None
    if project is not None and not project["metadata"].get("deletionTimestamp"):
        parsed = parse_project(project)
        declared = parsed.value or _broken(Kind.PROJECT, project, parsed.problems)
    return replace(
        snapshot,
        project=declared,
        aliases=tuple(parsed_aliases),
        policies=tuple(parsed_policies),
        broken=tuple(broken),
    )


def read_source(body: JSON) -> Found:
    """Return what a Secret or a ConfigMap holds; raise ValueError for data that is not base64."""
    decode = decode_secret if body["kind"] == "Secret" else decode_config_map
    return Found(decode(body), parse_metadata(body["metadata"]).changed_at)


def decode_secret(body: JSON) -> dict[str, SecretBytes]:
    """Return the data of a Secret; raise ValueError for what is not base64."""
    return {k: SecretBytes(base64.b64decode(v)) for k, v in (body.get("data") or {}).items()}


def decode_config_map(body: JSON) -> dict[str, SecretBytes]:
    """Return the data of a ConfigMap, kept as carefully as a Secret's."""
    return {k: SecretBytes(v.encode()) for k, v in (body.get("data") or {}).items()}


def _broken(kind: Kind, body: JSON, problems: tuple[Problem, ...]) -> Broken:
    spec = body.get("spec") or {}
    name = str(spec.get("alias") or body["metadata"]["name"]) if kind is Kind.ALIAS else None
    return Broken(kind, parse_metadata(body["metadata"]), problems, name, body.get("status") or {})
