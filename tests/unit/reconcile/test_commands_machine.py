"""Random lives of a project with commands: the order holds, and everything comes to an end."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene, actions

EXIT_CODES = [0, 0, 0, 2, 4, 7, 10, 137]
COMMANDS: dict[str, JSON] = {
    "history": {"args": ["makemigrations"], "scope": "Project", "when": "BeforeMigrate"},
    "backup": {"args": ["backup"], "when": "BeforeMigrate"},
    "cache": {"args": ["createcachetable"], "databases": ["default"]},
    "last": {"args": ["collectnames"], "scope": "Project"},
}
BEFORE = ("history", "backup")


def told(job: JSON, part: str) -> str:
    """A label of ours on a Job."""
    return str(job["metadata"]["labels"].get(f"dbalias.dev/{part}", ""))


class Project(RuleBasedStateMachine):
    """Two aliases and four commands that come and go, and an operator that dies."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene().put(alias("default"), alias("users"), secret())
        self.image, self.kept, self.asked = 1, set(COMMANDS), 0
        self.declare()

    def declare(self) -> None:
        """Apply the project as it is now wanted."""
        listed = [{"name": name} | COMMANDS[name] for name in COMMANDS if name in self.kept]
        body: JSON = project(image=f"shop:{self.image}", commands=listed)
        found = self.scene.get("DjangoProject", "shop")
        if found:
            body = {**found, "spec": body["spec"]}
        asked = {"dbalias.dev/migrate-requested-at": f"2026-01-01T00:00:{self.asked:02}Z"}
        if self.asked:
            body["metadata"]["annotations"] = asked
        self.scene.put(body)

    def running(self) -> list[JSON]:
        """The Jobs that have not ended."""
        return [job for job in self.scene.all("Job") if not job.get("status")]

    def end(self, job: JSON, code: int, **report: Any) -> None:
        """Let one of them end."""
        parts = {part: told(job, part) for part in ("alias", "purpose", "command")}
        self.scene.end_job(**parts, code=code, **report)

    @rule(writes=st.none() | st.integers(0, 9))
    def reconcile(self, writes: int | None) -> None:
        """A pass; one that dies has done so many of its writes."""
        self.scene.wait(10)
        for job in self.scene.reconcile_and_die(writes):
            if told(job, "purpose") == "migrate":
                self.demand_that_commands_came_first(told(job, "alias"))

    def demand_that_commands_came_first(self, name: str) -> None:
        """Of this very image, as long as they are in the spec."""
        for command in BEFORE:
            if command in self.kept:
                kind = "DjangoProject" if command == "history" else "DatabaseAlias"
                body = self.scene.get(kind, "shop" if command == "history" else f"shop-{name}")
                known = {one["name"]: one for one in body["status"]["commands"]}
                assert known[command]["completed"]["image"] == f"shop:{self.image}"

    @rule(code=st.sampled_from(EXIT_CODES), data=st.data())
    def job_ends(self, code: int, data: st.DataObject) -> None:
        """Well or not; a command that was stopped may be half-done."""
        if running := self.running():
            self.end(data.draw(st.sampled_from(running)), code, current="it", state="running")

    @rule(data=st.data())
    def job_is_deleted(self, data: st.DataObject) -> None:
        """By a person, whether or not it has ended; here its pod is gone with it."""
        if jobs := self.scene.all("Job"):
            name = data.draw(st.sampled_from(jobs))["metadata"]["name"]
            self.scene.drop("Job", name)
            if self.scene.get("Pod", f"{name}-pod"):
                self.scene.drop("Pod", f"{name}-pod")

    @rule(image=st.integers(1, 2), kept=st.sets(st.sampled_from(sorted(COMMANDS))))
    def project_is_edited(self, image: int, kept: set[str]) -> None:
        """Another release, and other commands."""
        self.image, self.kept = image, kept
        self.declare()

    @rule()
    def run_is_requested(self) -> None:
        """Of everything."""
        self.asked += 1
        self.declare()

    @rule(seconds=st.sampled_from([1, 40, 400]))
    def time_passes(self, seconds: int) -> None:
        """Back-offs end."""
        self.scene.wait(seconds)

    @invariant()
    def one_run_at_a_time_on_a_database(self) -> None:
        """Whatever it is for; commands of the project count as one database, too."""
        places = [told(job, "alias") for job in self.running()]
        assert len(places) == len(set(places))

    def teardown(self) -> None:
        """Without further mishap all ends Ready, records of what is gone are, and nothing moves."""
        for _ in range(14):
            for job in self.running():
                self.end(job, 0)
            self.scene.wait(400)
            self.scene.settle()
            if self.scene.condition(Kind.PROJECT, "shop").get("status") == "True":
                break
            if self.scene.condition(Kind.PROJECT, "shop", "Stalled").get("status") == "True":
                self.run_is_requested()
        assert self.scene.condition(Kind.PROJECT, "shop")["status"] == "True"
        assert not self.running()
        assert actions(self.scene.wait(3600).plan()) == ()
        stored = [
            one["name"]
            for kind in ("DjangoProject", "DatabaseAlias")
            for body in self.scene.all(kind)
            for one in body["status"].get("commands", ())
        ]
        assert set(stored) == self.kept
        left = {told(job, "command") for job in self.scene.all("Job")} - {""}
        assert left <= self.kept


TestProject = Project.TestCase
TestProject.settings = settings(max_examples=10, stateful_step_count=15)
