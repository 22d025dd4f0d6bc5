"""The status of a DjangoProject: the sum over its aliases, routing and publication."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.meta import JSON, Kind
from dbalias.django.commands import command_problems
from dbalias.django.lineage import object_of
from dbalias.migrations.marks import PROJECT, REQUESTS, Purpose
from dbalias.migrations.record import COMMANDS, LIST_LIMIT, render_commands
from dbalias.migrations.standing import Standing
from dbalias.migrations.wanted import REQUEST_LIMIT, request_order
from dbalias.reconcile.actions import WriteStatus
from dbalias.reconcile.approvals import Approvals
from dbalias.reconcile.command_status import all_commands, publishable
from dbalias.reconcile.desired import Desired, Hold
from dbalias.reconcile.final import final_revision
from dbalias.reconcile.provisioned import told_of
from dbalias.reconcile.publication import Publication
from dbalias.reconcile.runs import Runs
from dbalias.reconcile.status import Obstacle, Subject, summary, write_status

NAMES_SHOWN = 10
HANDLED: Mapping[Purpose, str] = {
    Purpose.MIGRATE: "lastHandledMigrateRequest",
    Purpose.CHECK: "lastHandledCheckRequest",
}
"""Fields of the status that acknowledge a request."""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a project's status is made from."""

    desired: Desired
    runs: Runs
    publication: Publication
    rolled_out: ConditionValue
    hold: Hold | None
    approvals: Approvals
    routes: Mapping[str, JSON]
    """Where the installed models go, as ``routes.newest_routes`` found it."""

    def counts(self) -> dict[str, int]:
        """Return how many aliases there are, and how many are in which state."""
        standings = self.runs.standings
        failed = sum(1 for standing in standings.values() if standing.failed)
        declared = set(standings) | set(self.desired.resolution.problems)
        migrated = len(self.runs.done)
        return {
            "total": len(declared),
            "migrated": migrated,
            "failed": failed,
            "pending": len(declared) - migrated - failed,
        }


def project_status(picture: Picture, now: datetime) -> WriteStatus | None:
    """Return the status of the project."""
    project = picture.desired.project
    migrated, routes = _migrated(picture), _routes(picture)
    published = _published(picture)
    problems = command_problems(project, picture.desired.resolution)
    commands = all_commands(picture.runs, problems)
    awaited = (commands.condition,) if commands.is_awaited else ()
    obstacle = _obstacle(picture, (routes, migrated, *awaited, published, picture.rolled_out))
    conditions = (
        *summary(obstacle, ready=f"{len(picture.runs.done)} alias(es) published and migrated"),
        published,
        routes,
        migrated,
        commands.condition,
        picture.rolled_out,
    )
    fields = {
        "revision": final_revision(picture.desired) if picture.desired.hold is None else None,
        "publishedRevision": picture.publication.revision,
        "credentialsRevision": picture.publication.credentials,
        "aliases": picture.counts(),
        "audit": _audit(picture.runs),
        "routes": picture.routes,
        COMMANDS: render_commands(picture.runs.records, PROJECT),
        **picture.approvals.fields(),
        **{field: _handled(picture, purpose) for purpose, field in HANDLED.items()},
    }
    subject = Subject(Kind.PROJECT, project.metadata, project.status)
    return write_status(subject, conditions, fields, now=now)


def _obstacle(picture: Picture, conditions: tuple[ConditionValue, ...]) -> Obstacle | None:
    """Return the first thing in the way, what only an edit cures before what passes."""
    if picture.hold is not None and picture.desired.hold is not None:
        return Obstacle(picture.hold.reason, picture.hold.message, picture.hold.stalled)
    found = list(_alias_obstacles(picture))
    found += [
        Obstacle.of(value.reason, value.message)
        for value in conditions
        if value.status is Status.FALSE
    ]
    return next((one for one in found if one.stalled), found[0] if found else None)


def _alias_obstacles(picture: Picture) -> Iterator[Obstacle]:
    resolution = picture.desired.resolution
    for problem in resolution.losers.values():
        yield Obstacle.of(problem.reason, str(problem))
    for problems in resolution.problems.values():
        yield Obstacle.of(problems[0].reason, str(problems[0]))
    for name in resolution.entries:
        owner = resolution.owners[name]
        made = told_of(owner)
        if made.status is not Status.TRUE:
            yield Obstacle.of(made.reason, f"{object_of(owner)}: {made.message}")


def _published(picture: Picture) -> ConditionValue:
    hold = picture.hold
    if picture.publication.complete:
        text = f"revision {picture.publication.revision} is what applications load"
        return _condition(Condition.SETTINGS_PUBLISHED, Status.TRUE, Reason.PUBLISHED, text)
    if hold is not None and (picture.desired.hold or hold.reason is Reason.WRITE_REFUSED):
        stays = picture.publication.document is not None
        kept = "the last published stays" if stays else "nothing is published"
        text = f"{kept}: {hold.message}"
        return _condition(Condition.SETTINGS_PUBLISHED, Status.FALSE, hold.reason, text)
    waiting = _some(sorted(set(picture.runs.standings) - publishable(picture.runs)))
    what = f"waiting for {waiting or 'aliases that cannot be resolved'}"
    if picture.publication.is_ahead:
        what = "its Secret goes a few seconds ahead, until every kubelet has the new files"
    if picture.publication.document is not None:
        what = f"revision {picture.publication.revision} stays in part; {what}"
    return _condition(Condition.SETTINGS_PUBLISHED, Status.FALSE, Reason.PENDING, what)


