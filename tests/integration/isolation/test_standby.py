"""A hot standby as a DatabaseServer's host: its aliases wait, alone, until it is promoted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.isolation.ward import ADMIN, CURED, PASSWORD, Ward
from integration.operator.operating import Operator
from integration.operator.workbench import Space
from integration.provisioning.rig import secret
from localkube.databases import PostgresServer
from localkube.replicas import PostgresStandby

STANDBY, PRIMARY = "standby", "primary"


@pytest.fixture
def ward(
    space: Space, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ward, PostgresStandby]]:
    """A namespace with a primary and its standby, each a DatabaseServer, and that standby."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        PostgresServer(folder / PRIMARY) as primary,
        PostgresStandby(folder / STANDBY, of=primary) as standby,
    ):
        primary.create_administrator(ADMIN, PASSWORD)
        space.apply(secret("admin", username=ADMIN, password=PASSWORD))
        made = Ward(space)
        made.admit(PRIMARY, primary)
        made.admit(STANDBY, standby)
        yield made, standby


def test_aliases_of_a_standby_wait_alone_until_it_is_promoted(
    ward: tuple[Ward, PostgresStandby], operator: Operator
) -> None:
    """Its primary's are made meanwhile; nobody edits or restarts anything."""
    made, standby = ward
    space, process = made.space, operator.process
    waiting = made.order(STANDBY, 2)
    space.wait_for("databaseserver", STANDBY, reason="ServerReadOnly", wanted="Connected")
    for name in waiting:
        space.wait_for("databasealias", name, reason="ServerUnavailable", wanted="Provisioned")
    made.seconds_until_made(PRIMARY, 2)
    assert not made.provisioned() & set(waiting)
    standby.promote()
    for name in waiting:
        space.wait_for(
            "databasealias", name, reason="Provisioned", wanted="Provisioned", seconds=CURED
        )
    space.wait_for("databaseserver", STANDBY, reason="Available", wanted="Connected")
    assert operator.process is process
    assert operator.is_running()
