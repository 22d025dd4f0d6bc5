"""What a run of a management command is, and how its end is judged."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.conditions import Condition, Reason
from dbalias.api.project import Command, CommandScope, CommandTime, OnFailure
from dbalias.django.commands import is_reading
from dbalias.migrations.commands import awaits_command, has_failed, is_awaited
from dbalias.migrations.identity import command_identity
from dbalias.migrations.jobs import JobSpec, build_job, job_name
from dbalias.migrations.marks import PROJECT, Purpose, Task
from dbalias.migrations.observed import JobState, parse_job
from dbalias.migrations.outcomes import Evidence, Retry, judge
from dbalias.migrations.record import Record, render_commands, stored_tasks
from dbalias.migrations.report import Report
from dbalias.migrations.standing import Errand
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import (
    NOW,
    a_failed_job,
    a_job,
    a_project,
    a_report,
    a_running_record,
    a_wish,
    an_alias,
    verdict_on,
)

CACHE = Command("cache", ("createcachetable", "--dry-run"))
HISTORY = Command("history", ("makemigrations", "--check"), CommandScope.PROJECT)
ON_USERS = Task("users", Purpose.COMMAND, "cache")


def a_command(command: Command = CACHE, **changes: Any) -> Wanted:
    """The wish to run a command on the alias users."""
    return a_wish(**({"purpose": Purpose.COMMAND, "command": command} | changes))


def for_project(**changes: Any) -> Wanted:
    """The wish to run a command that takes no database."""
    project = {"alias": PROJECT, "object": "shop", "object_uid": "project-uid", "database": ""}
    return a_command(HISTORY, **(project | changes))


def a_spec(command: Command, **changes: Any) -> JobSpec:
    """The Job of a command on the alias users."""
    fields: dict[str, Any] = {
        "project": a_project(),
        "alias": an_alias(),
        "config_map": "shop-databases-rev-run",
        "secret": "shop-databases",
        "purpose": Purpose.COMMAND,
        "command": command,
        "identity": "identity-a",
    }
    return JobSpec(**(fields | changes))


def a_command_job(**changes: Any) -> JobState:
    """The first attempt of the command on users."""
    return a_job(purpose=Purpose.COMMAND, command="cache", **changes)


def a_failed_command(code: int, report: str | None = None) -> JobState:
    """An attempt of the command that failed."""
    return a_failed_job(code, report, purpose=Purpose.COMMAND, command="cache")


def test_job_of_a_command_gives_the_database_and_the_words_to_the_runner() -> None:
    """In a pod like that of a migration, which must not be moved either."""
    job = build_job(a_spec(CACHE))
    template = job["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert "import dbalias_manage" in container["command"][-1]
    assert container["args"] == [
        "--database=users", "--lock-timeout=300", "--", "createcachetable", "--dry-run",
    ]  # fmt: skip
    labels = job["metadata"]["labels"]
    assert (
        labels.items()
        >= {
            "dbalias.dev/alias": "users",
            "dbalias.dev/purpose": "command",
            "dbalias.dev/command": "cache",
        }.items()
    )
    assert template["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"


def test_job_without_a_database_names_none_and_says_that_it_reads() -> None:
    """The uid that it carries is the project's."""
    job = build_job(a_spec(HISTORY, alias=None))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["--lock-timeout=300", "--reads", "--", *HISTORY.args]
    assert "dbalias.dev/alias" not in job["metadata"]["labels"]
    assert job["metadata"]["annotations"]["dbalias.dev/object-uid"] == "project-uid"


@pytest.mark.parametrize("alias", [an_alias(), None], ids=["on an alias", "for the project"])
def test_job_of_a_command_is_found_again(alias: Any) -> None:
    """By what it says of itself."""
    body = build_job(a_spec(CACHE, alias=alias))
    body["metadata"] |= {"uid": "job-uid", "creationTimestamp": "2026-05-04T12:00:00Z"}
    state = parse_job(body, [], [])
    assert state
    assert state.task == a_spec(CACHE, alias=alias).task
    assert job_name("shop", state.task, "identity-a", 1) == state.name


