"""Families of aliases: those that hold the same rows, so that relations among them are fine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dbalias.api.alias import DatabaseAlias, Role
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.django.credentials import ADDRESS_FIELDS, declared_fields


def find_families(
    owners: Mapping[str, DatabaseAlias], policies: Iterable[DatabaseRoutingPolicy]
) -> dict[str, str]:
    """Return alias → representative of its family.

    An alias belongs with what it is read for, and with what it inherits from unless that only
    lends it a server or a login: a primary with an address of its own holds other rows, and so
    does one with a search_path of its own, whose tables lie in another schema.
    """
    leader = {name: name for name in sorted(owners)}
    for name, alias in sorted(owners.items()):
        if alias.role is Role.REPLICA or not _has_address(alias):
            _join(leader, name, alias.inherit_from)
    for policy in policies:
        for rule in policy.rules:
            for reader in rule.readers:
                _join(leader, reader, rule.write)
    return {name: _lead(leader, name) for name in leader}


def _has_address(alias: DatabaseAlias) -> bool:
    read = declared_fields(alias.credentials) if alias.credentials else frozenset()
    own = any(name in read or getattr(alias, name) is not None for name in ADDRESS_FIELDS)
    return own or alias.server is not None or "search_path" in str(alias.options.get("options"))


def _join(leader: dict[str, str], member: str, head: str | None) -> None:
    if head in leader and member in leader:
        leader[_lead(leader, member)] = _lead(leader, head)


def _lead(leader: Mapping[str, str], name: str) -> str:
    while leader[name] != name:
        name = leader[name]
    return name
