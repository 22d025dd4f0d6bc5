"""Secrets and ConfigMaps that aliases refer to, as they were found in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from dbalias.api.alias import TLS, DatabaseAlias, ObjectKeyRef
from dbalias.api.secrets import SecretBytes


class SourceKind(StrEnum):
    """What an alias may read values from."""

    SECRET = "Secret"  # noqa: S105  (the name of a kind)
    CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True, slots=True, order=True)
class SourceRef:
    """A Secret or ConfigMap of the alias' own namespace.

    ``namespace`` is set for one thing alone, the CA that a DatabaseServer of another namespace
    lends to those that it admits: no field of an alias can name one.
    """

    kind: SourceKind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        where = f" of namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind.value} {self.name}{where}"


@dataclass(frozen=True, slots=True)
class Found:
    """The decoded data of a Secret or ConfigMap, and since when it stands as it is."""

    data: Mapping[str, SecretBytes]
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The object does not exist; it may yet appear."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The object could not be read; ``why`` is in our own words, never the server's."""

    why: str


SourceState: TypeAlias = Found | Missing | Unavailable
Sources: TypeAlias = Mapping[SourceRef, SourceState]


def secret_ref(name: str) -> SourceRef:
    """Return the reference to a Secret of the same namespace."""
    return SourceRef(SourceKind.SECRET, name)


def key_ref(ref: ObjectKeyRef) -> SourceRef:
    """Return the reference to the object that a key is of."""
    return SourceRef(SourceKind(ref.kind), ref.name, ref.namespace or "")


def required_sources(aliases: Iterable[DatabaseAlias]) -> frozenset[SourceRef]:
    """Return every Secret and ConfigMap that resolving these aliases needs."""
    return frozenset(ref for alias in aliases for ref in _references(alias))


def _references(alias: DatabaseAlias) -> Iterator[SourceRef]:
    if alias.credentials:
        yield secret_ref(alias.credentials.secret)
    if alias.migrate.connection and alias.migrate.connection.credentials:
        yield secret_ref(alias.migrate.connection.credentials.secret)
    if alias.test_password:
        yield secret_ref(alias.test_password.name)
    if alias.tls:
        yield from _tls_references(alias.tls)


def _tls_references(tls: TLS) -> Iterator[SourceRef]:
    if tls.ca:
        yield key_ref(tls.ca)
    if tls.client_certificate:
        yield secret_ref(tls.client_certificate)
