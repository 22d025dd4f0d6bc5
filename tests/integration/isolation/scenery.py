"""What sessions are tried on: servers with TLS and little room, and places that are no servers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dbalias.api.alias import TLSMode
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address, Certificates
from dbalias.servers.endpoint import Endpoint
from dbalias.servers.plot import Plot, Session, Step, Survey
from dbalias.servers.sessions.opening import OpenSession, open_session
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.wanted import Wanted
from localkube.certificates import Authority, KeyPair
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer
from localkube.processes import children_of

QUICK = Timeouts(connect=1.0, statement=1.0)
"""For servers that hang: a test need not wait as long as an operator does."""
PATIENCE = 60.0
"""Seconds for what takes none on a machine that has time."""
PATIENT = Timeouts(connect=600, statement=600, long=600, lock=60, silence=600, idle=600)
"""Nothing ends by itself within a test, however often that is kept waiting."""
COUNT = {
    "postgresql": "SELECT count(*) FROM pg_catalog.pg_stat_activity "
    "WHERE application_name = 'dbalias' AND usename = current_user",
    "mariadb": "SELECT count(*) FROM information_schema.processlist "
    "WHERE user = SUBSTRING_INDEX(CURRENT_USER(), '@', 1)",
}
"""How many sessions the same login has there; MariaDB counts the one that asks."""
SLEEP = {"postgresql": "SELECT pg_sleep(120)", "mariadb": "SELECT sleep(120)"}


@dataclass(frozen=True, slots=True)
class Asking:
    """An engine whose look is one statement; the version it finds is what that answered."""

    text: str = "SELECT 1"

    def survey(self, session: Session, wanted: Sequence[Wanted]) -> Survey:
        """Ask."""
        return Survey(str(session.fetch(self.text)[0][0]), {})

    def look_up(self, session: Session, wanted: Wanted) -> Plot:
        """Look for nothing."""
        raise AssertionError("no alias is worked on here")

    def look_inside(self, session: Session, plot: Plot) -> Plot:
        """Return the plot as it is."""
        return plot


class Held:
    """The sessions that endpoints open while the patch stands."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.sessions: list[OpenSession] = []
        self.most = 0
        self._patch = patch
        self._now = 0
        self._lock = threading.Lock()
        patch.setattr("dbalias.servers.endpoint.open_session", self._open)

    def _open(self, *arguments: Any, **options: Any) -> OpenSession:
        self._count(1)
        session = open_session(*arguments, **options)
        close = session.close

        def close_counted() -> None:
            close()
            self._count(-1)

        self._patch.setattr(session, "close", close_counted)
        self.sessions.append(session)
        return session

    def _count(self, change: int) -> None:
        with self._lock:
            self._now += change
            self.most = max(self.most, self._now)


@dataclass(frozen=True, slots=True)
class Secure:
    """A server that offers TLS, whose authority is known."""

    server: DatabaseServer
    authority: Authority

    @property
    def ca(self) -> bytes:
        """The certificate of who signed the server's."""
        return self.authority.pair.certificate.read_bytes()

    @property
    def client(self) -> KeyPair:
        """A certificate for the administrator, by the same authority."""
        return self.authority.issue("client", user=self.server.admin_user)


def address_of(server: DatabaseServer, **changes: Any) -> Address:
    """Return the administrator's address of a server."""
    found = Address(
        ServerEngine(server.engine),
        server.host,
        server.port,
        server.admin_user,
        SecretBytes(server.admin_password.encode()),
    )
    return replace(found, **changes)


@contextlib.asynccontextmanager
async def an_endpoint(
    address: Address, text: str = "SELECT 1", *, timeouts: Timeouts | None = None
) -> Any:
    """Give an endpoint whose survey asks ``text``, and close it."""
    endpoint = Endpoint(address, Asking(text), timeouts=timeouts or PATIENT)
    try:
        yield endpoint
    finally:
        await endpoint.close()


async def answer(endpoint: Endpoint) -> str:
    """Return what the endpoint's statement answered."""
    return (await endpoint.survey([])).version


def step(*statements: str, database: str | None = None) -> Step:
    """Return a step."""
    return Step("trying", statements, database)


def tls(mode: TLSMode, ca: bytes | None = None) -> Certificates:
    """Return TLS settings without a client certificate."""
    return Certificates(mode, ca)


@contextlib.contextmanager
def secure_servers(folder: Path) -> Iterator[dict[str, Secure]]:
    """Start both servers with certificates for 127.0.0.1, and room for thirty sessions."""
    # pytest's own folders are for one user, and servers run as another.
    with tempfile.TemporaryDirectory(prefix="dbalias-isolation-") as certificates:
        Path(certificates).chmod(0o755)
        with _secure_servers(folder, Path(certificates)) as servers:
            yield servers


@contextlib.contextmanager
def _secure_servers(folder: Path, certificates: Path) -> Iterator[dict[str, Secure]]:
    authority = Authority(folder / "authority")
    authority.create()
    pair = authority.issue("server", user="server", addresses=["IP:127.0.0.1"])
    postgres = PostgresServer(
        folder / "postgres",
        settings={
            "ssl": "on",
            "max_connections": "30",
            **_files(certificates, "postgres", pair, authority, names="ssl_{}_file"),
        },
    )
    mariadb = MariaDBServer(
        folder / "mariadb",
        settings={
            "max-connections": "30",
            **_files(certificates, "mysql", pair, authority, names="ssl-{}"),
        },
    )
    with postgres, mariadb:
        yield {one.engine: Secure(one, authority) for one in (postgres, mariadb)}


def _files(
    folder: Path, owner: str, pair: KeyPair, authority: Authority, *, names: str
) -> dict[str, str]:
    """Copy what a server reads to where its own user can, and nobody else can read the key."""
    own = folder / owner
    own.mkdir(mode=0o755)
    settings = {}
    for name, source in (
        ("cert", pair.certificate),
        ("key", pair.key),
        ("ca", authority.pair.certificate),
    ):
        copy = own / name
        shutil.copyfile(source, copy)
        copy.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(copy, owner)
        settings[names.format(name)] = str(copy)
    return settings


@contextlib.contextmanager
def silent_listener() -> Iterator[int]:
    """Give the port of something that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def dropped_packets() -> Iterator[int]:
    """Give a port whose packets nobody answers: its queue of connections is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                filling = stack.enter_context(socket.socket())
                filling.setblocking(False)
                filling.connect_ex(("127.0.0.1", port))
            yield port


@contextlib.contextmanager
def stopped(server: DatabaseServer) -> Iterator[None]:
    """Stop a server where it is, as a broken disk or a frozen machine would; then let it go on."""
    assert server.pid is not None
    processes = [server.pid]
    try:
        os.kill(server.pid, signal.SIGSTOP)
        # Listed by one that is stopped: until then it starts some, and reaps others.
        processes += children_of(server.pid)
        _signal(processes, signal.SIGSTOP)
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: Sequence[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def sessions_on(server: DatabaseServer) -> int:
    """Return how many sessions of endpoints a server holds, and of who asked just before."""
    own = server.engine == "mariadb"  # the one that asks
    return int(server.admin_sql(COUNT[server.engine])[0][0]) - own


def until_none_is_left(server: DatabaseServer) -> bool:
    """Return whether a server holds no session any more, sooner or later."""
    return until(lambda: sessions_on(server) == 0)


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Return whether something holds, as soon as it does."""
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
