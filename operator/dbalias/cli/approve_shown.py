"""What waits for an approval, as the statuses of a project and its aliases tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbalias.api.meta import JSON, Key
from dbalias.cli.output import Style
from dbalias.migrations.approval import Approval
from dbalias.migrations.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Shown:
    """One project: ``digest`` over the plans that wait; ``approved``: the digest that is.

    ``version`` is the resourceVersion that all was read at; ``is_stale``: the operator has not
    looked at what is declared now, or at an alias' newest plan.
    """

    key: Key
    version: str
    digest: str = ""
    approved: str = ""
    computing: tuple[str, ...] = ()
    plans: Mapping[str, Plan] | None = None
    is_stale: bool = False


def read_shown(key: Key, project: JSON, aliases: Sequence[JSON]) -> Shown:
    """Return what waits, of a DjangoProject and its DatabaseAliases as the API has them."""
    status = project.get("status") or {}
    waiting = status.get("plan") or {}
    digests = {one["alias"]: one.get("digest") for one in waiting.get("aliases") or ()}
    found = {
        str(told.get("alias")): Plan.parse(told.get("plan"))
        for told in (one.get("status") or {} for one in aliases)
    }
    plans = {
        alias: plan
        for alias, plan in found.items()
        if plan is not None and digests.get(alias) == plan.digest
    }
    observed = status.get("observedGeneration") == project["metadata"].get("generation")
    return Shown(
        key=key,
        version=project["metadata"].get("resourceVersion", ""),
        digest=waiting.get("digest", ""),
        approved=Approval.stored(status).digest,
        computing=tuple(waiting.get("computing") or ()),
        plans=plans,
        is_stale=not observed or plans.keys() != digests.keys(),
    )


def document(shown: Shown) -> dict[str, Any]:
    """Return all of it for programs."""
    return {
        "project": str(shown.key),
        "digest": shown.digest,
        "approved": shown.approved,
        "computing": list(shown.computing),
        "aliases": [
            {"alias": alias, **plan.render()} for alias, plan in sorted((shown.plans or {}).items())
        ],
    }


def describe(shown: Shown, *, style: Style) -> Iterator[str]:
    """Yield the lines that a person reads before saying yes."""
    plans = sorted((shown.plans or {}).items())
    if not plans:
        return
    yield style.bold(f"DjangoProject {shown.key}: plan {shown.digest}, {len(plans)} alias(es)")
    for alias, plan in plans:
        yield ""
        yield style.bold(f"{alias}: {plan.count} migration(s) on database {plan.database}")
        if plan.superseded:
            yield f"  {style.busy(plan.superseded)}"
        yield from (f"  {style.bad('DESTRUCTIVE')} {what}" for what in plan.destructive)
        yield from _more(plan.destructive_count - len(plan.destructive), "DESTRUCTIVE", style)
        yield from (f"  {style.busy('UNJUDGED')} {what}" for what in plan.unjudged)
        yield from _more(plan.unjudged_count - len(plan.unjudged), "UNJUDGED", style)
        for step in plan.steps:
            yield from _step(step, style)
        yield from _more(plan.count - len(plan.steps), "migrations", style)
        yield style.dim(f"  all of the SQL: kubectl -n {shown.key.namespace} logs job/{plan.job}")


def _step(step: Step, style: Style) -> Iterator[str]:
    notes = [f"{step.statements} statement(s)"]
    notes += [] if step.atomic else ["not atomic"]
    notes += [f"{step.gaps} operation(s) without SQL before they run"] if step.gaps else []
    yield f"  {step.name}  {style.dim(', '.join(notes))}"
    yield from (f"    {statement}" for statement in step.sql)
    if step.statements > len(step.sql):
        yield style.dim(f"    … {step.statements - len(step.sql)} more")


def _more(count: int, what: str, style: Style) -> Iterator[str]:
    if count > 0:
        yield style.bad(f"  … {count} more {what}")