def _routes(picture: Picture) -> ConditionValue:
    runs = picture.runs
    refused = [
        alias for alias, value in runs.conditions.items() if value.reason is Reason.AUDIT_REFUSED
    ]
    problems = picture.desired.routing.problems
    if problems:
        return _condition(
            Condition.ROUTES_VALID,
            Status.FALSE,
            problems[0].reason,
            "; ".join(str(problem) for problem in problems[:NAMES_SHOWN]),
        )
    if refused:
        audits = [runs.last_record(alias).audit for alias in refused]
        errors = _unique(error for audit in audits for error in audit.errors)
        text = "; ".join(errors) or runs.conditions[refused[0]].message
        return _condition(Condition.ROUTES_VALID, Status.FALSE, Reason.AUDIT_REFUSED, text)
    if not any(map(_is_audited, runs.standings.values())):
        text = "models are audited by the first Job, in the application's own image"
        return _condition(Condition.ROUTES_VALID, Status.UNKNOWN, Reason.NOT_CHECKED, text)
    return _condition(Condition.ROUTES_VALID, Status.TRUE, Reason.VALID, _valid(runs))


def _is_audited(standing: Standing) -> bool:
    """Tell whether a run of what is wanted has completed: its audit let it pass."""
    verdict = standing.speaking
    completed = verdict.record.completed
    return completed is not None and (verdict.done or completed.pending_count > 0)


def _valid(runs: Runs) -> str:
    """Say what the audits let pass."""
    audit = _audit(runs)
    told = "no installed model goes astray"
    if audit.get("errors"):
        told = f"routing.audit is Warn and lets errors pass: {'; '.join(audit['errors'])}"
    if audit.get("warnings"):
        told += f". Worth knowing: {'; '.join(audit['warnings'])}"
    return told


def _migrated(picture: Picture) -> ConditionValue:
    conditions = picture.runs.conditions
    missing = set(picture.desired.resolution.problems) - set(conditions)
    behind = {a: c for a, c in conditions.items() if c.status is not Status.TRUE}
    if not behind and not missing:
        exempt = [c.reason for c in conditions.values()]
        none_managed = bool(exempt) and all(reason is Reason.NOT_MANAGED for reason in exempt)
        reason = Reason.NOT_MANAGED if none_managed else Reason.MIGRATED
        text = f"nothing is left to migrate on {len(conditions)} alias(es)"
        return _condition(Condition.MIGRATED, Status.TRUE, reason, text)
    failing = [a for a in sorted(behind) if picture.runs.standings[a].failed]
    first = (failing or sorted(behind) or [""])[0]
    if not first:
        return _condition(
            Condition.MIGRATED, Status.FALSE, Reason.ALIASES_NOT_READY, _some(sorted(missing))
        )
    more = len(behind) - 1
    text = behind[first].message + (f" ({more} more alias(es) not migrated)" if more else "")
    return _condition(Condition.MIGRATED, Status.FALSE, behind[first].reason, text)


def _audit(runs: Runs) -> Mapping[str, JSON]:
    audits = [runs.last_record(alias).audit for alias in runs.standings]
    errors = _unique(text for audit in audits for text in audit.errors)
    warnings = _unique(text for audit in audits for text in audit.warnings)
    shown: dict[str, JSON] = {}
    if errors:
        shown |= {"errors": errors, "errorCount": max(a.error_count for a in audits)}
    if warnings:
        shown |= {"warnings": warnings, "warningCount": max(a.warning_count for a in audits)}
    return shown


def _handled(picture: Picture, purpose: Purpose) -> str | None:
    """Return the project's request once every alias that it concerns has taken it up."""
    project = picture.desired.project
    asked = project.metadata.annotations.get(REQUESTS[purpose])
    before = project.status.get(HANDLED[purpose])
    if asked is None or picture.hold is not None:
        return before
    asked = asked[:REQUEST_LIMIT]
    pending = any(
        request_order(_answered(picture.runs, alias, purpose)) < request_order(asked)
        for alias in picture.runs.standings
    )
    return before if pending else asked


def _answered(runs: Runs, alias: str, purpose: Purpose) -> str:
    """Return the last request that an alias has taken up; a check answers where it speaks."""
    purposes = {purpose, runs.standings[alias].speaker} & {purpose, Purpose.CHECK}
    answers = [runs.record(alias, one).handled_request or "" for one in purposes]
    return max(answers, key=request_order)


def _unique(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))[:LIST_LIMIT]


def _some(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _condition(kind: Condition, status: Status, reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(kind, status, reason, message)
