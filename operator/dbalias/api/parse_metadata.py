"""Reading ``metadata`` and the envelope of an object of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api import limits
from dbalias.api.conditions import parse_timestamp
from dbalias.api.meta import (
    API_VERSION,
    FIELD_MANAGER,
    JSON,
    SERVERS_FIELD_MANAGER,
    Kind,
    Metadata,
)
from dbalias.api.reader import Reader
from dbalias.api.shapes import Record

_OURS = (FIELD_MANAGER, SERVERS_FIELD_MANAGER)
_ENVELOPE = ("apiVersion", "kind", "metadata", "spec", "status")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One object split open: ``spec`` holds only what has the right shape."""

    reader: Reader
    metadata: Metadata
    spec: Mapping[str, JSON]
    status: Mapping[str, JSON]


def open_envelope(body: JSON, *, kind: Kind, spec: Record) -> Envelope:
    """Read what all kinds share; what is wrong is in the returned ``reader``."""
    body = body if isinstance(body, Mapping) else {}
    metadata = _table(body.get("metadata"))
    reader = Reader(f"{kind}/{_text(metadata.get('name')) or '?'}")
    for name in body.keys() - set(_ENVELOPE):
        reader.refuse_unknown(str(name), _ENVELOPE, at=str(name))
    reader.demand(
        body.get("apiVersion") == API_VERSION,
        "apiVersion",
        "apiVersion is not known",
        f"Write {API_VERSION}",
    )
    reader.demand(body.get("kind") == kind, "kind", "kind is not known", f"Write {kind}")
    _demand_name(reader, metadata.get("name"))
    declared = body.get("spec")
    reader.demand(declared is not None, "spec", "spec is missing", "Write spec, at least {}")
    read = reader.read(declared, spec, at="spec") if declared is not None else None
    return Envelope(reader, parse_metadata(metadata), read or {}, _table(body.get("status")))


def parse_metadata(metadata: Mapping[str, JSON]) -> Metadata:
    """Return the part that decisions use; what a file lacks (uid, times) stays empty."""
    created = _time(metadata.get("creationTimestamp"))
    return Metadata(
        namespace=_text(metadata.get("namespace")),
        name=_text(metadata.get("name")),
        uid=_text(metadata.get("uid")),
        generation=metadata.get("generation") or 0,
        resource_version=_text(metadata.get("resourceVersion")),
        created_at=created,
        changed_at=max(_declared_at(created, _list(metadata.get("managedFields"))), default=None),
        deleted_at=_time(metadata.get("deletionTimestamp")),
        finalizers=tuple(map(_text, _list(metadata.get("finalizers")))),
        annotations=_table(metadata.get("annotations")),
        labels=_table(metadata.get("labels")),
    )


def _declared_at(created: datetime | None, managed_fields: Iterable[JSON]) -> Iterator[datetime]:
    if created:
        yield created
    for entry in map(_table, managed_fields):
        ours = entry.get("manager") in _OURS or entry.get("subresource") == "status"
        time = None if ours else _time(entry.get("time"))
        if time:
            yield time


def _demand_name(reader: Reader, name: JSON) -> None:
    reader.demand(
        isinstance(name, str)
        and len(name) <= limits.OBJECT_NAME_LENGTH
        and re.fullmatch(limits.SUBDOMAIN, name) is not None,
        "metadata.name",
        "metadata.name is not a legal name",
        "Write at most 253 lower-case letters, digits, - and .",
    )


def _table(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _time(value: JSON) -> datetime | None:
    """Return a time; a file may hold one without quotes, which YAML has read already."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return parse_timestamp(_text(value))
    except ValueError:
        return None
