"""What a server alone takes: the same statements, sent by hand over as many connections."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.processors import Processors
from bench.provisioned import ADMINISTRATOR, CONNECTIONS
from dbalias.api.provision import DatabaseSpec, PasswordRule
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.address import Address
from dbalias.servers.marks import Mark
from dbalias.servers.names import database_name, role_names
from dbalias.servers.passwords import generate
from dbalias.servers.plot import Step
from dbalias.servers.postgresql import PostgresEngine
from dbalias.servers.sessions.opening import open_session
from dbalias.servers.sessions.timeouts import Timeouts
from dbalias.servers.threads import Watch
from dbalias.servers.wanted import Wanted
from localkube.databases import PostgresServer

NAMESPACE = "many"
ENGINE = ServerEngine.POSTGRESQL


@dataclass(frozen=True, slots=True)
class ByHand:
    """What it took: seconds, and the server's seconds of processor time."""

    seconds: float
    worked: float


def make_by_hand(names: Sequence[str], folder: Path) -> ByHand:
    """Return what a fresh server takes for the databases of these aliases.

    What is said is known beforehand: neither looking up nor deciding nor hashing is counted.
    """
    password = "by-hand"
    with PostgresServer(folder) as server:
        server.create_administrator(ADMINISTRATOR, password)
        address = Address(
            ENGINE, server.host, server.port, ADMINISTRATOR, SecretBytes(password.encode())
        )
        plans = _plans(address, names)
        os.sync()  # what others have left to write is not this one's burden
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            processors, begun = Processors(), time.monotonic()
            shares = [plans[at::CONNECTIONS] for at in range(CONNECTIONS)]
            for done in [pool.submit(_work, address, share) for share in shares]:
                done.result()
            seconds = time.monotonic() - begun
            return ByHand(seconds, processors.spent()["postgres"])


def _plans(address: Address, names: Sequence[str]) -> list[tuple[Step, ...]]:
    wanted = [_wanted(name) for name in names]
    session = open_session(address, None, watch=Watch(), timeouts=Timeouts())
    with closing(session):
        plots = PostgresEngine().survey(session, wanted).plots
    rule = PasswordRule()
    return [
        plots[one.database].steps(frozenset({one.logins.a}), {one.logins.a: generate(rule)})
        for one in wanted
    ]


def _wanted(name: str) -> Wanted:
    roles = role_names(NAMESPACE, name, engine=ENGINE)
    return Wanted(
        mark=Mark("dbalias", NAMESPACE, name),
        database=database_name(NAMESPACE, name, declared=None, engine=ENGINE),
        owner=roles.owner,
        logins=roles.logins,
        readers=None,
        spec=DatabaseSpec(),
    )


def _work(address: Address, plans: Iterable[Sequence[Step]]) -> None:
    with psycopg.connect(
        host=address.host, port=address.port, dbname="postgres", autocommit=True,
        user=address.user, password=address.password.reveal().decode(),
    ) as connection:  # fmt: skip
        for steps in plans:
            for step in steps:
                _run(connection, step)


def _run(connection: psycopg.Connection[tuple[object, ...]], step: Step) -> None:
    assert step.database is None, "nothing is wanted inside of these databases"
    if len(step.statements) == 1:
        connection.execute(step.statements[0].encode())
        return
    with connection.transaction():
        for statement in step.statements:
            connection.execute(statement.encode())
