"""The status of a DatabaseAlias and of a DatabaseRoutingPolicy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.meta import JSON, Kind
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.problems import Problem
from dbalias.django.entries import Entry
from dbalias.django.routing import router_class_name
from dbalias.migrations.record import COMMANDS, FIELDS, PLAN, Outcome, render_commands
from dbalias.reconcile.actions import WriteStatus
from dbalias.reconcile.approvals import shown_plan
from dbalias.reconcile.command_status import CommandsStanding, commands_on
from dbalias.reconcile.desired import Desired
from dbalias.reconcile.provisioned import MADE_FIELD, is_unseen, told_of
from dbalias.reconcile.runs import Runs
from dbalias.reconcile.settled import Delivered, settled_login
from dbalias.reconcile.snapshot import Broken
from dbalias.reconcile.status import Obstacle, Subject, summary, write_status

AWAITED_REASONS = frozenset(
    {
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_KEY_MISSING,
        Reason.CONFIG_MAP_NOT_FOUND,
        Reason.UNREADABLE,
        Reason.SERVER_NOT_FOUND,
        Reason.NAMESPACE_NOT_ALLOWED,
    }
)
"""Reasons to look often at what is read by name."""


def alias_status(
    alias: DatabaseAlias, desired: Desired, runs: Runs, delivered: Delivered, now: datetime
) -> WriteStatus | None:
    """Return the status of one alias object, whether or not it owns its alias; None: no change.

    Of one with ``spec.provision`` the server pass writes ``Provisioned`` and what it made.
    ``delivered`` is the stable Secret that everybody has by now, None while some do not.
    """
    subject = Subject(Kind.ALIAS, alias.metadata, alias.status)
    loser = desired.resolution.losers.get(alias.metadata.name)
    if loser is not None:
        return refuse(subject, (loser,), alias.alias, now)
    name = alias.alias
    entry = desired.resolution.entries.get(name)
    problems = desired.resolution.problems.get(name, ())
    if is_unseen(alias, problems):
        return None
    migrated = runs.conditions[name]
    commands = commands_on(runs, name)
    made = told_of(alias)
    conditions = (
        *summary(_obstacle(problems, made, migrated, commands), ready=migrated.message),
        _credentials(alias, problems),
        _connected(runs, name, made, is_tried=alias.metadata.name in desired.tried),
        migrated,
        commands.condition,
        *(() if alias.provision else (made,)),
    )
    fields = {
        "alias": name,
        "database": _database(entry) if entry else alias.status.get("database"),
        "settledLogin": settled_login(alias, desired, delivered),
        **{field: runs.record(name, purpose).render() for purpose, field in FIELDS.items()},
        COMMANDS: render_commands(runs.records, name),
        PLAN: shown_plan(runs, name),
    }
    return write_status(subject, conditions, fields, now=now)


def refuse(
    subject: Subject, problems: tuple[Problem, ...], alias: str | None, now: datetime
) -> WriteStatus | None:
    """Return the status of an object that cannot be acted on, with every reason why."""
    first = problems[0]
    message = "; ".join(str(problem) for problem in problems)
    conditions = summary(Obstacle.of(first.reason, message), ready="")
    return write_status(subject, conditions, {"alias": alias, **subject.further}, now=now)


def broken_status(broken: Broken, now: datetime) -> WriteStatus | None:
    """Return the status of an object that could not be understood."""
    subject = Subject(broken.kind, broken.metadata, broken.status)
    return refuse(subject, broken.problems, broken.alias, now)


def policy_status(
    policy: DatabaseRoutingPolicy, desired: Desired, now: datetime
) -> WriteStatus | None:
    """Return the status of one routing policy."""
    name = policy.metadata.name
    own = [
        problem
        for problem in desired.routing.problems
        if problem.object == f"{Kind.POLICY.value}/{name}"
    ]
    obstacle = Obstacle.of(own[0].reason, "; ".join(map(str, own))) if own else None
    router = router_class_name(name)
    ready = f"{len(policy.rules)} rule(s) in the router {router}"
    if note := desired.routing.notes.get(name):
        ready = f"{ready}; {note}"
    return write_status(
        Subject(Kind.POLICY, policy.metadata, policy.status),
        summary(obstacle, ready=ready),
        {"routerName": router},
        now=now,
    )


def _obstacle(
    problems: tuple[Problem, ...],
    made: ConditionValue,
    migrated: ConditionValue,
    commands: CommandsStanding,
) -> Obstacle | None:
    if problems:
        return Obstacle.of(problems[0].reason, "; ".join(map(str, problems)))
    awaited = (commands.condition,) if commands.is_awaited else ()
    found = [
        Obstacle.of(value.reason, value.message)
        for value in (made, migrated, *awaited)
        if value.status is not Status.TRUE
    ]
    # A migration may wait for a command of the same alias that only a person can mend.
    return next((one for one in found if one.stalled), found[0] if found else None)


def _credentials(alias: DatabaseAlias, problems: tuple[Problem, ...]) -> ConditionValue:
    for problem in problems:
        if problem.reason in AWAITED_REASONS or problem.field == MADE_FIELD:
            return ConditionValue(
                Condition.CREDENTIALS_AVAILABLE, Status.FALSE, problem.reason, str(problem)
            )
    if problems:
        return ConditionValue(
            Condition.CREDENTIALS_AVAILABLE, Status.UNKNOWN, Reason.NOT_CHECKED, str(problems[0])
        )
    secrets = sorted(set(_secrets(alias)))
    if not secrets:
        return ConditionValue(
            Condition.CREDENTIALS_AVAILABLE, Status.TRUE, Reason.NOT_REQUIRED, "no Secret is named"
        )
    text = f"read from {', '.join(f'Secret/{name}' for name in secrets)}"
    return ConditionValue(Condition.CREDENTIALS_AVAILABLE, Status.TRUE, Reason.AVAILABLE, text)


def _secrets(alias: DatabaseAlias) -> Iterator[str]:
    if alias.credentials:
        yield alias.credentials.secret
    if alias.migrate.connection and alias.migrate.connection.credentials:
        yield alias.migrate.connection.credentials.secret
    if alias.tls and alias.tls.client_certificate:
        yield alias.tls.client_certificate


def _connected(runs: Runs, alias: str, made: ConditionValue, *, is_tried: bool) -> ConditionValue:
    """What the last run, or the pass over its server, learnt about reaching the database."""
    if made.reason is Reason.SERVER_UNAVAILABLE:
        return ConditionValue(Condition.CONNECTED, Status.FALSE, made.reason, made.message)
    record = runs.last_record(alias)
    if record.outcome is Outcome.FAILED and record.reason in (
        Reason.DATABASE_UNREACHABLE,
        Reason.LOGIN_REFUSED,
    ):
        return ConditionValue(Condition.CONNECTED, Status.FALSE, record.reason, record.message)
    records = (record, *(runs.record(alias, purpose) for purpose in FIELDS))
    completed = next((one.completed for one in records if one.completed), None)
    if completed is not None:
        text = f"the Job {completed.job} logged in"
        return ConditionValue(Condition.CONNECTED, Status.TRUE, Reason.AVAILABLE, text)
    if is_tried and made.status is Status.TRUE:
        text = "the operator tries the issued login at each look at the server"
        return ConditionValue(Condition.CONNECTED, Status.TRUE, Reason.AVAILABLE, text)
    text = "no Job has logged in yet"
    return ConditionValue(Condition.CONNECTED, Status.UNKNOWN, Reason.NOT_CHECKED, text)


def _database(entry: Entry) -> dict[str, JSON]:
    place = entry.connection.database
    shown = {
        "engine": entry.connection.settings.get("ENGINE"),
        "host": place.host,
        "port": place.port,
        "name": place.name,
        "user": entry.connection.user,
    }
    return {name: value for name, value in shown.items() if value}
