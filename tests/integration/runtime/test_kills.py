"""The runner, faulted at every step: as without a fault, or a person is told the migration.

`make test` plays the telling cells; `make kill-matrix` plays all of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbalias.api.conditions import Reason
from dbalias.migrations.outcomes import Evidence, judge
from integration.runtime.killing import (
    ATOMIC,
    DATA,
    PARTS,
    POINTS,
    Fault,
    GatedRun,
    Nursery,
    end_session,
    expected,
    may_happen,
    renew,
    repair,
    state_of,
)
from integration.runtime.pod import Database, Pod, a_database
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer

DURABLE = {
    "postgresql": {"synchronous_commit": "on"},
    "mariadb": {"innodb-flush-log-at-trx-commit": "2"},
}
"""What a server has confirmed must outlive its own SIGKILL, as in production."""
TELLING = {
    Fault.KILL: (
        *("locked", f"{ATOMIC} during", f"{ATOMIC} recorded", f"{PARTS} during"),
        *(f"{DATA} during", f"{DATA} recording", f"{DATA} committed", "looking", "reported"),
    ),
    Fault.TERM: ("settings", f"{ATOMIC} during", f"{DATA} during"),
    Fault.LOCK: ("locked", f"{ATOMIC} during", f"{DATA} during"),
    Fault.CONNECTION: (f"{ATOMIC} during", f"{ATOMIC} committed", f"{DATA} recording", "looking"),
    Fault.SERVER: (f"{PARTS} during", f"{DATA} recorded"),
}
CELLS = [
    pytest.param(fault, point, id=f"{point}, {fault}")
    for fault in Fault
    for point in POINTS
    if may_happen(fault, point)
    and (os.environ.get("DBALIAS_KILL_MATRIX") == "all" or point in TELLING[fault])
]


class Scene:
    """One engine's servers, the runs on them, and what a run without faults leaves."""

    def __init__(self, shared: DatabaseServer, own: DatabaseServer, folder: Path) -> None:
        self.nursery = Nursery(Pod(folder / "pod"))
        self.rolls_back = shared.kind == "postgresql"
        self._shared, self._own, self._folder = a_database(shared), a_database(own), folder
        self._numbers = 0
        self.faultless = self._play_without_fault()

    def database_for(self, fault: Fault) -> Database:
        """Return an empty database, published; on a server of its own where that is killed."""
        database = self._own if fault is Fault.SERVER else self._shared
        renew(database)
        self.nursery.publish(database)
        return database

    def start(self, gate: str = "") -> GatedRun:
        """Start a run that stops at a gate."""
        self._numbers += 1
        return self.nursery.start(self._folder / str(self._numbers), gate)

    def _play_without_fault(self) -> dict[str, list[tuple[object, ...]]]:
        database = self.database_for(Fault.KILL)
        run = self.start()
        assert run.end() == 0, run.log
        return state_of(database)


@pytest.fixture(scope="module", params=["postgres", "mariadb"])
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Each engine in turn."""
    shared: DatabaseServer = request.getfixturevalue(request.param)
    kind = PostgresServer if request.param == "postgres" else MariaDBServer
    folder = tmp_path_factory.mktemp("killing")
    with kind(folder / "server", settings=DURABLE[shared.kind]) as own:
        made = Scene(shared, own, folder)
        yield made
        made.nursery.close()


def inflict(fault: Fault, run: GatedRun, database: Database) -> None:
    """Let something happen to a run that stands at its gate."""
    match fault:
        case Fault.KILL:
            run.send(signal.SIGKILL)
        case Fault.TERM:
            run.send(signal.SIGTERM)
        case Fault.LOCK | Fault.CONNECTION:
            end_session(database, of_lock=fault is Fault.LOCK)
        case Fault.SERVER:
            database.server.kill()


@pytest.mark.parametrize(("fault", "point"), CELLS)
def test_a_faulted_run_ends_as_designed_and_the_next_one_as_without_a_fault(
    fault: Fault, point: str, scene: Scene
) -> None:
    """By itself where that is safe; else a person is told the migration, and has repaired it."""
    wanted = expected(fault, point, rolls_back=scene.rolls_back)
    database = scene.database_for(fault)
    run = scene.start(point)
    run.wait_at_gate()

    inflict(fault, run, database)
    code = run.end()
    database.server.start()

    assert code == wanted.code, run.log
    if wanted.retry is not None:
        evidence = Evidence(
            code if code > 0 else 128 - code, run.report, transactional_ddl=scene.rolls_back
        )
        ending = judge(evidence)
        assert ending.retry is wanted.retry, ending
    if wanted.doubtful is not None:
        assert wanted.doubtful in ending.happened
        assert ending.reason in {Reason.MIGRATION_FAILED, Reason.MIGRATION_INTERRUPTED}
        repair(database, wanted.doubtful)
    again = scene.start()
    assert again.end() == 0, again.log
    assert state_of(database) == scene.faultless


def test_a_run_without_faults_records_three_migrations_and_one_row(scene: Scene) -> None:
    """What all others are compared with."""
    assert len(scene.faultless["recorded"]) == 3
    assert scene.faultless["shelves"] == [("poetry",)]
