"""One cell being played: a shop with one database, held at its step, and brought to its end."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

from stage.kill.cells import HALF_DONE, Cell, End
from stage.kill.holds import ALIAS, app_files, app_volume, hold_at
from stage.kill.steps import Engine, Step, Victim
from stage.kill.world import World, look_at
from stage.objects import PROJECT, Database, entry, project
from stage.play import Shop, is_complete, is_finished

WITHIN = 300.0
"""Seconds for each step; on a machine with nothing else to do a tenth of it."""
SPEAKS = {
    Step.STORED: {"PodNotCreated"},
    Step.CREATED: {"PodNotCreated"},
    Step.STARTING: {"Migrating", "PodCannotStart"},
}
"""The reasons a held run may show; at any other step it is Migrating."""
_REPAIRS = {
    (Step.FIRST, Engine.MARIADB): "DROP TABLE gated_effect",
    (Step.THIRD, Engine.MARIADB): "ALTER TABLE gated_effect DROP COLUMN note",
    (Step.THIRD, Engine.POSTGRESQL): "ALTER TABLE gated_effect DROP COLUMN note",
}


class Run:
    """One run and what it is to show; `database` lies on a server that may be killed with it."""

    def __init__(self, cell: Cell, shop: Shop, database: Database) -> None:
        self.cell = cell
        self.shop = shop
        self.database = database
        self.hold = hold_at(cell.step, shop, database)

    def reach(self) -> None:
        """Start the run, wait until it stands at its step, and see that a condition says so."""
        self.hold.shut()
        if self.cell.step is not Step.STARTING:
            self.shop.apply(app_files())
        limit = {"historyLimit": 0} if self.cell.step is Step.KEPT else {}
        limit["lockTimeoutSeconds"] = 3600  # runs are held as long as all others need to come
        settings = {"module": "gated.settings"}
        self.shop.apply(
            project(settings=settings, migrate=limit, pod=app_volume()),
            entry(ALIAS, self.database),
        )
        self.shop.eventually(self.hold.is_reached, what=f"{self.cell} to be held", within=WITHIN)
        if self.cell.step is not Step.KEPT:
            self._demand_words()

    def open(self) -> None:
        """Let the run go on."""
        self.hold.open()

    def has_ended(self) -> bool:
        """Return whether no Job of it is unfinished."""
        return all(map(is_finished, self.shop.jobs()))

    def has_failed(self) -> bool:
        """Return whether its first attempt is over."""
        jobs = self.shop.jobs()
        return bool(jobs) and is_finished(jobs[0])

    def complete(self) -> World:
        """Wait for the end that the cell must have; return what it left."""
        if self.cell.end is End.PERSON:
            self._demand_person()
            self._repair()
        self.shop.wait_ready(within=WITHIN)
        self._demand_attempts()
        return look_at(self.shop, self.database)

    def wait_for_word_of_server(self) -> None:
        """Wait until the alias says what is wrong while its server is down, if anything is."""
        match self.cell.end:
            case End.AGAIN:
                self.shop.expect(
                    "Migrated", "False", reason="DatabaseUnreachable", alias=ALIAS, within=WITHIN
                )
            case End.PERSON:
                self._demand_person()

    def attempts(self) -> int:
        """Return how many runs were started."""
        return self.shop.attempts(ALIAS)

    def _demand_words(self) -> None:
        told = self.shop.expect("Migrated", "False", alias=ALIAS)
        assert told["reason"] in SPEAKS.get(self.cell.step, {"Migrating"}), told
        assert "Job" in told["message"], told

    def _demand_person(self) -> None:
        told = self.shop.expect("Stalled", "True", alias=ALIAS, within=WITHIN)
        assert told["reason"] in {"MigrationInterrupted", "MigrationFailed"}, told
        assert HALF_DONE[self.cell.step] in told["message"], told
        assert self.attempts() == 1, told

    def _repair(self) -> None:
        statement = _REPAIRS.get((self.cell.step, self.cell.engine))
        if statement:
            self.database.server.admin_sql(statement, database=self.database.name)
        words = [str(Path(sys.executable).parent / "dbalias"), "retry", PROJECT]
        kubeconfig = str(self.shop.setting.cluster.kubeconfig)
        asked = subprocess.run(
            [*words, f"--namespace={self.shop.namespace}"],
            env={**os.environ, "KUBECONFIG": kubeconfig},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert asked.returncode == 0, asked.stderr

    def _demand_attempts(self) -> None:
        """Each attempt one Job, one after the other, and only the last of them complete."""
        attempts, jobs = self.attempts(), self.shop.jobs()
        if self.cell.step is Step.KEPT:
            self.shop.eventually(lambda: not self.shop.jobs(), what="the Job to be cleaned up")
            jobs = []
        if self.cell.end is End.ONCE:
            assert attempts == 1, self.shop.describe()
        elif self.cell.end is End.AGAIN and self.cell.victim is Victim.SERVER:
            assert attempts >= 2, self.shop.describe()
        else:
            assert attempts == 2, self.shop.describe()
        assert [is_complete(job) for job in jobs] == [False] * (len(jobs) - 1) + [True] * bool(jobs)
        for first, second in itertools.pairwise(jobs):
            assert _end(first) <= second["metadata"]["creationTimestamp"], self.shop.describe()


def _end(job: dict[str, dict[str, object]]) -> str:
    conditions = job["status"]["conditions"]
    assert isinstance(conditions, list)
    return max(str(one["lastTransitionTime"]) for one in conditions)
