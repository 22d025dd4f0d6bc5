"""What waits for a person in a project, what was approved, and what aliases say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dbalias.api.conditions import ConditionValue, Reason
from dbalias.api.meta import JSON
from dbalias.api.project import DjangoProject, MigrateMode
from dbalias.migrations.approval import APPROVE_ANNOTATION, Approval, ProjectPlan, answer, objection
from dbalias.migrations.decide import Verdict
from dbalias.migrations.marks import Purpose, Task
from dbalias.migrations.plan import NAMES_SHOWN, Plan
from dbalias.reconcile.runs import Runs


@dataclass(frozen=True, slots=True)
class Approvals:
    """``asked`` waited before this pass, ``waiting`` waits after it: the approval is between."""

    approval: Approval
    asked: ProjectPlan
    waiting: ProjectPlan
    objection: str = ""

    def fields(self) -> Mapping[str, JSON]:
        """Return what the project's status says of it."""
        return {"plan": self.waiting.render(), "approval": self.approval.render()}


def find_approvals(project: DjangoProject, runs: Runs, now: datetime) -> Approvals:
    """Answer the project's annotation by what waits as this pass sees it."""
    stored = Approval.stored(project.status)
    plans = {alias: plan for alias in runs.standings if (plan := _plan_of(runs, alias))}
    known = ProjectPlan(project.metadata.uid, plans, tuple(sorted(_computing(runs))))
    asked = _without_granted(known, stored)
    given = project.metadata.annotations.get(APPROVE_ANNOTATION)
    approval = answer(given, stored=stored, plan=asked, now=now)
    return Approvals(
        approval=approval,
        asked=asked,
        waiting=_without_granted(known, approval),
        objection=objection(given, approval=approval, plan=asked),
    )


def with_approvals(runs: Runs, approvals: Approvals, project: DjangoProject) -> Runs:
    """Return the runs with what aliases that wait for a person say to that person."""
    told = {
        alias: _told(runs.conditions[alias], alias, approvals, project)
        for alias in approvals.asked.plans
    }
    return replace(runs, conditions={**runs.conditions, **told})


def shown_plan(runs: Runs, alias: str) -> dict[str, JSON]:
    """Return ``status.plan`` of an alias: what its last check found, until it is done."""
    plan = runs.record(alias, Purpose.CHECK).plan
    return {} if plan is None or runs.standings[alias].done else plan.render()


def _plan_of(runs: Runs, alias: str) -> Plan | None:
    """Return the plan of an alias on which nothing happens before a person has decided."""
    wanted, standing = runs.errands[Task(alias, Purpose.CHECK)].wanted, runs.standings[alias]
    check = standing.check
    busy = standing.done or standing.migrate.active or check.active
    plan = check.record.plan
    if wanted.mode is not MigrateMode.APPROVE or busy or check.start or check.failed:
        return None
    return plan if plan and plan.identity == wanted.identity else None


def _computing(runs: Runs) -> list[str]:
    """Return the aliases whose check has not told yet what a person is to decide on."""
    by_person = {
        alias: standing
        for alias, standing in runs.standings.items()
        if runs.errands[Task(alias, Purpose.CHECK)].wanted.mode is MigrateMode.APPROVE
    }
    return [
        alias
        for alias, standing in by_person.items()
        if not (standing.done or standing.migrate.active) and _is_under_way(standing.check)
    ]


def _is_under_way(check: Verdict) -> bool:
    again = check.failed and check.record.retry_at is not None
    return check.active or check.start is not None or again


def _without_granted(plan: ProjectPlan, approval: Approval) -> ProjectPlan:
    return plan.without(
        alias
        for alias, one in plan.plans.items()
        if (grant := approval.grant(alias)) is not None and grant.covers(one)
    )


def _told(
    condition: ConditionValue, alias: str, approvals: Approvals, project: DjangoProject
) -> ConditionValue:
    """Return the condition with what is pending, and how to approve it."""
    plan = approvals.asked.plans[alias]
    what = condition.message
    if condition.reason is Reason.AWAITING_APPROVAL:
        what = f"Alias {alias}, Job {plan.job}: {_pending(plan)}."
    if alias not in approvals.waiting.plans:
        how = f"The plan {approvals.approval.digest} is approved, and starts."
    else:
        how = _how(project, approvals.waiting.digest)
    sentences = (what, plan.superseded, how, approvals.objection)
    return replace(condition, message=" ".join(filter(None, sentences)))


def _pending(plan: Plan) -> str:
    names = [step.name for step in plan.steps[:NAMES_SHOWN]]
    more = f" and {plan.count - len(names)} more" if plan.count > len(names) else ""
    marked = f", {plan.destructive_count} DESTRUCTIVE" if plan.destructive_count else ""
    unjudged = f", {plan.unjudged_count} that only a person can judge"
    return (
        f"{plan.count} migration(s) pending: {', '.join(names)}{more}{marked}"
        f"{unjudged if plan.unjudged_count else ''}"
    )


def _how(project: DjangoProject, digest: str) -> str:
    name, namespace = project.metadata.name, project.metadata.namespace
    return (
        f"To approve the plan {digest}: `dbalias approve {name} -n {namespace}`, or `kubectl "
        f"-n {namespace} annotate --overwrite djp/{name} {APPROVE_ANNOTATION}={digest}`."
    )
