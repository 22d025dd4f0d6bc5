"""The kill matrix on real pods: whoever is killed at whichever step, the end is that of no fault.

`make test` plays the telling cells; `make kill-matrix` all of them, victim by victim, and prints
what came of each.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localkube.databases import MariaDBServer, PostgresServer
from stage.kill.cells import Cell, cells_of, telling
from stage.kill.holds import allow_refusals
from stage.kill.matrix import play, references, summary
from stage.kill.run import Run
from stage.kill.steps import Engine, Victim
from stage.kill.strikes import Servers
from stage.objects import Database
from stage.play import NewShop, Shop
from stage.setting import Setting

DURABLE = {
    Engine.POSTGRESQL: {"synchronous_commit": "on"},
    Engine.MARIADB: {"innodb-flush-log-at-trx-commit": "2"},
}
"""A commit that a server has confirmed must outlive its own SIGKILL, as in production."""


def chosen() -> dict[str, list[Cell]]:
    """Return the lists of cells to play together in this run, by what they are called."""
    if os.environ.get("DBALIAS_KILL_MATRIX") != "all":
        return {"telling": telling()}
    victims = [victim for victim in Victim if victim is not Victim.NOBODY]
    without_faults = list(cells_of(Victim.NOBODY))
    return {one.name.lower(): [*without_faults, *cells_of(one)] for one in victims}


@pytest.fixture
def servers(setting: Setting, tmp_path: Path) -> Iterator[Servers]:
    """Return servers that may be killed: nobody else's databases are on them."""
    listen = (setting.cluster.host_address,)
    postgres = PostgresServer(
        tmp_path / "postgres", listen=listen, settings=DURABLE[Engine.POSTGRESQL]
    )
    mariadb = MariaDBServer(tmp_path / "mariadb", listen=listen, settings=DURABLE[Engine.MARIADB])
    with postgres, mariadb:
        yield {Engine.POSTGRESQL: postgres, Engine.MARIADB: mariadb}


def database_of(cell: Cell, shop: Shop, servers: Servers) -> Database:
    """Make the cell's database, on a server that may be killed where it is to be."""
    if cell.victim is Victim.SERVER:
        server, name = servers[cell.engine], shop.namespace.replace("-", "_")
        database = Database(server, name, name, "lives-as-long-as-its-server")
        server.create_database(name, name, database.password)
        return database
    return shop.postgres("gated") if cell.engine is Engine.POSTGRESQL else shop.mariadb("gated")


@pytest.mark.timeout(1500, func_only=True)
@pytest.mark.usefixtures("operator_to_harm")
@pytest.mark.parametrize("cells", chosen().values(), ids=chosen().keys())
def test_killed_at_any_step_the_end_is_that_of_a_run_without_faults(
    cells: list[Cell], new_shop: NewShop, setting: Setting, servers: Servers
) -> None:
    """Or, where no server undoes half a migration, a person is told which one, and then it is."""
    allow_refusals(setting.cluster)
    shops = [(cell, new_shop(str(cell))) for cell in cells]
    runs = [Run(cell, shop, database_of(cell, shop, servers)) for cell, shop in shops]
    results = play(runs, setting=setting, servers=servers)
    print(f"\n{summary(results)}")
    expected = references(results)
    for one in results:
        assert one.world == expected[one.cell.engine], str(one)
        assert len(set(one.world.history)) == len(one.world.history), str(one)
        assert one.world.effects == ("fourth", "second"), str(one)
