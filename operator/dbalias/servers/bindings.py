"""The binding Secret of a provisioned alias: what it holds, and what one that is found tells.

It is the only memory of passwords and of which login is published. Source of its keys: the
Service Binding Specification for Kubernetes 1.1, "Well-known Secret Entries".
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from dbalias.api.conditions import parse_timestamp, timestamp
from dbalias.api.meta import JSON
from dbalias.api.ownership import (
    CHECKSUM,
    MANAGED_BY,
    MANAGER,
    PROVISIONED_FOR,
    PUBLISHED_LOGIN,
    ROTATE_REQUESTED_AT,
    ROTATED_AT,
)
from dbalias.api.secrets import SecretBytes, fingerprint
from dbalias.api.server import ServerEngine
from dbalias.api.urls import render_url
from dbalias.servers.marks import Mark, parse_mark
from dbalias.servers.passwords import fault_of

CA_KEY = "ca.crt"
_TYPES = {
    ServerEngine.POSTGRESQL: "postgresql",
    ServerEngine.MYSQL: "mysql",
    ServerEngine.MARIADB: "mysql",
}
"""Consumers know MariaDB as a provider of the type mysql."""
_PORTS = {ServerEngine.POSTGRESQL: 5432, ServerEngine.MYSQL: 3306, ServerEngine.MARIADB: 3306}
_USER, _PASSWORD = "username", "password"
_REQUEST_LIMIT = 253
"""The CRD's bound on ``status.lastHandledRotateRequest``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is; ``port`` None: the engine's own, ``ca`` in PEM."""

    engine: ServerEngine
    host: str
    database: str
    port: int | None = None
    ca: bytes | None = None

    @property
    def type(self) -> str:
        """What the specification calls it."""
        return _TYPES[self.engine]


@dataclass(frozen=True, slots=True)
class Issued:
    """One login as it is published: since when, and on which request (``None``: on none).

    ``salt`` keeps the checksum from being guessed; it stays while the login does, so that a
    Secret which is made again is the same.
    """

    login: str
    password: SecretBytes
    rotated_at: datetime | None
    request: str | None = None
    salt: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding Secret as it shall be."""

    type: str
    data: Mapping[str, SecretBytes]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def is_written_in(self, body: JSON) -> bool:
        """Tell whether a Secret is just so; what others annotated or labelled is theirs."""
        metadata = body.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        return (
            _data(body) == self.data
            and self.labels.items() <= (metadata.get("labels") or {}).items()
            and all(annotations.get(name) == text for name, text in self.annotations.items())
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such Secret."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Somebody else's: it is never written. ``holder`` is another alias, where one says so."""

    holder: Mark | None


@dataclass(frozen=True, slots=True)
class Edited:
    """Ours, with a user or password that we did not write; ``version`` is the Secret's.

    ``login`` is the one that we wrote, as far as the Secret still tells.
    """

    login: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Intact:
    """Ours, with the login as it was issued; ``version`` is the Secret's."""

    issued: Issued
    version: str


Found: TypeAlias = Missing | Foreign | Edited | Intact


def binding_name(alias: str, *, readers: bool = False) -> str:
    """Return the name of the Secret of a DatabaseAlias object, or of its readers'."""
    return f"{alias}-binding-readonly" if readers else f"{alias}-binding"


def read_request(annotations: Mapping[str, str]) -> str | None:
    """Return the request as the status can hold it: anyone may write a long annotation."""
    text = annotations.get(ROTATE_REQUESTED_AT)
    return text[:_REQUEST_LIMIT] if text else None


def build_binding(place: Place, issued: Issued, mark: Mark) -> Binding:
    """Return the Secret that publishes a login."""
    annotations = {
        PROVISIONED_FOR: replace(mark, adopted=False).render(),
        PUBLISHED_LOGIN: issued.login,
        CHECKSUM: f"{issued.salt}:{_checksum(issued)}",
    }
    if issued.rotated_at:
        annotations[ROTATED_AT] = timestamp(issued.rotated_at)
    if issued.request is not None:
        annotations[ROTATE_REQUESTED_AT] = issued.request
    return Binding(
        type=_secret_type(place.engine),
        data=_binding_data(place, issued),
        labels={MANAGED_BY: MANAGER},
        annotations=annotations,
    )


def read_binding(body: JSON | None, mark: Mark, engine: ServerEngine) -> Found:
    """Return what a Secret of the wanted name is to the alias of ``mark``."""
    if body is None:
        return Missing()
    metadata = body.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    holder = parse_mark(annotations.get(PROVISIONED_FOR))
    if not holder or not holder.is_same_owner(mark) or body.get("type") != _secret_type(engine):
        return Foreign(holder)
    version = metadata.get("resourceVersion") or ""
    issued = _issued(_data(body), annotations)
    return Intact(issued, version) if issued else Edited(annotations.get(PUBLISHED_LOGIN), version)


def is_as_written(body: JSON | None, mark: Mark, place: Place) -> bool:
    """Tell whether a Secret still holds the data that was written, whatever its CA is."""
    found = read_binding(body, mark, place.engine)
    if body is None or not isinstance(found, Intact):
        return False
    data = {key: value for key, value in _data(body).items() if key != CA_KEY}
    return data == _binding_data(replace(place, ca=None), found.issued)


def _secret_type(engine: ServerEngine) -> str:
    return f"servicebinding.io/{_TYPES[engine]}"


def _binding_data(place: Place, issued: Issued) -> dict[str, SecretBytes]:
    port = str(place.port or _PORTS[place.engine])
    login = {"user": issued.login, "password": issued.password.reveal().decode()}
    address = {"host": place.host, "port": port, "name": place.database}
    texts = {
        "type": place.type,
        "provider": place.engine.value,
        "host": place.host,
        "port": port,
        "database": place.database,
        _USER: issued.login,
        "uri": render_url(place.type, login | address),
    }
    data = {key: SecretBytes(text.encode()) for key, text in texts.items()}
    data[_PASSWORD] = issued.password
    return data | ({CA_KEY: SecretBytes(place.ca)} if place.ca else {})


def _data(body: JSON) -> dict[str, SecretBytes]:
    """Return the decoded data; what is no base64 cannot come from an API server."""
    try:
        stored = (body.get("data") or {}).items()
        return {key: SecretBytes(base64.b64decode(text or "")) for key, text in stored}
    except binascii.Error:
        return {}


def _issued(data: Mapping[str, SecretBytes], annotations: Mapping[str, str]) -> Issued | None:
    """Return the login that is published, if it is the one that the checksum is of."""
    salt, _, checksum = annotations.get(CHECKSUM, "").partition(":")
    if not {_USER, _PASSWORD} <= data.keys() or fault_of(data[_PASSWORD]):
        return None
    issued = Issued(
        login=data[_USER].reveal().decode(errors="replace"),
        password=data[_PASSWORD],
        rotated_at=parse_timestamp(annotations.get(ROTATED_AT)),
        request=read_request(annotations),
        salt=salt,
    )
    return issued if _checksum(issued) == checksum else None


def _checksum(issued: Issued) -> str:
    """Return a digest of the login alone: whatever else is edited is written again beside it."""
    user = SecretBytes(issued.login.encode())
    return fingerprint(issued.salt, {_USER: user, _PASSWORD: issued.password})
