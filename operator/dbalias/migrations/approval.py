"""Who approved what: the plan of a whole project, and the grants that an approval gave.

A person approves by the annotation ``dbalias.dev/approve`` of the project, whose value is the
digest over every plan that waits. It is answered by one write of the project's status, which
holds a grant for each alias; only what was read back from there lets a run start. So neither a
crash nor an alias that ends before the others changes what was approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dbalias.api.conditions import timestamp
from dbalias.api.digest import digest
from dbalias.api.meta import GROUP, JSON
from dbalias.migrations.plan import Plan, difference
from dbalias.migrations.record import Outcome, Record

APPROVE_ANNOTATION = f"{GROUP}/approve"
LENGTH = 24
"""Characters of the digest that a person hands over: 120 bits."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One alias' part of an approval; ``approval`` is the digest that the person gave."""

    alias: str
    plan: str
    after: str = ""
    approval: str = ""

    @classmethod
    def parse(cls, data: Mapping[str, JSON]) -> Grant:
        """Return the grant in one entry of ``status.approval.aliases``."""
        named = (_text(data, key) for key in ("alias", "plan", "after", "approval"))
        return cls(*named)

    def render(self) -> dict[str, JSON]:
        """Return that entry."""
        shown = {"plan": self.plan, "after": self.after, "approval": self.approval}
        return {"alias": self.alias, **{name: text for name, text in shown.items() if text}}

    def covers(self, plan: Plan | None) -> bool:
        """Tell whether it is this very plan that was approved, and for this turn."""
        return plan is not None and (plan.digest, plan.after) == (self.plan, self.after)


@dataclass(frozen=True, slots=True)
class Approval:
    """What ``status.approval`` of the project holds."""

    digest: str = ""
    at: str = ""
    grants: tuple[Grant, ...] = ()

    @classmethod
    def stored(cls, status: Mapping[str, JSON]) -> Approval:
        """Return what a status holds; what is odd there grants nothing."""
        kept = status.get("approval")
        if not isinstance(kept, Mapping):
            return cls()
        listed = kept.get("aliases")
        known = listed if isinstance(listed, list | tuple) else ()
        return cls(
            digest=_text(kept, "digest"),
            at=_text(kept, "at"),
            grants=tuple(Grant.parse(one) for one in known if isinstance(one, Mapping)),
        )

    def grant(self, alias: str) -> Grant | None:
        """Return what was approved for an alias."""
        return next((one for one in self.grants if one.alias == alias), None)

    def render(self) -> dict[str, JSON]:
        """Return ``status.approval``; {} where there is none."""
        if not self.digest:
            return {}
        return {
            "digest": self.digest,
            "at": self.at,
            "aliases": [grant.render() for grant in self.grants],
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided on one alias, as the statuses hold it.

    ``used_by`` is the Job of the last run that used its approval up, ``failed`` the same where it
    failed: then what is pending has to be looked at again.
    """

    plan: Plan | None = None
    grant: Grant | None = None
    used_by: str = ""
    failed: str = ""

    @classmethod
    def on(cls, alias: str, approval: Approval, *, plan: Plan | None, migrated: Record) -> Decision:
        """Return the decision on an alias; ``migrated`` is the record of its migrations."""
        completed = migrated.completed.job if migrated.completed else ""
        last = used_by(migrated)
        failed = last or "" if migrated.outcome is Outcome.FAILED else ""
        return cls(plan, approval.grant(alias), completed if last is None else last, failed)

    def approved(self, identity: str) -> str | None:
        """Return the digest of the plan if it is of this run and was approved."""
        plan, grant = self.plan, self.grant
        if plan is None or grant is None or plan.identity != identity:
            return None
        return plan.digest if grant.covers(plan) else None

    def supersession(self, new: Plan) -> str:
        """Say which approved plan a new one takes over from, and why; "" for none.

        It is said until the new one is approved.
        """
        old, grant = self.plan, self.grant
        if old is None or (grant is not None and grant.covers(new)):
            return ""
        if grant is None or not grant.covers(old):
            return old.superseded
        return f"The approved plan {grant.approval} was superseded: {difference(old, new)}."


UNDECIDED = Decision()


def used_by(record: Record) -> str | None:
    """Return the Job of the run that used the last approval up; None while one is under way.

    An attempt that is repeated by itself is under way: it runs under the same approval.
    """
    match record.outcome:
        case Outcome.NONE:
            return ""
        case Outcome.SUCCEEDED:
            return record.job
        case Outcome.FAILED if record.retry_at is None:
            return record.job
        case _:
            return None


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """Every plan that waits for a person, by alias; ``computing``: aliases not looked at yet."""

    uid: str
    plans: Mapping[str, Plan]
    computing: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Over the project, and each alias with its plan, its database and its turn."""
        if not self.plans:
            return ""
        over = [[alias, p.database, p.digest, p.after] for alias, p in sorted(self.plans.items())]
        return digest([self.uid, over], LENGTH)

    def without(self, granted: Iterable[str]) -> ProjectPlan:
        """Return what still waits once these aliases are approved."""
        left = {alias: plan for alias, plan in self.plans.items() if alias not in set(granted)}
        return ProjectPlan(self.uid, left, self.computing)

    def render(self) -> dict[str, JSON]:
        """Return ``status.plan`` of the project; {} where nothing waits or is looked at."""
        shown = {
            "digest": self.digest,
            "computing": list(self.computing),
            "aliases": [_shown(alias, plan) for alias, plan in sorted(self.plans.items())],
        }
        return {name: value for name, value in shown.items() if value}


def answer(
    annotation: str | None, *, stored: Approval, plan: ProjectPlan, now: datetime
) -> Approval:
    """Return the approval that follows from the annotation; only the exact digest gives one.

    ``plan`` is what waits now. The same annotation keeps what it gave; a further right one adds
    to it; without it, or with one that fits nothing, what has not started is approved no more.
    """
    if not annotation:
        return Approval()
    if annotation == stored.digest:
        return stored
    if annotation != plan.digest:
        return Approval()
    given = tuple(
        Grant(alias, one.digest, one.after, annotation) for alias, one in sorted(plan.plans.items())
    )
    kept = tuple(grant for grant in stored.grants if grant.alias not in plan.plans)
    return Approval(annotation, timestamp(now), (*kept, *given))


def objection(annotation: str | None, *, approval: Approval, plan: ProjectPlan) -> str:
    """Say why an annotation approves nothing; "" where it does, or where there is none."""
    if not annotation or annotation == approval.digest:
        return ""
    told = f"The annotation {APPROVE_ANNOTATION}={annotation[:64]} approves nothing: "
    if plan.digest.startswith(annotation):
        return f"{told}it is only the beginning of the digest."
    if annotation in {one.digest for one in plan.plans.values()}:
        return f"{told}it is the digest of one alias' plan, and not of the project's."
    return f"{told}it is not the digest of what is pending now."


def _shown(alias: str, plan: Plan) -> dict[str, JSON]:
    shown = {
        "alias": alias,
        "digest": plan.digest,
        "database": plan.database,
        "count": plan.count,
        "destructiveCount": plan.destructive_count,
        "unjudgedCount": plan.unjudged_count,
    }
    return {name: value for name, value in shown.items() if value}


def _text(data: Mapping[str, JSON], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""