@pytest.mark.parametrize(
    "labels",
    [
        {"dbalias.dev/purpose": "command"},
        {"dbalias.dev/purpose": "migrate", "dbalias.dev/command": "cache"},
        {"dbalias.dev/purpose": "manage", "dbalias.dev/command": "cache"},
    ],
    ids=["no command", "a migration with a command", "a person's own Job"],
)
def test_job_is_not_ours_with(labels: dict[str, str]) -> None:
    """Neither counted nor deleted."""
    body = build_job(a_spec(CACHE))
    kept = {key: value for key, value in body["metadata"]["labels"].items() if "/co" not in key}
    body["metadata"] |= {"uid": "job-uid", "labels": kept | labels}
    assert parse_job(body, [], []) is None


@pytest.mark.parametrize(
    ("code", "report", "reason", "retry"),
    [
        (10, None, Reason.COMMAND_FAILED, Retry.WAIT),
        (1, None, Reason.COMMAND_FAILED, Retry.WAIT),
        (2, None, Reason.SETTINGS_FAILED, Retry.WAIT),
        (3, None, Reason.LOCK_NOT_OBTAINED, Retry.AUTO),
        (4, None, Reason.DATABASE_UNREACHABLE, Retry.AUTO),
        (7, Report("stopped", current="command: x"), Reason.COMMAND_INTERRUPTED, Retry.WAIT),
        (7, Report("stopped"), Reason.INTERRUPTED, Retry.AUTO),
        (137, Report("running", current="command: x"), Reason.COMMAND_INTERRUPTED, Retry.WAIT),
        (137, Report("locking"), Reason.INTERRUPTED, Retry.AUTO),
        (137, None, Reason.COMMAND_INTERRUPTED, Retry.WAIT),
        (None, None, Reason.COMMAND_INTERRUPTED, Retry.WAIT),
    ],
)
def test_end_of_a_command_that_may_write_means(
    code: int | None, report: Report | None, reason: Reason, retry: Retry
) -> None:
    """What it was doing decides whether it may be repeated; no engine undoes a command."""
    ending = judge(Evidence(code, report, command=True))
    assert (ending.reason, ending.retry) == (reason, retry)


@pytest.mark.parametrize("code", [7, 137, None])
def test_command_that_only_reads_is_repeated_however_it_was_stopped(code: int | None) -> None:
    """There is nothing that could be half-done."""
    ending = judge(Evidence(code, command=True, writes=False))
    assert (ending.reason, ending.retry) == (Reason.INTERRUPTED, Retry.AUTO)


def test_failure_names_the_command_the_place_and_the_object_to_annotate() -> None:
    """An alias' in its DatabaseAlias, another in the project."""
    report = a_report(message="createcachetable ended with exit code 1: see the log")
    told = verdict_on(a_command(), a_running_record(), [a_failed_command(10, report)])
    assert told.condition.type is Condition.COMMANDS_COMPLETED
    assert "Command cache on alias users, Job job-1: createcachetable" in told.condition.message
    assert "DatabaseAlias/shop-users with dbalias.dev/migrate-requested-at" in told.record.message
    ended = a_failed_job(10, report, purpose=Purpose.COMMAND, command="history", alias=PROJECT)
    told = verdict_on(for_project(), a_running_record(), [ended])
    assert "Command history, Job job-1" in told.record.message
    assert "DjangoProject/shop with" in told.record.message


def test_jobs_of_other_tasks_tell_nothing_of_a_command() -> None:
    """Not those of the alias' migrations, of another command, or of the command elsewhere."""
    others = [
        a_job(),
        a_job(purpose=Purpose.COMMAND, command="tidy"),
        a_job(purpose=Purpose.COMMAND, command="cache", alias="orders"),
    ]
    verdict = verdict_on(a_command(), Record(), others)
    assert verdict.start
    assert verdict.start.number == 1


