"""Where a server is and how its administrator logs in there."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbalias.api.alias import TLSMode
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import DEFAULT_CONNECTIONS, ServerEngine

DEFAULT_PORTS = {
    ServerEngine.POSTGRESQL: 5432,
    ServerEngine.MYSQL: 3306,
    ServerEngine.MARIADB: 3306,
}


@dataclass(frozen=True, slots=True)
class Certificates:
    """TLS as declared, with what the objects it names hold: PEM as bytes, never a path."""

    mode: TLSMode | None = None
    ca: bytes | None = None
    certificate: bytes | None = None
    key: SecretBytes | None = None

    @property
    def effective_mode(self) -> TLSMode:
        """The mode that holds: nobody names a CA to have it ignored."""
        return self.mode or (TLSMode.VERIFY_FULL if self.ca else TLSMode.PREFER)

    @property
    def verifies(self) -> bool:
        """Tell whether the server's certificate is checked."""
        return self.effective_mode in (TLSMode.VERIFY_CA, TLSMode.VERIFY_FULL)


@dataclass(frozen=True, slots=True)
class Address:
    """A server and a login: two that are equal can share an endpoint.

    ``database``: the one to connect to where a step names none; None is ``postgres`` on
    PostgreSQL, and no database on the others. ``max_connections``: sessions at once, idle ones
    included.
    """

    engine: ServerEngine
    host: str
    port: int
    user: str
    password: SecretBytes
    tls: Certificates = field(default_factory=Certificates)
    database: str | None = None
    max_connections: int = DEFAULT_CONNECTIONS

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
