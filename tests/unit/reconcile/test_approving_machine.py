"""Random lives of a project in mode Approve: nothing runs that nobody agreed to, or twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON
from integration.operator.objects import alias, project, secret
from unit.reconcile.scene import Scene, actions
from unit.reconcile.test_approving import NOTHING, a_report, status

ALIASES = ("default", "users")
APPROVE = "dbalias.dev/approve"
ENDS_OTHERWISE = [4, 5]
"""A network that is lost, tried again by itself; a migration that failed."""


def approved_for(job: JSON) -> str:
    """The digest of the plan that a Job may run."""
    words = job["spec"]["template"]["spec"]["containers"][0]["args"]
    (found,) = [word for word in words if word.startswith("--approved=")]
    return str(found.removeprefix("--approved="))


class Project(RuleBasedStateMachine):
    """Two aliases, what is pending in their databases, a person, and an operator that dies."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene().put(*map(alias, ALIASES), secret())
        self.pending: dict[str, int] = dict.fromkeys(ALIASES, 1)
        """What each database lacks: 0 nothing, else the number of a plan."""
        self.agreed: Counter[tuple[str, str]] = Counter()
        """How many runs of an alias' plan a person has agreed to that have not been used up."""
        self.given: set[str] = set()
        self.image = 1
        self.declare()

    # the operator

    @rule(writes=st.none() | st.integers(0, 6))
    def reconcile(self, writes: int | None = None) -> None:
        """A pass; one that dies has done so many of its writes."""
        self.scene.wait(10)
        for job in self.scene.reconcile_and_die(writes):
            name = job["metadata"]["labels"]["dbalias.dev/alias"]
            if job["metadata"]["labels"]["dbalias.dev/purpose"] == "migrate":
                assert self.agreed[name, approved_for(job)] > 0, "nobody agreed to this run"

    # the person

    def declare(self, annotation: str | None = None) -> None:
        """Apply the project with this annotation, or none."""
        wish = {"mode": "Approve", "maxParallel": 1}
        body: JSON = project(image=f"shop:{self.image}", migrate=wish)
        found = self.scene.get("DjangoProject", "shop")
        if found:
            body = {**found, "spec": body["spec"]}
        body["metadata"]["annotations"] = {APPROVE: annotation} if annotation else {}
        self.scene.put(body)

    @rule()
    def person_approves(self) -> None:
        """What is shown at this moment, and nothing else."""
        shown = status(self.scene).get("plan") or {}
        given = shown.get("digest")
        if given and given not in self.given:
            self.given.add(given)
            self.agreed.update((one["alias"], one["digest"]) for one in shown["aliases"])
        if given:
            self.declare(given)

    @rule(data=st.data())
    def annotation_says_something_else(self, data: st.DataObject) -> None:
        """Nothing, nonsense, an old digest, or that of an alias."""
        old = sorted(self.given | {digest for _, digest in self.agreed})
        self.declare(data.draw(st.sampled_from([None, "yes", *old])))

    @rule()
    def image_changes(self) -> None:
        """The annotation stays."""
        self.image += 1
        found = self.scene.get("DjangoProject", "shop")
        self.declare((found["metadata"].get("annotations") or {}).get(APPROVE))

    @rule()
    def release_goes_well(self) -> None:
        """A new image is looked at, approved, and runs."""
        self.image_is_looked_at()
        self.person_approves()
        for _ in ALIASES:
            self.reconcile()
            self.reconcile()
            for name in ALIASES:
                self.migration_ends(name)
        self.reconcile()

    @rule()
    def image_is_looked_at(self) -> None:
        """And nobody approves anything."""
        self.image_changes()
        for _ in ALIASES:
            self.reconcile()
            for name in ALIASES:
                self.check_ends(name)
        self.reconcile()

    # the databases

    @rule(name=st.sampled_from(ALIASES), plan=st.sampled_from([0, 1, 1, 2]))
    def something_else_is_pending(self, name: str, plan: int) -> None:
        """Somebody has migrated or reversed by hand."""
        self.pending[name] = plan

    def lacks(self, name: str) -> str:
        """Return the digest of what is pending on an alias."""
        return f"{name}-{self.pending[name]}"

    @rule(name=st.sampled_from(ALIASES))
    def check_ends(self, name: str) -> None:
        """It tells what is so now."""
        if self.is_running(name, "check"):
            told = a_report(self.lacks(name), f"shop.{self.lacks(name)}")
            report = told if self.pending[name] else NOTHING
            self.scene.end_job(name, purpose="check", **report)

    @rule(name=st.sampled_from(ALIASES), code=st.sampled_from([0, 0, *ENDS_OTHERWISE]))
    def migration_ends(self, name: str, code: int = 0) -> None:
        """Under the lock it runs the approved plan, or refuses what is pending instead."""
        if not self.is_running(name, "migrate"):
            return
        approved = approved_for(self.scene.job(name))
        if code != 4 and (approved != self.lacks(name) or not self.pending[name]):
            code = 11
        if code == 0:
            self.pending[name] = 0
        if code != 4:
            self.agreed[name, approved] -= 1
        self.scene.end_job(name, code=code, state="failed" if code else "done")

    def is_running(self, name: str, purpose: str) -> bool:
        """Whether the newest Job of an alias has not ended."""
        jobs = self.scene.jobs(name, purpose)
        return bool(jobs) and not jobs[-1].get("status")

    def teardown(self) -> None:
        """Without further mishap, with a person who agrees to all, it ends Ready and at rest."""
        for name in ALIASES:
            self.scene.put(self.asked_again(name))
        for _ in range(24):
            self.scene.wait(400)
            self.reconcile()
            for name in ALIASES:
                self.check_ends(name)
                self.migration_ends(name)
            self.reconcile()
            self.person_approves()
        conditions = status(self.scene)["conditions"]
        assert next(c for c in conditions if c["type"] == "Ready")["reason"] == "Ready"
        assert self.pending == dict.fromkeys(ALIASES, 0)
        assert actions(self.scene.wait(3600).plan()) == ()

    def asked_again(self, name: str) -> JSON:
        """Return an alias whose database is to be looked at once more."""
        body = self.scene.get("DatabaseAlias", f"shop-{name}")
        notes = {"dbalias.dev/check-requested-at": timestamp(self.scene.now)}
        return {**body, "metadata": {**body["metadata"], "annotations": notes}}


TestProject = Project.TestCase
TestProject.settings = settings(max_examples=20, stateful_step_count=15)
