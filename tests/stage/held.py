"""A run of the app `gated` that stands at a step of its migration while something befalls it."""

from collections.abc import Sequence

from dbalias_sessions import MySQLLock, PostgresLock
from localkube.databases import PostgresServer
from stage.api import JSON
from stage.kill.holds import ALIAS, app_files, app_volume, hold_at
from stage.kill.steps import Step
from stage.objects import Database, entry, project
from stage.play import Shop, is_complete

EFFECTS = ["fourth", "second"]
"""What the app's data migrations add, each once."""


class Held:
    """One project with one alias on one database, and its run."""

    def __init__(self, shop: Shop, database: Database, step: Step, **pod: JSON) -> None:
        self.shop = shop
        self.database = database
        self.step = step
        self._pod = pod
        self._hold = hold_at(step, shop, database)

    def apply(self, **spec: JSON) -> None:
        """Declare the project, with these fields, and its alias."""
        pod = {**app_volume(), **self._pod}
        settings = {"module": "gated.settings"}
        self.shop.apply(project(settings=settings, pod=pod, **spec), entry(ALIAS, self.database))

    def start(self, **spec: JSON) -> None:
        """Declare everything, the hold first."""
        self._hold.shut()
        if self.step is not Step.STARTING:
            self.shop.apply(app_files())
        self.apply(**spec)

    def wait(self) -> None:
        """Wait until the run stands at its step."""
        what = f"a run to stand where it is {self.step.value}"
        self.shop.eventually(self._hold.is_reached, what=what)

    def open(self) -> None:
        """Let the run go on."""
        self._hold.open()

    def condition(self, type: str) -> JSON:
        """Return a condition of the alias as it stands, {} when there is none."""
        return self.shop.condition(type, alias=ALIAS)

    @property
    def attempts(self) -> int:
        """How many runs were ever started."""
        return self.shop.attempts(ALIAS)

    def expect(self, type: str, status: str, *, reason: str | None = None) -> JSON:
        """Wait for a condition of the alias; return it."""
        return self.shop.expect(type, status, reason=reason, alias=ALIAS)

    def has_no_job(self) -> bool:
        """Return whether every Job is gone."""
        return not self.shop.jobs()

    def is_lock_free(self) -> bool:
        """Return whether another run could migrate the database now."""
        if isinstance(self.database.server, PostgresServer):
            take = PostgresLock.take % PostgresLock.params
        else:
            lock = MySQLLock(self.database.name)
            take = lock.take % tuple(map(repr, lock.params))
        return bool(self.database.values(take)[0])

    def demand_one_run(self) -> None:
        """It was started once, in one Job, and took effect once."""
        self.shop.wait_ready()
        assert self.attempts == 1, self.shop.describe()
        assert [is_complete(job) for job in self.shop.jobs()] == [True], self.shop.describe()
        self.demand_one_history()

    def demand_one_history(self) -> None:
        """Every migration is recorded once, and every data migration took effect once."""
        rows = "SELECT CONCAT(app, '.', name) FROM django_migrations ORDER BY 1"
        history = self.database.values(rows)
        assert len(history) == len(set(map(str, history))) > 0, self.shop.describe()
        effects = self.database.values("SELECT word FROM gated_effect ORDER BY 1")
        assert effects == EFFECTS, self.shop.describe()


def start_all(runs: Sequence[Held], **spec: JSON) -> None:
    """Start runs beside each other, and wait until each stands at its step."""
    for run in runs:
        run.start(**spec)
    for run in runs:
        run.wait()
