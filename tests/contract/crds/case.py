"""A case of the contract: an object, and what the API server says to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dbalias.api.meta import API_VERSION, Kind


@dataclass(frozen=True, slots=True)
class Case:
    """An object that is accepted, or refused with ``message`` at ``field``."""

    sentence: str
    kind: Kind
    spec: dict[str, Any]
    name: str = "users"
    field: str = ""
    message: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The object as it is sent."""
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind.value,
            "metadata": {"name": self.name},
            "spec": self.spec,
        }

    @property
    def id(self) -> str:
        """The sentence, for pytest."""
        return f"{self.kind}: {self.sentence}"


def an_alias_spec(**fields: Any) -> dict[str, Any]:
    """Return the spec of a legal alias with ``fields`` set; None removes one."""
    base = {"projectRef": {"name": "shop"}, "engine": "postgresql", "name": "shop"}
    return {name: value for name, value in {**base, **fields}.items() if value is not None}


def a_policy_spec(**fields: Any) -> dict[str, Any]:
    """Return the spec of a legal policy whose one rule has ``fields`` set."""
    rule = {"match": {"apps": ["auth"]}, "write": "users", **fields}
    return {"projectRef": {"name": "shop"}, "rules": [rule]}


def a_server_spec(**fields: Any) -> dict[str, Any]:
    """Return the spec of a legal server with ``fields`` set; None removes one."""
    admin = {"adminCredentials": {"secretRef": {"name": "admin"}}}
    base = {"engine": "postgresql", "host": "db", **admin}
    return {name: value for name, value in {**base, **fields}.items() if value is not None}


def a_pod_spec(**fields: Any) -> dict[str, Any]:
    """Return the spec of a project whose Jobs' pods have ``fields`` set."""
    return {"migrate": {"pod": fields}}