def test_records_of_commands_are_kept_by_name_and_read_again() -> None:
    """Beside those of migrations and checks, which have fields of their own."""
    record = a_running_record()
    records = {
        ON_USERS: record,
        Task("users", Purpose.COMMAND, "bare"): Record(),
        Task("orders", Purpose.COMMAND, "cache"): record,
        Task("users", Purpose.MIGRATE): record,
    }
    status = {"commands": render_commands(records, "users"), "migration": record.render()}
    assert [one["name"] for one in status["commands"]] == ["cache"]
    assert Record.stored(status, ON_USERS) == record
    assert Record.stored(status, Task("users", Purpose.COMMAND, "tidy")) == Record()
    assert list(stored_tasks(status, "users")) == [Task("users", Purpose.MIGRATE), ON_USERS]


@pytest.mark.parametrize("odd", [None, "x", {"name": "cache"}, [1, {}, {"name": 2}]])
def test_whatever_a_status_keeps_under_commands_is_read(odd: Any) -> None:
    """Somebody else may have written it."""
    assert Record.stored({"commands": odd}, ON_USERS) == Record()
    assert list(stored_tasks({"commands": odd}, "users")) == []


def test_identity_of_a_command_is_image_settings_words_and_places() -> None:
    """Its name, its time and what follows its failure make nothing pending."""
    places = {"users": [{"rest": True}, "mysql://db/users"]}
    known = command_identity(a_project(), CACHE, places)
    same = Command("other", CACHE.args, when=CommandTime.BEFORE_MIGRATE, on_failure=OnFailure.WARN)
    assert command_identity(a_project(), same, places) == known
    others = [
        command_identity(a_project(image="shop:2"), CACHE, places),
        command_identity(a_project(), Command("cache", ("createcachetable",)), places),
        command_identity(a_project(), CACHE, {"users": [{"rest": False}, "mysql://db/users"]}),
        command_identity(a_project(), CACHE, {"users": [{"rest": True}, "mysql://db/other"]}),
    ]
    assert len({known, *others}) == 5


@pytest.mark.parametrize(
    ("on_failure", "awaited"), [(OnFailure.BLOCK, True), (OnFailure.WARN, False)]
)
def test_failed_command_before_migrations_is_awaited_under_block_alone(
    on_failure: OnFailure, awaited: bool
) -> None:
    """Before it was tried it is awaited either way; another image makes it untried."""
    command = Command("look", ("check",), when=CommandTime.BEFORE_MIGRATE, on_failure=on_failure)
    fresh = a_command(command)
    untried = Errand(fresh, verdict_on(fresh))
    record = verdict_on(fresh, a_running_record(), [a_failed_command_of("look")]).record
    failed = Errand(fresh, verdict_on(fresh, record))
    other = a_command(command, identity="identity-b", body="body-b")
    anew = Errand(other, verdict_on(other, record))
    assert [is_awaited(one) for one in (untried, failed, anew)] == [True, awaited, True]
    assert [has_failed(one) for one in (untried, failed, anew)] == [False, True, False]
    blocked = awaits_command("users", {fresh.task: failed})
    assert bool(blocked) is awaited
    assert awaits_command("orders", {fresh.task: untried}) is None


def a_failed_command_of(name: str) -> JobState:
    """An attempt of a command of this name that failed."""
    return a_failed_job(10, purpose=Purpose.COMMAND, command=name, finished_at=NOW)


@pytest.mark.parametrize(
    ("words", "reads"),
    [
        (["check"], True),
        (["makemigrations", "--check"], True),
        (["dumpdata", "auth"], True),
        (["migrate", "--check"], False),
        (["createcachetable", "--dry-run"], False),
        (["a_command_of_the_project"], False),
    ],
)
def test_command_is_known_to_only_read(words: list[str], reads: bool) -> None:
    """What is not known may write."""
    assert is_reading(words) is reads
